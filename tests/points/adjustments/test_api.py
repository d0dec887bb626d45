"""Adjustments over HTTP: proposed and approved by two persons with keys of their own, listed, refused by name."""

import pytest

from base import ids
from tests.given import caller, given_member, given_programme, member_token, service_key, staff_token


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme, points=100)


@pytest.fixture
def maker(app, db):
    return caller(app, staff_token("support"))


@pytest.fixture
def checker(app, db):
    return caller(app, staff_token("checker"))


def body(member_id, **more):
    return {
        "member": ids.public("mbr", member_id), "direction": "up", "points": 30, "reason": "goodwill",
        "text": "a long outage", "ticket": "T-17",
    } | more  # fmt: skip


def propose(maker, member_id, **more):
    return maker.post("/v1/adjustments", body(member_id, **more)).json


def approve(checker, proposal, *, key=None, **more):
    seen = {"content_hash": proposal["content_hash"]} | more
    return checker.post(f"/v1/adjustments/{proposal['id']}/approve", seen, key=key)


def kind_of(answer) -> str:
    return f"{answer.status_code} {answer.json['type'].removeprefix('/problems/')}"


def test_an_adjustment_from_the_proposal_to_the_wallet(app, member_id, maker, checker):
    member = caller(app, member_token(member_id))

    proposal = maker.post("/v1/adjustments", body(member_id), key="one")
    again = maker.post("/v1/adjustments", body(member_id), key="one")
    other = maker.post("/v1/adjustments", body(member_id, points=31), key="one")
    shown = checker.get(f"/v1/adjustments/{proposal.json['id']}").json
    done = approve(checker, shown, note="as agreed")

    assert (proposal.status_code, proposal.json["state"], proposal.json["posting"]) == (201, "proposed", None)
    assert (again.data, again.headers["Idempotency-Replayed"]) == (proposal.data, "true")
    assert kind_of(other) == "422 key-reused"
    assert (done.status_code, done.json["state"], done.json["note"]) == (200, "approved", "as agreed")
    assert done.json["decided_by"] != done.json["proposed_by"]
    assert done.json["posting"] == 2
    assert member.spendable() == 130
    (newest, _) = member.get("/v1/members/me/postings").json["data"]
    assert (newest["kind"], newest["points"], newest["ref"]) == ("adjust_up", 30, shown["id"])
    assert shown["id"] in newest["explanation"]["en"]


def test_an_approval_repeated_under_its_key_gives_the_same_answer_and_posts_once(
    app, member_id, maker, checker
):
    proposal = propose(maker, member_id)

    first = approve(checker, proposal, key="yes")
    again = approve(checker, proposal, key="yes")
    other_key = approve(checker, proposal)

    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")
    assert kind_of(other_key) == "409 proposal-decided"
    assert caller(app, member_token(member_id)).spendable() == 130


@pytest.mark.attack("A7")
def test_a_second_sign_in_is_not_a_second_person(app, db, member_id):
    first = caller(app, staff_token("support", "checker"))
    second = caller(app, staff_token("support", "checker"))  # the same address: the same person
    proposal = propose(first, member_id)

    told = approve(second, proposal)

    assert first.token != second.token
    assert kind_of(told) == "403 own-proposal"
    assert caller(app, member_token(member_id)).spendable() == 100


def test_a_system_can_do_nothing_of_it(app, programme, member_id, maker):
    proposal = propose(maker, member_id)
    service = caller(app, service_key(programme, "wallet:any", "members:read"))

    assert kind_of(service.post("/v1/adjustments", body(member_id))) == "403 not-allowed"
    assert kind_of(approve(service, proposal)) == "403 not-allowed"
    assert kind_of(service.get("/v1/adjustments")) == "403 not-allowed"


def test_a_proposal_is_rejected_with_a_reason_or_withdrawn_by_its_maker(member_id, maker, checker):
    first, second = propose(maker, member_id), propose(maker, member_id)

    silent = checker.post(f"/v1/adjustments/{first['id']}/reject", {})
    rejected = checker.post(f"/v1/adjustments/{first['id']}/reject", {"note": "no outage"})
    withdrawn = maker.post(f"/v1/adjustments/{second['id']}/withdraw")

    assert kind_of(silent) == "422 invalid"
    assert (rejected.json["state"], rejected.json["note"]) == ("rejected", "no outage")
    assert withdrawn.json["state"] == "withdrawn"
    assert kind_of(approve(checker, first)) == "409 proposal-decided"


def test_another_content_than_was_seen_is_not_approved(member_id, maker, checker):
    proposal = propose(maker, member_id)

    assert kind_of(approve(checker, proposal | {"content_hash": "0" * 64})) == "409 other-content"
    assert kind_of(checker.post(f"/v1/adjustments/{proposal['id']}/approve", {})) == "422 invalid"


def test_the_list_goes_on_by_cursor_and_can_be_narrowed(db, programme, member_id, maker, checker):
    made = [propose(maker, member_id)["id"] for _ in range(3)]
    other = propose(maker, given_member(db, programme))["id"]
    approve(checker, checker.get(f"/v1/adjustments/{made[0]}").json)

    first = checker.get("/v1/adjustments", limit=3).json
    second = checker.get("/v1/adjustments", limit=3, cursor=first["next_cursor"]).json
    waiting = checker.get("/v1/adjustments", state="proposed", member=ids.public("mbr", member_id)).json

    assert [row["id"] for row in first["data"] + second["data"]] == [other, *made[::-1]]
    assert (first["has_more"], second["has_more"], second["next_cursor"]) == (True, False, None)
    assert [row["id"] for row in waiting["data"]] == made[:0:-1]


BAD = (
    ({"points": 0}, "422 invalid"),
    ({"points": -5}, "422 invalid"),
    ({"points": 1.5}, "422 invalid"),
    ({"points": "5"}, "422 invalid"),
    ({"points": True}, "422 invalid"),
    ({"points": 2**63}, "422 invalid"),
    ({"points": 2**63 - 1}, "422 points-out-of-range"),
    ({"points": 100_001}, "403 maker-limit-reached"),
    ({"direction": "sideways"}, "422 invalid"),
    ({"reason": "because"}, "422 invalid"),
    ({"text": ""}, "422 invalid"),
    ({"text": "\x00"}, "422 invalid"),
    ({"ticket": None}, "422 invalid"),
    ({"last_day": "2026-02-30"}, "422 invalid"),
    ({"last_day": "2020-01-01"}, "422 bad-adjustment"),
    ({"lot_class": 7}, "404 no-rule-in-force"),
    ({"member": "mbr_0000000000001"}, "404 member-unknown"),
    ({"member": "%"}, "404 not-found"),
    ({"approved_by": "me"}, "422 invalid"),
)


def test_what_cannot_be_an_adjustment_is_refused_by_name(member_id, maker):
    told = [(more, kind_of(maker.post("/v1/adjustments", body(member_id, **more)))) for more, _ in BAD]

    assert told == list(BAD)


def test_strange_ids_states_and_cursors_are_refused(checker):
    assert kind_of(checker.get("/v1/adjustments/apr_0000000000001")) == "404 proposal-unknown"
    assert kind_of(checker.get("/v1/adjustments/x")) == "404 not-found"
    assert kind_of(checker.get("/v1/adjustments", state="odd")) == "422 invalid"
    assert kind_of(checker.get("/v1/adjustments", cursor="forged")) == "400 cursor-unknown"
    assert kind_of(checker.get("/v1/adjustments", member="forged")) == "404 not-found"
