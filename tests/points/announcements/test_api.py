"""Extensions over HTTP: proposed and approved by two persons with keys of their own, listed, refused by name."""

from datetime import timedelta

import pytest

from base import clock, ids
from points import lots
from tests.given import (
    caller,
    given_extension,
    given_member,
    given_points,
    given_programme,
    member_token,
    service_key,
    staff_token,
)

TODAY = clock.now().date()


def day(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def maker(app, db):
    return caller(app, staff_token("editor"))


@pytest.fixture
def checker(app, db):
    return caller(app, staff_token("checker"))


def body(**more):
    return {
        "programme": "gotone", "lot_class": 1, "from_day": day(1), "until_day": day(3), "last_day": day(30),
        "reason": "a good year",
    } | more  # fmt: skip


def propose(maker, **more):
    return maker.post("/v1/extensions", body(**more)).json


def approve(checker, proposal, *, key=None, **more):
    seen = {"content_hash": proposal["content_hash"]} | more
    return checker.post(f"/v1/extensions/{proposal['id']}/approve", seen, key=key)


def kind_of(answer) -> str:
    return f"{answer.status_code} {answer.json['type'].removeprefix('/problems/')}"


def test_an_extension_from_the_proposal_to_the_wallet(app, db, programme, maker, checker):
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=TODAY + timedelta(days=3))

    proposal = maker.post("/v1/extensions", body(), key="one")
    again = maker.post("/v1/extensions", body(), key="one")
    other = maker.post("/v1/extensions", body(last_day=day(31)), key="one")
    shown = checker.get(f"/v1/extensions/{proposal.json['id']}").json
    first = approve(checker, shown, key="yes", note="as agreed")
    replayed = approve(checker, shown, key="yes", note="as agreed")
    late = approve(checker, shown)
    with clock.stopped(clock.now() + timedelta(minutes=6)):
        wallet = caller(app, member_token(member_id)).get("/v1/members/me/wallet").json

    assert (proposal.status_code, proposal.json["state"], shown["counts_from"]) == (201, "proposed", None)
    assert {name: shown[name] for name in body()} == body()
    assert (again.data, again.headers["Idempotency-Replayed"]) == (proposal.data, "true")
    assert kind_of(other) == "422 key-reused"
    assert (first.status_code, first.json["state"], first.json["note"]) == (200, "approved", "as agreed")
    assert first.json["counts_from"] > first.json["decided_at"]
    assert (replayed.data, replayed.headers["Idempotency-Replayed"]) == (first.data, "true")
    assert kind_of(late) == "409 proposal-decided"
    assert wallet["lots"] == [{"class": "bill", "last_day": day(30), "points": 10}]


def test_points_without_an_end_get_a_first_one(app, db, programme, maker, checker):
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=lots.NO_END)
    asked = {"from_day": None, "until_day": None}
    sooner, later = propose(maker, **asked), propose(maker, **asked, last_day=day(60))

    answers = [approve(checker, one) for one in (later, sooner)]

    assert (sooner["from_day"], sooner["until_day"]) == (None, None)
    assert (answers[0].status_code, kind_of(answers[1])) == (200, "409 shorter-life")


def test_one_person_alone_and_a_system_announce_nothing(app, programme, maker):
    both = caller(app, staff_token("editor", "checker"))
    service = caller(app, service_key(programme, "wallet:any", "members:read"))
    proposal, own = propose(maker), propose(both)

    assert kind_of(approve(both, own)) == "403 own-proposal"
    assert kind_of(approve(maker, proposal)) == "403 not-allowed"
    assert kind_of(approve(service, proposal)) == "403 not-allowed"
    assert kind_of(service.post("/v1/extensions", body())) == "403 not-allowed"


def test_a_proposal_is_rejected_or_withdrawn(programme, maker, checker):
    first, second = propose(maker), propose(maker)

    rejected = checker.post(f"/v1/extensions/{first['id']}/reject", {"note": "too dear"})
    withdrawn = maker.post(f"/v1/extensions/{second['id']}/withdraw")

    assert (rejected.json["state"], rejected.json["note"]) == ("rejected", "too dear")
    assert withdrawn.json["state"] == "withdrawn"
    assert kind_of(approve(checker, first)) == "409 proposal-decided"


def test_the_list_goes_on_by_cursor_and_holds_extensions_alone(app, db, programme, maker, checker):
    member = ids.public("mbr", given_member(db, programme))
    adjusted = caller(app, staff_token("support")).post("/v1/adjustments", {
        "member": member, "direction": "up", "points": 30, "reason": "goodwill", "text": "x", "ticket": "T",
    })  # fmt: skip
    made = [propose(maker)["id"] for _ in range(3)]
    given_extension(programme, TODAY, TODAY, TODAY + timedelta(days=9))

    first = maker.get("/v1/extensions", state="proposed", limit=2).json
    second = maker.get("/v1/extensions", state="proposed", limit=2, cursor=first["next_cursor"]).json

    assert [row["id"] for row in first["data"] + second["data"]] == made[::-1]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert kind_of(maker.get(f"/v1/extensions/{adjusted.json['id']}")) == "404 proposal-unknown"
    assert kind_of(checker.get(f"/v1/adjustments/{made[0]}")) == "404 proposal-unknown"


def test_an_editor_reads_no_proposals_about_members(maker):
    assert kind_of(maker.get("/v1/adjustments")) == "403 not-allowed"
    assert kind_of(maker.get("/v1/merges")) == "403 not-allowed"
    assert maker.get("/v1/extensions").status_code == 200


BAD = (
    ({"last_day": day(3)}, "409 shorter-life"),
    ({"last_day": "soon"}, "422 invalid"),
    ({"last_day": None}, "422 invalid"),
    ({"last_day": "2149-06-06"}, "422 bad-extension"),
    ({"from_day": None}, "422 bad-extension"),
    ({"from_day": day(4)}, "422 bad-extension"),
    ({"lot_class": -1}, "422 invalid"),
    ({"lot_class": 32768}, "422 invalid"),
    ({"lot_class": "1"}, "422 invalid"),
    ({"reason": ""}, "422 invalid"),
    ({"reason": " "}, "422 bad-extension"),
    ({"programme": "nowhere"}, "404 programme-unknown"),
    ({"approval": "A-1"}, "422 invalid"),
)


def test_what_cannot_be_an_extension_is_refused_by_name(programme, maker):
    told = [(more, kind_of(maker.post("/v1/extensions", body(**more)))) for more, _ in BAD]

    assert told == list(BAD)
