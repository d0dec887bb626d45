"""Every kind of thing gets its line once; what is small, owed or kept goes on from statement to statement."""

from datetime import date, timedelta

import pytest

from base import clock, database, ids
from merchants import items, merchants, terms
from merchants.items import Amounts
from merchants.models import (
    ADJUSTMENT,
    CLAWBACK,
    DAILY,
    DISPUTE_HELD,
    DISPUTE_RELEASED,
    LEAVING,
    RESERVE_OUT,
    Merchant,
)  # fmt: skip
from merchants.statements import closing, reserves, ruling
from merchants.statements import verify as statements_verify
from merchants.statements.closing import StatementUnknown
from tests.given import (
    EARNS,
    ZONE,
    closed,
    given_member,
    given_programme,
    given_promotion_policy,
    given_purchase,
    given_shop,
    given_taken,
)
from tests.owner import forget_everything

DAY = timedelta(days=1)
FIRST = date(2026, 3, 2)  # a Monday


def noon(day=0):
    return clock.start_of(FIRST + day * DAY, ZONE) + timedelta(hours=12)


def daily(**more):
    return given_shop(cycle=DAILY, draft_days=0, pay_days=1, **more)


def add(shop, kind, amounts, at, about_id=0):
    with database.begin() as session:
        items.add(
            session, shop.merchant.merchant_id, kind, amounts, at=at, reason="test", actor="staff:1",
            member_id=7 if about_id else 0, about_id=about_id,
        )  # fmt: skip


def close(shop, day):
    return closed(shop, FIRST + day * DAY)


def lines(statement):
    with database.begin() as session:
        return [
            (one.line_no, one.kind, one.owed_fen, one.fee_fen, one.vat_fen)
            for one in closing.lines_of(session, statement)
        ]


def test_every_kind_has_one_line_in_the_order_of_time_and_the_sums_say_them(config, db):
    shop = daily(**EARNS)
    given_taken(shop, noon(), 1_000, 20, 1, voided_at=noon() + timedelta(minutes=2))
    taken = Amounts(500, 10, 1)
    for minute, (kind, amounts) in enumerate(
        [(ADJUSTMENT, Amounts(30)), (CLAWBACK, taken.reversed()), (DISPUTE_HELD, taken.reversed()), (DISPUTE_RELEASED, taken)],
        start=3,
    ):  # fmt: skip
        add(shop, kind, amounts, noon() + timedelta(minutes=minute), about_id=minute)
    programme = given_programme()
    given_promotion_policy(programme)
    at = noon() + timedelta(minutes=8)
    given_purchase(
        shop, programme, given_member(config, programme), 10_000, at, undone_at=at + timedelta(minutes=1)
    )

    statement = close(shop, 0)

    assert lines(statement) == [
        (1, "acceptance", 1_000, 20, 1), (2, "void", -1_000, -20, -1), (3, "adjustment", 30, 0, 0),
        (4, "clawback", -500, -10, -1), (5, "dispute-held", -500, -10, -1), (6, "dispute-released", 500, 10, 1),
        (7, "earning", -80, 0, 0), (8, "earning-reversal", 80, 0, 0),
    ]  # fmt: skip
    assert statement.sums["clawback"] == {"lines": 1, "owed_fen": -500, "fee_fen": -10, "vat_fen": -1}
    assert sum(said["lines"] for said in statement.sums.values()) == statement.line_count == 8
    assert (statement.net_fen, statement.carried_fen, statement.due_day) == (30 - 489, 30 - 489, None)
    assert close(shop, 1) is None
    with database.begin() as session:
        assert list(statements_verify.findings(session)) == []
    forget_everything(db)  # neither disputes nor two persons stand behind these items


def test_what_is_owed_to_us_is_carried_until_it_is_earned_and_the_first_line_says_so(db):
    shop = daily()
    add(shop, ADJUSTMENT, Amounts(-700), noon())
    given_taken(shop, noon(1), 500, 0, 0)
    given_taken(shop, noon(2), 500, 0, 0)

    first, second, third = (close(shop, day) for day in range(3))

    assert [one.opening_fen for one in (first, second, third)] == [0, -700, -200]
    assert [(one.payable_fen, one.carried_fen) for one in (first, second, third)] == [
        (0, -700),
        (0, -200),
        (300, 0),
    ]
    assert lines(second)[0] == (1, "carried-in", -700, 0, 0)
    assert third.due_day == FIRST + 3 * DAY


def test_less_than_the_minimum_waits_and_is_paid_out_when_the_merchant_leaves(db):
    shop = daily(minimum_fen=1_000)
    given_taken(shop, noon(), 600, 0, 0)
    given_taken(shop, noon(1), 300, 0, 0)

    first, second, nothing = (close(shop, day) for day in range(3))
    with database.begin() as session:
        merchants.by_id(session, shop.merchant.merchant_id).state = LEAVING
    last = close(shop, 3)

    assert [(one.payable_fen, one.carried_fen) for one in (first, second, last)] == [
        (0, 600),
        (0, 900),
        (900, 0),
    ]
    assert nothing is None
    assert lines(last) == [(1, "carried-in", 900, 0, 0)]


def test_a_reserve_stays_its_days_and_comes_back_without_anything_else_happening(db):
    shop = daily(reserve_bp=1_000, reserve_days=5)
    given_taken(shop, noon(), 1_005, 0, 0)
    given_taken(shop, noon(1), 2_000, 0, 0)

    first, second = close(shop, 0), close(shop, 1)
    early = [close(shop, day) for day in (2, 3, 4, 5)]
    back, again = close(shop, 6), close(shop, 7)

    assert lines(first) == [(1, "acceptance", 1_005, 0, 0), (2, "reserve-in", -100, 0, 0)]  # half to even
    assert [one.reserve_fen for one in (first, second, back, again)] == [100, 300, 200, 0]
    assert [one.payable_fen for one in (first, second, back, again)] == [905, 1_800, 100, 200]
    assert early == [None, None, None, None]
    assert lines(back) == [(1, "reserve-out", 100, 0, 0)]


def test_of_a_reserve_that_was_drawn_on_the_rest_comes_back(db):
    shop = daily(reserve_bp=1_000, reserve_days=3)
    given_taken(shop, noon(), 1_000, 0, 0)
    first = close(shop, 0)
    with database.begin() as session:
        items.add(
            session, shop.merchant.merchant_id, RESERVE_OUT, Amounts(40), about_id=1, at=noon(1), reason="clawback",
            actor="system",
        )  # fmt: skip

    second, back = close(shop, 1), close(shop, 4)

    assert [one.reserve_fen for one in (first, second, back)] == [100, 60, 0]
    assert [one.payable_fen for one in (second, back)] == [40, 60]


def test_terms_that_change_later_change_nothing_of_a_reserve_that_is_kept(db):
    shop = daily(reserve_bp=1_000, reserve_days=5)
    given_taken(shop, noon(), 1_000, 0, 0)
    close(shop, 0)
    with database.begin() as session:
        terms.add(
            session, shop.merchant.merchant_id, FIRST + DAY, price_bp=9_000, fee_bp=0, vat_bp=0, void_window_s=0,
            cycle=DAILY, draft_days=0, reserve_bp=0, reserve_days=0,
        )  # fmt: skip
        merchant = session.get_one(Merchant, shop.merchant.merchant_id)
        kept = reserves.kept(session, merchant, ruling.load(session, merchant))

    assert [(one.statement_no, one.left_fen) for one in kept] == [(1, 100)]
    assert kept[0].until == clock.start_of(FIRST + 6 * DAY, ZONE)


def test_the_statement_names_the_versions_of_terms_behind_its_lines(db):
    shop = daily()
    given_taken(shop, noon())
    given_taken(shop, noon())
    with database.begin() as session:
        (version,) = terms.versions(session, shop.merchant.merchant_id)

    assert close(shop, 0).terms == [ids.public("trs", version.terms_id)]


def test_whoever_asked_is_told_of_each_statement_once_and_in_its_transaction(db, monkeypatch):
    told = []
    monkeypatch.setattr(closing, "_told", list(closing._told))

    def plan(session, statement):
        told.append((statement.statement_no, statement.payable_fen))
        closing.find(session, statement.merchant_id, statement.statement_no)

    closing.on_sealed(plan)
    closing.on_sealed(plan)
    shop = daily()
    given_taken(shop, noon(), 500, 0, 0)
    close(shop, 0)
    close(shop, 0)

    assert told == [(1, 500)]


def test_where_one_who_is_told_falls_over_nothing_is_sealed(db, monkeypatch):
    def falls(session, statement):
        raise StatementUnknown()

    others = closing._told
    monkeypatch.setattr(closing, "_told", [falls])
    shop = daily(reserve_bp=1_000, reserve_days=5)
    given_taken(shop, noon())

    with pytest.raises(StatementUnknown):
        close(shop, 0)
    monkeypatch.setattr(closing, "_told", others)

    assert close(shop, 0).statement_no == 1
