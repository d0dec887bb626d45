"""From a draft to an offer: five steps, two persons, what is approved is what was read, and nothing of the past changes."""

from datetime import timedelta

import pytest

from base import clock, database, ids
from catalog.rates import rates
from merchants import merchants
from tests.catalog.publishing.setting_up import (
    A_CREDIT,
    WHOLE,
    decide,
    edit,
    in_days,
    in_force,
    kind_of,
    new_draft,
    propose,
    versions,
)
from tests.given import caller, given_member, given_programme, given_shop, member_token, staff_token


@pytest.fixture
def programme(db):
    programme = given_programme()
    given_shop("tea")
    return programme


@pytest.fixture
def maker(app, programme):
    return caller(app, staff_token("editor"))


@pytest.fixture
def checker(app, programme):
    return caller(app, staff_token("checker"))


@pytest.fixture
def member(app, db, programme):
    return caller(app, member_token(given_member(db, programme, points=5000)))


def open_steps(draft):
    return {step["step"]: [m["type"] for m in step["missing"]] for step in draft["steps"] if not step["done"]}


def test_from_an_empty_draft_to_what_a_member_redeems(maker, checker, member):
    draft = new_draft(maker, {}).json
    empty = open_steps(draft)
    too_early = propose(maker, draft)
    for part in ({"names": WHOLE["names"]}, {n: v for n, v in WHOLE.items() if n != "names"}):
        draft = edit(maker, draft, **part).json
    offered = member.get("/v1/offers").json["data"]

    proposed = propose(maker, draft).json
    own = decide(maker, proposed)
    seen = checker.get(f"/v1/offer-proposals/{proposed['proposal']['id']}").json
    approved = decide(checker, proposed)
    again = decide(checker, proposed)

    offer = member.get(f"/v1/offers/{approved.json['offer']}").json
    after = maker.get(f"/v1/offer-drafts/{draft['id']}").json
    assert (list(empty), kind_of(too_early)) == (
        ["content", "rules", "resource", "stock", "cost"],
        "422 offer-incomplete",
    )
    assert {error["step"] for error in too_early.json["errors"]} == set(empty)
    assert (draft["life"], draft["revision"], open_steps(draft), draft["price_points"]) == (
        "draft",
        3,
        {},
        1000,
    )
    assert (offered, proposed["life"], kind_of(own)) == ([], "in_review", "403 not-allowed")
    assert (seen["content"], seen["before"], seen["changed"][0]) == (draft["content"], None, "category")
    assert [kind_of(approved), kind_of(again)] == ["200", "409 proposal-decided"]
    assert (offer["names"], offer["price_points"], offer["left_over"]) == (WHOLE["names"], 1000, 100)
    assert (offer["terms"], offer["version"]) == (WHOLE["terms"], approved.json["version"])
    assert (after["life"], after["offer"]) == ("live", approved.json["offer"])
    quote = member.post("/v1/quotes", {"offer": offer["id"], "units": 1}).json
    assert kind_of(member.post("/v1/redemptions", {"quote": quote["id"]})) == "201"


def test_an_edit_takes_an_open_proposal_back_and_only_the_maker_edits(app, maker, checker):
    draft = propose(maker, new_draft(maker).json).json
    other = caller(app, staff_token("analyst", "editor"))

    stale = draft["revision"] + 1
    refused = [
        edit(other, draft, cost_fen=1),
        propose(other, draft),
        propose(maker, draft),
        edit(maker, draft | {"revision": stale}, cost_fen=1),
    ]
    edited = edit(maker, draft, cost_fen=900).json
    late = decide(checker, draft)
    second = propose(maker, edited).json
    old_hash = draft["proposal"]["content_hash"]
    crossed = checker.post(
        f"/v1/offer-proposals/{second['proposal']['id']}/approve", {"content_hash": old_hash}
    )
    made = decide(checker, second)

    assert [kind_of(answer) for answer in refused] == [
        "403 draft-of-another",
        "403 draft-of-another",
        "409 draft-in-review",
        "409 draft-changed",
    ]
    assert (edited["life"], edited["proposal"]["state"]) == ("draft", "withdrawn")
    assert (kind_of(late), kind_of(crossed), kind_of(made)) == (
        "409 proposal-decided",
        "409 other-content",
        "200",
    )
    assert [offer.cost_fen for offer in versions()] == [900]
    assert kind_of(edit(maker, second, cost_fen=1)) == "409 draft-closed"


def test_a_rejected_draft_is_mended_and_a_discarded_one_is_gone(maker, checker):
    draft = propose(maker, new_draft(maker).json).json
    assert kind_of(decide(checker, draft, "reject")) == "200"
    draft = maker.get(f"/v1/offer-drafts/{draft['id']}").json
    mended = propose(maker, edit(maker, draft, cost_fen=800).json).json

    gone = maker.post(f"/v1/offer-drafts/{draft['id']}/discard", {"revision": mended["revision"]}).json

    assert (draft["life"], draft["proposal"]["state"]) == ("draft", "rejected")
    assert (gone["life"], gone["proposal"]["state"]) == ("discarded", "withdrawn")
    assert kind_of(decide(checker, mended)) == "409 proposal-decided"
    assert kind_of(propose(maker, gone)) == "409 draft-closed"
    listed = maker.get("/v1/offer-drafts", mine="true", limit=1).json
    assert ([row["id"] for row in listed["data"]], listed["has_more"]) == ([draft["id"]], False)


def test_a_change_is_a_version_from_a_moment_on_and_a_revert_is_one_more(
    db, programme, app, maker, checker, member
):
    first = in_force(maker, checker, new_draft(maker).json)
    seen_at, offer = clock.now().isoformat(), first["offer"]
    change = maker.post(
        "/v1/offer-drafts", {"offer": offer, "content": {"value_fen": 1300, "from_at": in_days(2)}}
    ).json
    second = in_force(maker, checker, change)
    scheduled = maker.get(f"/v1/offer-drafts/{change['id']}").json["life"]
    now = member.get(f"/v1/offers/{offer}").json["price_points"]

    with clock.stopped(clock.now() + timedelta(days=3)):
        member = caller(app, member_token(given_member(db, programme, points=10)))
        maker, checker = (caller(app, staff_token(role)) for role in ("editor", "checker"))
        later = member.get(f"/v1/offers/{offer}").json["price_points"]
        when_seen = member.get(f"/v1/offers/{offer}", at=seen_at).json
        back = maker.post("/v1/offer-drafts", {"offer": offer, "version": first["version"]}).json
        third = in_force(maker, checker, back)
        reverted = member.get(f"/v1/offers/{offer}").json["price_points"]
        told = maker.get(f"/v1/offers/{offer}/versions").json["data"]

    assert (change["content"]["names"], second["changed"]) == (WHOLE["names"], ["value_fen", "from_at"])
    assert second["before"]["value_fen"] == 1000
    assert (scheduled, now, later, reverted) == ("scheduled", 1000, 1300, 1000)
    assert (when_seen["price_points"], when_seen["version"]) == (1000, first["version"])
    assert [v["id"] for v in told] == [third["version"], second["version"], first["version"]]
    assert [v["in_force"] for v in told] == [True, False, False]
    assert [v["proposal"] for v in told] == [third["id"], second["id"], first["id"]]


def test_the_price_of_a_day_is_that_of_its_rate_and_nobody_asks_for_what_will_be(
    programme, maker, checker, member
):
    offer = in_force(maker, checker, new_draft(maker).json)["offer"]
    seen_at = clock.now()
    tomorrow = clock.day(seen_at + timedelta(days=1), programme.zone)
    with database.begin() as session:
        rates.add(session, programme.programme_id, tomorrow, points=200, per_fen=100)

    with clock.stopped(seen_at + timedelta(hours=25)):
        prices = [
            member.get(f"/v1/offers/{offer}", **asked).json["price_points"]
            for asked in ({}, {"at": seen_at.isoformat()})
        ]

    assert prices == [2000, 1000]
    assert kind_of(member.get(f"/v1/offers/{offer}", at=in_days(1))) == "422 not-there-yet"
    assert kind_of(member.get(f"/v1/offers/{offer}", at=in_days(-1))) == "404 offer-unknown"
    assert kind_of(member.get(f"/v1/offers/{offer}", at="yesterday")) == "422 invalid"


def test_what_changed_since_the_proposal_is_asked_again_at_the_approval(maker, checker):
    scheduled = propose(maker, new_draft(maker, WHOLE | {"from_at": in_days(1)}).json).json
    left = propose(maker, new_draft(maker, code="tea-20").json).json
    with database.begin() as session:
        merchants.by_code(session, "tea").state = "suspended"

    refused = decide(checker, left)
    with database.begin() as session:
        merchants.by_code(session, "tea").state = "active"
    with clock.stopped(clock.now() + timedelta(hours=25)):
        checker = caller(checker.client.application, staff_token("checker"))
        too_late = decide(checker, scheduled)

    assert kind_of(refused) == "422 merchant-not-active"
    assert kind_of(too_late) == "422 starts-in-the-past"
    assert kind_of(decide(checker, left)) == "200"
    assert checker.get(f"/v1/offer-proposals/{scheduled['proposal']['id']}").json["state"] == "proposed"


def test_a_start_that_was_minutes_ago_is_the_approval(maker, checker):
    draft = new_draft(maker, WHOLE | {"from_at": clock.now().isoformat()}).json

    made = in_force(maker, checker, draft)

    (offer,) = versions()
    assert offer.from_at.isoformat() == made["decided_at"] > draft["content"]["from_at"]


def test_codes_offers_and_bodies_that_cannot_be(programme, maker, checker):
    in_force(maker, checker, new_draft(maker).json)
    nowhere = ids.public("off", 5)

    answers = {
        "code taken": new_draft(maker),
        "code of letters": new_draft(maker, code="Tea 10"),
        "programme": new_draft(maker, programme="nobody"),
        "no such offer": maker.post("/v1/offer-drafts", {"offer": nowhere}),
        "no id": maker.post("/v1/offer-drafts", {"offer": "x"}),
        "both": maker.post("/v1/offer-drafts", {"offer": nowhere, "kind": "voucher"}),
        "nothing": maker.post("/v1/offer-drafts", {}),
        "a field nobody knows": new_draft(maker, {"price": 1}, code="b"),
        "a float": new_draft(maker, {"value_fen": 1.5}, code="b"),
        "a float deep in a rule": new_draft(maker, {"limits": [{"a": [0.5]}]}, code="b"),
        "a NUL in a rule": new_draft(maker, {"form": {"a\0": 1}}, code="b"),
        "a deep rule": new_draft(maker, {"form": {"a": [[[[[[[[[1]]]]]]]]]}}, code="b"),
        "a language": new_draft(maker, {"names": {"fr": "x"}}, code="b"),
        "a moment without an offset": new_draft(maker, {"from_at": "2030-01-01T00:00:00"}, code="b"),
        "the last moment": new_draft(maker, {"until_at": "9999-12-31T23:59:59-11:00"}, code="b"),
        "no draft": maker.get(f"/v1/offer-drafts/{ids.public('drf', 5)}"),
    }

    assert {name: kind_of(answer) for name, answer in answers.items()} == {
        "code taken": "409 offer-code-taken",
        "code of letters": "422 bad-offer-code",
        "programme": "404 programme-unknown",
        "no such offer": "404 offer-unknown",
        "no id": "404 not-found",
        "no draft": "404 draft-unknown",
        **dict.fromkeys(
            ("both", "nothing", "a field nobody knows", "a float", "a float deep in a rule", "a NUL in a rule",
             "a deep rule", "a language", "a moment without an offset", "the last moment"),
            "422 invalid",
        ),
    }  # fmt: skip


def test_a_draft_begun_or_proposed_twice_with_one_key_is_one(maker, checker):
    body = {"programme": "gotone", "kind": "voucher", "code": "tea-10", "content": WHOLE}

    first, again = (maker.post("/v1/offer-drafts", body, key="begin").json for _ in range(2))
    place, seen = f"/v1/offer-drafts/{first['id']}/propose", {"revision": 1}
    proposed = [maker.post(place, seen, key="propose").json["proposal"]["id"] for _ in range(2)]
    pages = [maker.get("/v1/offer-drafts").json["data"], checker.get("/v1/offer-proposals").json["data"]]

    assert first == again
    assert len(set(proposed)) == 1
    assert [len(rows) for rows in pages] == [1, 1]


def test_who_works_for_one_area_writes_and_does_not_propose(app, programme):
    maker = caller(app, staff_token("editor", area="33"))

    answer = propose(maker, new_draft(maker, A_CREDIT, kind="bill_credit").json)

    assert kind_of(answer) == "403 for-headquarters"
