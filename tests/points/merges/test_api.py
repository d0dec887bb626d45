"""Merges over HTTP: proposed and approved by two persons, and where reads of the merged member lead."""

import pytest

from base import ids, jobs
from tests.given import caller, given_member, given_programme, member_token, service_key, staff_token


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def pair(db, programme):
    return given_member(db, programme, points=100), given_member(db, programme, points=5)


@pytest.fixture
def maker(app, db):
    return caller(app, staff_token("support"))


@pytest.fixture
def checker(app, db):
    return caller(app, staff_token("checker"))


def body(pair, **more):
    member, into = (ids.public("mbr", member_id) for member_id in pair)
    return {"member": member, "into": into, "text": "one customer", "ticket": "T-9"} | more


def approve(checker, proposal, key=None):
    seen = {"content_hash": proposal["content_hash"]}
    return checker.post(f"/v1/merges/{proposal['id']}/approve", seen, key=key)


def kind_of(answer) -> str:
    return f"{answer.status_code} {answer.json['type'].removeprefix('/problems/')}"


def test_a_merge_from_the_proposal_to_the_survivors_wallet(app, db, programme, pair, maker, checker):
    system = caller(app, service_key(programme, "wallet:any"))
    old, survivor = (f"/v1/members/{ids.public('mbr', member_id)}/wallet" for member_id in pair)

    proposal = maker.post("/v1/merges", body(pair), key="one")
    again = maker.post("/v1/merges", body(pair), key="one")
    done = approve(checker, proposal.json, key="yes")
    repeated = approve(checker, proposal.json, key="yes")
    jobs.drain(db.database_url)
    shown = checker.get(f"/v1/merges/{proposal.json['id']}").json

    assert (proposal.status_code, proposal.json["state"], proposal.json["moved"]) == (201, "proposed", None)
    assert again.data == proposal.data
    assert done.json["moved"] == {"points": 100, "debt": 0, "arrived": False, "landed": None}
    assert repeated.data == done.data
    assert shown["moved"] == {"points": 100, "debt": 0, "arrived": True, "landed": body(pair)["into"]}
    assert system.get(survivor).json["spendable"] == 105
    there = system.get(old).json
    assert (there["state"], there["spendable"], there["merged_into"]) == ("merged", 0, body(pair)["into"])
    assert system.get(survivor).json["merged_into"] is None


def test_an_answer_given_before_the_merge_is_still_given_after_it(app, db, programme, pair, maker, checker):
    member = caller(app, member_token(pair[0]))
    given_member(db, programme, phone="13700002222")
    before = member.post("/v1/gifts", {"to": "13700002222", "points": 10}, key="gift")
    undone = member.post(f"/v1/gifts/{before.json['id']}/undo", key="undo")
    approve(checker, maker.post("/v1/merges", body(pair)).json)

    assert member.post("/v1/gifts", {"to": "13700002222", "points": 10}, key="gift").data == before.data
    assert member.post(f"/v1/gifts/{before.json['id']}/undo", key="undo").data == undone.data
    late = member.post("/v1/gifts", {"to": "13700002222", "points": 10}, key="another")
    assert kind_of(late) == "403 member-merged"
    assert member.get("/v1/members/me/wallet").json["merged_into"] == body(pair)["into"]


def test_a_merge_is_rejected_withdrawn_listed_and_only_by_whom_it_may(pair, maker, checker):
    first, second = (maker.post("/v1/merges", body(pair)).json for _ in range(2))

    assert kind_of(approve(maker, first)) == "403 not-allowed"
    assert kind_of(checker.post("/v1/merges", body(pair))) == "403 not-allowed"
    rejected = checker.post(f"/v1/merges/{first['id']}/reject", {"note": "two persons"})
    withdrawn = maker.post(f"/v1/merges/{second['id']}/withdraw")
    listed = checker.get("/v1/merges", member=body(pair)["member"]).json["data"]

    assert (rejected.json["state"], withdrawn.json["state"]) == ("rejected", "withdrawn")
    assert [(row["id"], row["state"]) for row in listed] == [
        (second["id"], "withdrawn"),
        (first["id"], "rejected"),
    ]
    assert checker.get("/v1/adjustments").json["data"] == []
    assert kind_of(checker.get(f"/v1/adjustments/{first['id']}")) == "404 proposal-unknown"


def test_what_cannot_be_a_merge_is_refused_by_name(db, pair, maker):
    foreign = given_member(db, given_programme("other"))
    bad = {
        "422 invalid": {"ticket": ""},
        "404 not-found": {"into": "x"},
        "404 member-unknown": {"into": "mbr_0000000000001"},
        "409 merge-with-oneself": {"into": body(pair)["member"]},
        "409 other-programme": {"into": ids.public("mbr", foreign)},
    }

    told = {name: kind_of(maker.post("/v1/merges", body(pair, **more))) for name, more in bad.items()}

    assert told == {name: name for name in bad}
