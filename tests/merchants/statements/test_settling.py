"""Settling: what is due by its draft time, in any zone, over any change of clocks; broken off, doubled or late, the same comes out."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from base import clock, database
from merchants import items, merchants, terms
from merchants.cycles import Period
from merchants.items import Amounts
from merchants.models import ADJUSTMENT, DAILY, MONTHLY, WEEKLY
from merchants.statements import closing, settling
from merchants.statements.closing import PeriodNotOver
from tests.given import ZONE, given_shop, given_taken

DAY = timedelta(days=1)
MONDAY = date(2026, 3, 2)
TICK = timedelta(microseconds=1)


def at(day, hour=0, minute=0, zone=ZONE):
    return clock.start_of(day, zone) + timedelta(hours=hour, minutes=minute)


def settled(shop, moment, until=None):
    """What is sealed at a moment: first day in the zone, lines, payable of each statement."""
    with clock.stopped(moment):
        return list(settling.settle(shop.merchant.merchant_id, until))


def said(statements):
    return [(one.statement_no, one.line_count, one.payable_fen) for one in statements]


def test_a_period_is_sealed_when_its_draft_time_is_over_and_not_before(db):
    shop = given_shop(cycle=DAILY, draft_days=2, pay_days=3)
    given_taken(shop, at(MONDAY, 12))  # the merchant looks on Tuesday and Wednesday

    early = settled(shop, at(MONDAY + 3 * DAY) + timedelta(seconds=59))
    sealed = settled(shop, at(MONDAY + 3 * DAY) + timedelta(seconds=60))

    assert early == []
    assert said(sealed) == [(1, 1, 979)]
    assert sealed[0].due_day == MONDAY + 3 * DAY
    assert (sealed[0].from_at, sealed[0].to_at) == (at(MONDAY), at(MONDAY + DAY))


def test_a_weekend_is_no_time_to_look(db):
    shop = given_shop(cycle=DAILY, draft_days=1, pay_days=1)
    given_taken(shop, at(MONDAY + 4 * DAY, 12))  # Friday: the draft is open on Monday

    assert settled(shop, at(MONDAY + 7 * DAY, 23)) == []
    assert len(settled(shop, at(MONDAY + 8 * DAY, 0, 1))) == 1


def test_all_that_is_due_is_sealed_one_after_the_other_and_periods_without_anything_are_left_out(db):
    shop = given_shop(cycle=DAILY, draft_days=0)
    for day in (0, 1, 40):
        given_taken(shop, at(MONDAY + day * DAY, 12), 100, 0, 0)

    found = settled(shop, at(MONDAY + 50 * DAY))

    assert said(found) == [(1, 1, 100), (2, 1, 100), (3, 1, 100)]
    assert [clock.day(one.from_at, ZONE) for one in found] == [MONDAY, MONDAY + DAY, MONDAY + 40 * DAY]
    assert settled(shop, at(MONDAY + 51 * DAY)) == []


def test_until_a_day_seals_what_was_due_by_its_end_however_late_it_is_asked(db):
    shop = given_shop(cycle=DAILY, draft_days=2)
    for day in (0, 1):
        given_taken(shop, at(MONDAY + day * DAY, 12))

    early = settled(shop, at(MONDAY + 30 * DAY), MONDAY + DAY)
    first = settled(shop, at(MONDAY + 30 * DAY), MONDAY + 2 * DAY)
    again = settled(shop, at(MONDAY + 30 * DAY), MONDAY + 2 * DAY)
    second = settled(shop, at(MONDAY + 30 * DAY), MONDAY + 3 * DAY)

    assert [said(one) for one in (early, first, again, second)] == [[], [(1, 1, 979)], [], [(2, 1, 979)]]
    with pytest.raises(PeriodNotOver):
        settled(shop, at(MONDAY + 30 * DAY), MONDAY + 30 * DAY)


def test_what_came_late_is_on_the_next_statement_though_its_own_period_is_sealed(db):
    shop = given_shop(cycle=DAILY, draft_days=0)
    given_taken(shop, at(MONDAY, 12))
    settled(shop, at(MONDAY + DAY, 1))
    given_taken(shop, at(MONDAY, 13), 500, 0, 0)

    assert settled(shop, at(MONDAY + DAY, 2)) == []
    assert said(settled(shop, at(MONDAY + 2 * DAY, 1))) == [(2, 1, 500)]


def test_two_who_settle_at_once_make_each_statement_once(db):
    shops = [given_shop(code, cycle=DAILY, draft_days=0) for code in ("tea", "noodles", "buns")]
    for shop in shops:
        for day in range(4):
            given_taken(shop, at(MONDAY + day * DAY, 12))
    barrier = threading.Barrier(3)

    def run(_):
        barrier.wait(10)
        return [
            (one.merchant_id, one.statement_no)
            for shop in shops
            for one in settling.settle(shop.merchant.merchant_id)
        ]

    with clock.stopped(at(MONDAY + 9 * DAY)), ThreadPoolExecutor(3) as pool:
        made = [key for keys in pool.map(run, range(3)) for key in keys]

    assert sorted(made) == sorted(
        (shop.merchant.merchant_id, number) for shop in shops for number in (1, 2, 3, 4)
    )


@pytest.mark.parametrize("place", ["lines", "keep", "of"])
def test_broken_off_anywhere_it_leaves_nothing_and_goes_on(db, monkeypatch, place):
    shop = given_shop(cycle=DAILY, draft_days=0, reserve_bp=500, reserve_days=20)
    for day in range(3):
        given_taken(shop, at(MONDAY + day * DAY, 12), 1_000, 0, 0)
    module = {"lines": closing.lines, "keep": closing.reserves, "of": closing.seals}[place]
    name = {"lines": "put_item"}.get(place, place)
    real, calls = getattr(module, name), []

    def dies_at_the_second(*given, **named):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("killed")
        return real(*given, **named)

    monkeypatch.setattr(module, name, dies_at_the_second)
    with pytest.raises(RuntimeError):
        settled(shop, at(MONDAY + 9 * DAY))
    rest = settled(shop, at(MONDAY + 9 * DAY))

    assert said(rest) == [(2, 2, 950), (3, 2, 950)]
    assert rest[-1].reserve_fen == 150


def test_a_merchant_with_whom_nothing_was_agreed_is_left_alone(db):
    with database.begin() as session:
        bare = merchants.add(session, "bare", {}, zone=ZONE, currency="CNY", city="")
        items.add(
            session, bare.merchant_id, ADJUSTMENT, Amounts(1), at=at(MONDAY), reason="x", actor="staff:1"
        )

    assert list(settling.settle(bare.merchant_id)) == []


def test_a_new_cycle_begins_where_the_last_period_ended(db):
    shop = given_shop(cycle=MONTHLY, draft_days=0)
    with database.begin() as session:
        terms.add(
            session, shop.merchant.merchant_id, date(2026, 3, 15), price_bp=9_000, fee_bp=0, vat_bp=0, void_window_s=0,
            cycle=WEEKLY, draft_days=0,
        )  # fmt: skip
    for day in (date(2026, 3, 10), date(2026, 3, 20), date(2026, 4, 1), date(2026, 4, 7)):
        given_taken(shop, at(day, 12))

    found = settled(shop, at(date(2026, 4, 20)))

    days = [(clock.day(one.from_at, ZONE), clock.day(one.to_at - TICK, ZONE)) for one in found]
    assert days == [
        (date(2026, 3, 1), date(2026, 3, 31)),
        (date(2026, 4, 1), date(2026, 4, 5)),
        (date(2026, 4, 6), date(2026, 4, 12)),
    ]


def test_the_worker_settles_all_and_one_who_cannot_be_settled_does_not_stop_it(db, monkeypatch):
    shops = [given_shop(code, cycle=DAILY, draft_days=0) for code in ("buns", "noodles", "tea")]
    for shop in shops:
        given_taken(shop, at(MONDAY, 12))
    real = settling.seal_next

    def sick(session, merchant_id, *given, **named):
        if merchant_id == shops[1].merchant.merchant_id:
            raise closing.StatementUnknown()
        return real(session, merchant_id, *given, **named)

    monkeypatch.setattr(settling, "seal_next", sick)
    with clock.stopped(at(MONDAY + 9 * DAY)):
        assert settling.step() is False

    with database.begin() as session:
        made = [closing.latest(session, shop.merchant.merchant_id) for shop in shops]
    assert [one and one.statement_no for one in made] == [1, None, 1]


CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29), 120, 23),  # a cut-off in the hour that is left out
    ("Europe/Berlin", date(2026, 10, 25), 150, 25),  # and in the one that comes twice
    ("America/New_York", date(2026, 3, 8), 0, 23),
    ("America/New_York", date(2026, 11, 1), 90, 25),
    ("Australia/Lord_Howe", date(2026, 10, 4), 0, 23.5),
    ("Australia/Lord_Howe", date(2026, 4, 5), 105, 24.5),
]


@pytest.mark.parametrize(("zone", "day", "minute", "hours"), CHANGES)
def test_on_a_day_on_which_clocks_change_each_moment_is_on_one_statement(db, zone, day, minute, hours):
    shop = given_shop(zone=zone, cycle=DAILY, cutoff_minute=minute, draft_days=0)
    moments = sorted({
        edge + step
        for around in (day - DAY, day, day + DAY)
        for edge in [datetime(around.year, around.month, around.day, *divmod(minute, 60), tzinfo=ZoneInfo(zone)).astimezone(UTC)]
        for step in (-timedelta(hours=1), -TICK, timedelta(), TICK, timedelta(minutes=30), timedelta(hours=1))
    })  # fmt: skip
    for moment in moments:
        given_taken(shop, moment, 100, 0, 0)

    found = settled(shop, at(day + 9 * DAY, zone=zone))

    for one in found:
        with database.begin() as session:
            times = [line.recorded_at for line in closing.lines_of(session, one)]
        assert times == [moment for moment in moments if one.from_at <= moment < one.to_at]
    assert sum(one.line_count for one in found) == len(moments)
    assert [one.to_at for one in found[:-1]] == [one.from_at for one in found[1:]]
    lengths = [(one.to_at - one.from_at) / timedelta(hours=1) for one in found]
    assert sorted(set(lengths)) == sorted({24.0, hours})
    assert lengths.count(hours) == 1


def test_who_closes_a_period_beside_the_cycle_leaves_the_next_one_to_begin_there(db):
    shop = given_shop(cycle=DAILY, draft_days=0)
    given_taken(shop, at(MONDAY, 9))
    given_taken(shop, at(MONDAY, 15))
    with database.begin() as session:
        merchant = merchants.by_id(session, shop.merchant.merchant_id)
        half = Period(MONDAY, MONDAY, at(MONDAY), at(MONDAY, 12))
        closing.close(session, merchant, half, at(MONDAY, 13))

    (rest,) = settled(shop, at(MONDAY + DAY, 1))

    assert (rest.from_at, rest.to_at, rest.line_count) == (at(MONDAY, 12), at(MONDAY + DAY), 1)


def test_who_settles_every_hour_looks_a_month_back_and_the_command_through_everything(db):
    shop = given_shop(cycle=DAILY, draft_days=0, reserve_bp=500, reserve_days=200)
    for day in (0, 40, 41):
        given_taken(shop, at(MONDAY + day * DAY, 12))
    settled(shop, at(MONDAY + 60 * DAY))
    given_taken(shop, at(MONDAY + 5 * DAY, 12), 70, 0, 0)
    hourly = []

    with clock.stopped(at(MONDAY + 61 * DAY)):
        hourly += settling.settle(shop.merchant.merchant_id, whole=False)
        by_command = list(settling.settle(shop.merchant.merchant_id))
    given_taken(shop, at(MONDAY + 30 * DAY, 12), 80, 0, 0)
    with clock.stopped(at(MONDAY + 62 * DAY)):
        hourly += settling.settle(shop.merchant.merchant_id, whole=False)

    assert said(by_command) == [(4, 2, 66)]
    assert said(hourly) == [(5, 2, 76)]


def test_a_closing_takes_everything_however_old(db):
    shop = given_shop(cycle=DAILY, draft_days=0)
    for day in (0, 80):
        given_taken(shop, at(MONDAY + day * DAY, 12), 100, 0, 0)
    settled(shop, at(MONDAY + 90 * DAY))
    given_taken(shop, at(MONDAY, 13), 5, 0, 0)
    given_taken(shop, at(MONDAY + 91 * DAY, 13), 7, 0, 0)

    with clock.stopped(at(MONDAY + 99 * DAY)):
        found = list(settling.settle(shop.merchant.merchant_id, whole=False))

    assert said(found) == [(3, 2, 12)]
