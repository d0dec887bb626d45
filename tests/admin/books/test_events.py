"""Each event with its lines: disputes, clawbacks, reserve, statements, debts, other kinds of redemptions, points by themselves."""

from datetime import timedelta

from sqlalchemy import text

from base import clock, database
from catalog.vouchers import lapsing
from merchants import items
from merchants.items import Amounts
from merchants.models import ADJUSTMENT
from points import programmes
from tests.admin.books.ledger import ZONE, booked, shown
from tests.given import (
    caller,
    closed,
    given_adjustment,
    given_offer,
    given_programme,
    given_shop,
    reverse_by_two,
    staff_token,
)
from tests.owner import owner


def today(days=0):
    return clock.day(clock.now(), ZONE) + timedelta(days=days)


def test_a_dispute_holds_the_net_and_for_the_member_gives_everybody_back_what_they_bore(trade):
    acceptance = trade.accepted(trade.issued())
    support = caller(trade.app, staff_token("support"))

    dispute = trade.member.post(f"/v1/acceptances/{acceptance['id']}/not-me").json
    held = shown()
    support.post(f"/v1/disputes/{dispute['id']}/take")
    support.post(f"/v1/disputes/{dispute['id']}/decide", {"verdict": "member", "reason": "looked into"})

    assert booked("dispute-opened") == [("payable_open:tea", "dispute_hold:tea", 2_055)]
    assert (held.get("payable_open:tea"), held["dispute_hold:tea"]) == (None, -2_055)
    assert booked("dispute-for-member") == [
        ("dispute_hold:tea", "points_liability", 2_000),
        ("programme_margin", "dispute_hold:tea", 200),
        ("dispute_hold:tea", "brand_due:leaf", 300),
        ("fee_income", "dispute_hold:tea", 42),
        ("output_vat", "dispute_hold:tea", 3),
    ]
    after = shown()
    assert not {"dispute_hold:tea", "payable_open:tea", "fee_income", "output_vat", "brand_due:leaf"} & {
        *after
    }


def test_of_a_partly_used_voucher_that_is_cancelled_no_fen_is_left_behind(db, trade):
    redemption = trade.issued(2)
    with owner(db) as connection:  # a fen of it was money, so that no half is even
        connection.execute(text("update voucher set cash_fen = 1"))
    acceptance = trade.accepted(redemption, 1)
    support = caller(trade.app, staff_token("support"))

    dispute = trade.member.post(f"/v1/acceptances/{acceptance['id']}/not-me").json
    support.post(f"/v1/disputes/{dispute['id']}/take")
    support.post(f"/v1/disputes/{dispute['id']}/decide", {"verdict": "member", "reason": "looked into"})

    assert booked("voucher-cancelled") == [("voucher_liability", "points_liability", 2_000)]
    assert "voucher_liability" not in shown()


def test_for_the_merchant_the_hold_is_let_go(trade):
    acceptance = trade.accepted(trade.issued())
    support = caller(trade.app, staff_token("support"))
    dispute = trade.member.post(f"/v1/acceptances/{acceptance['id']}/not-me").json

    support.post(f"/v1/disputes/{dispute['id']}/take")
    support.post(f"/v1/disputes/{dispute['id']}/decide", {"verdict": "merchant", "reason": "looked into"})

    assert booked("dispute-for-merchant") == [("dispute_hold:tea", "payable_open:tea", 2_055)]
    assert shown()["payable_open:tea"] == -2_055


def test_a_clawback_takes_back_from_the_merchant_what_the_member_gets(trade):
    redemption = trade.issued(2)
    trade.accepted(redemption, 1)
    maker, checker = (caller(trade.app, staff_token(role)) for role in ("support", "checker"))
    case = maker.post(
        "/v1/reversals", {"redemption": redemption["id"], "text": "wrong", "ticket": "T-1", "clawback": True}
    )
    assert case.status_code == 201, case.json

    answer = checker.post(
        f"/v1/reversals/{case.json['id']}/approve", {"content_hash": case.json["content_hash"]}
    )

    assert answer.status_code == 200, answer.json
    assert booked("clawed-back") == [
        ("payable_open:tea", "points_liability", 2_000),
        ("programme_margin", "payable_open:tea", 200),
        ("payable_open:tea", "brand_due:leaf", 300),
        ("fee_income", "payable_open:tea", 42),
        ("output_vat", "payable_open:tea", 3),
    ]
    assert booked("voucher-cancelled") == [("voucher_liability", "points_liability", 2_000)]
    assert shown() == {"reward_cost": 5_000, "points_liability": -5_000}


def given_item(shop, fen, fee=0):
    with database.begin() as session:
        return items.add(
            session, shop.merchant.merchant_id, ADJUSTMENT, Amounts(fen, fee), at=clock.now(), reason="r", actor="staff:1"
        ).item_id  # fmt: skip


def test_a_net_below_zero_is_owed_to_us_and_netted_by_the_next_statement(trade):
    shop = trade.shop
    given_item(shop, -700)
    closed(shop, today())
    owing = shown()

    given_item(shop, 1_000)
    closed(shop, today(1))

    assert (owing["receivable:tea"], owing.get("payable_open:tea")) == (700, None)
    assert booked("statement-sealed") == [
        ("receivable:tea", "payable_open:tea", 700),
        ("payable_open:tea", "payable_due:tea", 300),
        ("payable_open:tea", "receivable:tea", 700),
    ]
    assert shown() == {
        "reward_cost": 5_000,
        "points_liability": -5_000,
        "merchant_adjustment": 300,
        "payable_due:tea": -300,
    }


def test_a_reserve_is_kept_and_a_minimum_carried(app, db):
    given_programme()
    kept = given_shop("kept", reserve_bp=1_000, reserve_days=30)
    small = given_shop("small", minimum_fen=5_000)
    for shop in (kept, small):
        given_item(shop, 1_000)

    for shop in (kept, small):
        closed(shop, today())

    assert booked("reserve-in") == [("payable_open:kept", "reserve:kept", 100)]
    assert {name: fen for name, fen in shown().items() if ":" in name} == {
        "reserve:kept": -100,
        "payable_due:kept": -900,
        "payable_open:small": -1_000,
    }


def test_what_another_benefit_takes_of_the_points_comes_back_with_it(trade):
    programme = _programme(trade)
    perk = given_offer(programme, "perk", value_fen=1_200)
    redeemed = trade.member.redeem(perk).json

    given = shown()
    assert reverse_by_two(trade.app, redeemed).status_code == 200

    assert given["benefits_due"] == -1_200
    assert booked("benefit-reversed") == [("benefits_due", "points_liability", 1_200)]
    assert shown() == {"reward_cost": 5_000, "points_liability": -5_000}


def test_points_given_and_taken_by_hand_are_a_cost_of_their_own(trade):
    given_adjustment(trade.member_id, 300)
    given_adjustment(trade.member_id, 100, direction="down")

    assert (booked("points-added"), booked("points-removed")) == (
        [("adjustment_cost", "points_liability", 300)],
        [("points_liability", "adjustment_cost", 100)],
    )
    assert shown()["points_liability"] == -5_200


def _programme(trade):
    with database.begin() as session:
        return programmes.by_id(session, trade.offer.programme_id)


def test_what_lapsed_of_a_voucher_that_was_anothers_was_no_breakage(trade):
    acceptance = trade.accepted(trade.issued(2), 1)
    with database.begin() as session:
        assert lapsing.step(session, clock.now() + timedelta(days=40)) == 1
    support = caller(trade.app, staff_token("support"))
    dispute = trade.member.post(f"/v1/acceptances/{acceptance['id']}/not-me").json

    support.post(f"/v1/disputes/{dispute['id']}/take")
    support.post(f"/v1/disputes/{dispute['id']}/decide", {"verdict": "member", "reason": "looked into"})

    assert booked("voucher-expired") == [("voucher_liability", "breakage_income", 2_000)]
    assert booked("expired-voucher-cancelled") == [("breakage_income", "points_liability", 2_000)]
    assert booked("voucher-cancelled") == []
    assert "breakage_income" not in shown()
