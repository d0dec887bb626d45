"""Members earn at a merchant's till: paid from its packs or owed, undone the same day, into the very pack; all of it in the books."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select, text

from base import clock, database, ids
from merchants import cycles
from merchants.earnings import verify
from merchants.packs import packs
from merchants.packs import verify as packs_verify
from merchants.risk.models import Alert
from merchants.statements import draft
from merchants.terminals import clerks
from points import ledger
from tests.given import (
    EARNS,
    ZONE,
    caller,
    clerk_token,
    given_colleague,
    given_member,
    given_offer,
    given_outlet,
    given_pack,
    given_programme,
    given_promotion_policy,
    given_shop,
    member_token,
    merchant_token,
)
from tests.owner import forget_everything, owner
from tests.tills import paired

PHONE = "13912345678"


@pytest.fixture
def programme(db):
    programme = given_programme()
    given_promotion_policy(programme)
    return programme


@pytest.fixture
def member(config, programme):
    return given_member(config, programme, phone=PHONE)


@pytest.fixture
def shop(db):
    return given_shop(**EARNS)


@pytest.fixture
def till(app, shop):
    return caller(app, clerk_token(shop))


def buy(till, yuan=36, phone=PHONE, key=None):
    return till.post("/v1/earnings", {"phone": phone, "amount_fen": 100 * yuan}, key=key)


def undo(till, earned, reason="goods came back"):
    return till.post(f"/v1/earnings/{earned.json['id']}/reverse", {"reason": reason})


def beside(app, shop, role):
    """Another till of the shop, with another person at it."""
    person = given_colleague(shop, role, "90")
    with database.begin() as session:
        terminal = clerks.add_terminal(session, shop.outlet, f"{shop.merchant.code}-2")
    return caller(app, clerk_token(replace(shop, terminal=terminal, signer=paired(terminal)), person))


def wallet(member_id):
    with database.begin() as session:
        found = ledger.read(session, member_id)
        return found.balance, found.debt


def left(shop):
    with database.begin() as session:
        return {one.pack.pack_id: one.left for one in packs.listed(session, shop.merchant.merchant_id)}


def lines(shop):
    """What the next statement would have of it."""
    with database.begin() as session:
        found = draft.draft_of(session, shop.merchant, clock.now())
        rows = draft.lines_of(session, shop.merchant, found, limit=50)
    return [(row.kind, row.owed_fen) for row in rows]


def test_a_purchase_earns_points_and_the_merchant_owes_for_them(till, member, shop):
    earned = buy(till, 36)

    assert earned.status_code == 201
    assert {name: earned.json[name] for name in ("points", "postpaid_points", "price_fen", "amount_fen", "warning")} == {
        "points": 36, "postpaid_points": 36, "price_fen": 29, "amount_fen": 3600, "warning": None,
    }  # fmt: skip
    assert wallet(member) == (36, 0)
    assert lines(shop) == [("earning", -29)]


def test_the_same_key_again_gives_the_same_answer_and_earns_once(till, member):
    first, again = (buy(till, 36, key="one purchase") for _ in range(2))
    other = buy(till, 37, key="one purchase")

    assert (first.json, again.headers["Idempotency-Replayed"]) == (again.json, "true")
    assert other.json["type"] == "/problems/key-reused"
    assert wallet(member) == (36, 0)


def test_packs_are_drained_the_earliest_start_first_and_the_rest_is_owed(till, member, shop):
    later = given_pack(shop, 50)
    early = given_pack(shop, 30, from_day=clock.day(clock.now(), ZONE) - timedelta(days=9))
    over = given_pack(shop, 99, from_day=date(2025, 1, 1), until_day=date(2025, 12, 31))

    sizes = [(buy(till, yuan).json["postpaid_points"], left(shop)) for yuan in (20, 20, 100)]

    assert sizes == [
        (0, {early.pack_id: 10, later.pack_id: 50, over.pack_id: 99}),
        (0, {early.pack_id: 0, later.pack_id: 40, over.pack_id: 99}),
        (60, {early.pack_id: 0, later.pack_id: 0, over.pack_id: 99}),
    ]
    assert lines(shop) == [("earning", 0), ("earning", 0), ("earning", -48)]


def test_what_is_undone_goes_back_into_the_same_packs_and_off_the_statement(till, member, shop):
    one, two = given_pack(shop, 30), given_pack(shop, 30)
    earned = buy(till, 70)

    undone = undo(till, earned)

    assert (undone.status_code, undone.json["earning"]) == (201, earned.json["id"])
    assert left(shop) == {one.pack_id: 30, two.pack_id: 30}
    assert wallet(member) == (0, 0)
    assert lines(shop) == [("earning", -8), ("earning-reversal", 8)]


@pytest.mark.attack("A10")
def test_points_that_were_spent_meanwhile_are_owed_by_the_member(app, till, member, programme):
    earned = buy(till, 36)
    offer = given_offer(programme, "perk", value_fen=30)
    redeemed = caller(app, member_token(member)).redeem(offer)

    undone = undo(till, earned)

    assert (redeemed.status_code, undone.status_code) == (201, 201)
    assert wallet(member) == (0, 30)


def test_an_earning_is_undone_once(till, member):
    earned = buy(till)

    first, second = undo(till, earned), undo(till, earned)

    assert (first.status_code, second.json["type"]) == (201, "/problems/earning-reversed")
    assert wallet(member) == (0, 0)


@pytest.mark.attack("A10")
def test_two_tills_that_undo_at_once_undo_once(app, shop, till, member, config):
    earned = buy(till)
    manager = beside(app, shop, "manager")
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda who: undo(who, earned).status_code, (till, manager)))

    assert sorted(answers) == [201, 409]
    assert wallet(member) == (0, 0)


def test_another_till_does_not_undo_and_another_merchant_finds_nothing(app, shop, till, member):
    earned = buy(till)
    stranger = caller(app, clerk_token(given_shop("cafe", **EARNS)))

    answers = [undo(who, earned).json["type"] for who in (stranger, beside(app, shop, "clerk"))]

    assert answers == ["/problems/earning-unknown"] * 2
    assert wallet(member) == (36, 0)


def test_after_the_cut_off_of_the_merchants_day_nothing_is_undone(app, config, programme):
    shop = given_shop("late", **EARNS, cutoff_minute=360)
    given_member(config, programme, phone="13900000001")
    today = clock.day(clock.now(), ZONE)
    until = cycles.end_of(today, 360, ZONE)

    def bought_and_undone(at):
        with clock.stopped(cycles.start_of(today, 0, ZONE) + timedelta(hours=23)):
            earned = buy(caller(app, clerk_token(shop)), phone="13900000001")
        with clock.stopped(at):
            return undo(caller(app, clerk_token(shop)), earned).status_code

    assert bought_and_undone(until - timedelta(microseconds=1)) == 201
    assert bought_and_undone(until) == 409


@pytest.mark.parametrize(("rule", "status", "warning"), [("postpaid", 201, None), ("warn", 201, "packs-used-up"), ("stop", 409, None)])  # fmt: skip
def test_without_enough_in_its_packs_the_terms_say_what_happens(app, member, rule, status, warning):
    shop = given_shop("pack", **EARNS | {"issuing_rule": rule})
    pack = given_pack(shop, 10)
    till = caller(app, clerk_token(shop))

    answer = buy(till, 36)

    assert answer.status_code == status
    assert answer.json.get("warning") == warning
    assert left(shop) == {pack.pack_id: 10 if rule == "stop" else 0}
    assert wallet(member) == ((0, 0) if rule == "stop" else (36, 0))


def test_a_stopped_till_says_so_and_gives_again_with_the_next_pack(app, member):
    shop = given_shop("pack", **EARNS | {"issuing_rule": "stop"})
    till = caller(app, clerk_token(shop))
    refused = buy(till, 36)
    given_pack(shop, 100)

    assert refused.json["type"] == "/problems/packs-used-up"
    assert buy(till, 36).json["postpaid_points"] == 0


def test_many_tills_at_once_never_take_more_out_of_a_pack_than_it_holds(app, config, programme):
    shop = given_shop("pack", **EARNS | {"issuing_rule": "stop"})
    pack = given_pack(shop, 100)
    phones = [f"138{number:08d}" for number in range(8)]
    people = [given_member(config, programme, phone=phone) for phone in phones]
    till = clerk_token(shop)

    with ThreadPoolExecutor(8) as at_once:
        answers = list(at_once.map(lambda phone: buy(caller(app, till), 30, phone=phone).status_code, phones))

    assert sorted(answers) == [201] * 3 + [409] * 5
    assert left(shop) == {pack.pack_id: 10}
    assert sum(wallet(one)[0] for one in people) == 90


def test_the_operator_is_told_at_a_fifth_a_twentieth_and_nothing(till, member, shop):
    given_pack(shop, 100)

    for yuan in (79, 1, 10, 5, 4, 1, 1):
        buy(till, yuan)

    with database.begin() as session:
        told = session.execute(select(Alert.subject, Alert.facts).where(Alert.rule == "packs-low")).all()
    assert sorted((row.subject, row.facts["points_left"]) for row in told) == [
        ("packs at 0 percent", 0), ("packs at 20 percent", 20), ("packs at 5 percent", 5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("yuan_fen", "more", "problem"),
    [
        (99, {}, "too-small-to-earn"),
        (3600, {"phone": "13900000000"}, "nobody-earns"),
        (3600, {"phone": "not a number"}, "bad-phone"),
        (3600, {"programme": "none"}, "programme-unknown"),
    ],
)
def test_what_earns_nothing_is_refused_by_name(till, member, yuan_fen, more, problem):
    refused = till.post("/v1/earnings", {"phone": PHONE, "amount_fen": yuan_fen} | more)

    assert refused.json["type"] == f"/problems/{problem}"
    assert wallet(member) == (0, 0)


def test_a_merchant_whose_terms_give_none_gives_none(app, member):
    till = caller(app, clerk_token(given_shop()))

    assert buy(till).json["type"] == "/problems/no-points-here"


def test_numbers_are_not_tried_out_at_a_till(till, member):
    tried = [buy(till, phone=f"137{number:08d}").status_code for number in range(20)]

    assert set(tried) == {404}
    assert buy(till).json["type"] == "/problems/too-many-guesses"


def test_an_unsigned_request_gives_nothing(app, shop, member):
    token = clerk_token(shop)
    unsigned = app.test_client().post(
        "/v1/earnings",
        json={"phone": PHONE, "amount_fen": 3600},
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "k"},
    )

    assert unsigned.status_code == 401
    assert wallet(member) == (0, 0)


def test_the_merchant_sees_what_was_given_and_nothing_of_the_member(app, shop, till, member):
    given_outlet(shop)
    undo(till, buy(till, 10))
    buy(till, 20)
    finance = caller(app, merchant_token(given_colleague(shop, "finance", "77")))

    page = finance.get("/v1/merchant/earnings", limit=1).json
    rest = finance.get("/v1/merchant/earnings", limit=1, cursor=page["next_cursor"]).json["data"]

    assert [(one["points"], one["reversed_at"] is None) for one in page["data"] + rest] == [
        (20, True),
        (10, False),
    ]
    assert PHONE not in str(page)
    assert "balance" not in str(page)


def test_why_names_the_purchase_behind_the_points(cli, till, member):
    earned = buy(till, 36)

    said = cli("why", ids.public("mbr", member)).output

    assert f"Purchase of 36.00 at tea ({earned.json['id']}), 100 points per 100.00 = 36 points" in said


@pytest.mark.parametrize(
    ("meddling", "told"),
    [
        ("update pack_use set points = 12 where points > 0", "what packs gave and what is owed for is not what was earned"),
        ("update points_pack set points = 9", "more was taken out of it than it held, or more put back than taken"),
        ("update merchant_earning set price_fen = 5, postpaid_points = 1", "are not the price"),
        ("delete from merchant_earning", "there is no earning behind this posting"),
        ("update merchant_earning set seq = 99 where points = 10", "there is no posting 99"),
        ("delete from pack_use where points < 0", "it did not put back what its earning took"),
        ("update earning_reversal set recorded_at = recorded_at + interval '3 days'", "after the cut-off"),
        ("update points_pack set price_fen = 1", "it is not the one that was approved"),
    ],
)  # fmt: skip
def test_what_an_owners_hand_changed_is_found(config, till, member, shop, meddling, told):
    given_pack(shop, 11)
    undo(till, buy(till, 5))
    buy(till, 10)
    with owner(config) as hand:
        hand.execute(text(meddling))
    with database.begin() as session:
        found = [finding.text for topic in (verify, packs_verify) for finding in topic.findings(session)]
    forget_everything(config)

    assert any(told in one for one in found)
