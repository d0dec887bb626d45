"""Points as money: each day ends at what the points owed are worth, months join without a seam, a new rate reaches all."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from admin.books.points import _FLOWS, EARNED, SIGN, TRUED_UP, Day, Worth, before, moved
from admin.books.points import EVENTS as KINDS
from base import database
from catalog.rates.models import Rate
from points.models import Programme

FIRST = date(2026, 1, 1)
LAST = FIRST + timedelta(days=59)
DAYS = st.integers(0, 59).map(lambda n: FIRST + timedelta(days=n))


def rate(from_day: date, until_day: date | None, points: int, per_fen: int) -> Rate:
    return Rate(from_day=from_day, until_day=until_day, points=points, per_fen=per_fen)


def worth(*versions: Rate) -> Worth:
    return Worth(Programme(code="p", currency="CNY"), list(versions))


EVENTS = st.dictionaries(st.sampled_from(sorted(SIGN)), st.integers(1, 10_000), max_size=4)
HISTORIES = st.dictionaries(DAYS, EVENTS, max_size=12)


def days_of(history):
    return {
        on: Day(sum(SIGN[event] * count for event, count in events.items()), dict(events))
        for on, events in history.items()
    }


@given(HISTORIES, st.dictionaries(DAYS, st.integers(-5_000, 5_000), max_size=6), DAYS)
def test_the_liability_ends_each_day_at_what_the_points_are_worth(history, documents, changes_on):
    every = days_of(history)
    there = worth(
        rate(date(2020, 1, 1), changes_on - timedelta(days=1), 100, 90), rate(changes_on, None, 100, 110)
    )

    found = list(moved(there, before(there, every, 0, None), every, documents, None, LAST))

    fen = sum(documents.values()) + sum(
        (1 if one.event == TRUED_UP else SIGN[one.event]) * one.fen for one in found
    )
    owed = sum(day.owed for day in every.values())
    assert fen == there.of(owed, max([LAST, *every]))


@given(HISTORIES, st.dictionaries(DAYS, st.integers(-5_000, 5_000), max_size=6), DAYS)
def test_two_spans_one_after_the_other_are_the_whole(history, documents, cut):
    every, there = days_of(history), worth(rate(date(2020, 1, 1), None, 7, 3))

    def totals(found):
        sums: dict[str, int] = {}
        for one in found:
            sums[one.event] = sums.get(one.event, 0) + one.fen
        return {event: fen for event, fen in sums.items() if fen}

    whole = totals(moved(there, before(there, every, 0, None), every, documents, None, LAST))
    earlier = sum(fen for on, fen in documents.items() if on < cut)
    start = before(there, every, earlier, cut)
    later = {on: fen for on, fen in documents.items() if on >= cut}
    rest = totals(moved(there, start, every, later, cut, LAST))

    joined = {event: start.events.get(event, 0) + rest.get(event, 0) for event in {*start.events, *rest}}
    assert {event: fen for event, fen in joined.items() if fen} == whole


def test_a_new_rate_reaches_points_that_are_there_on_its_first_day():
    every = {FIRST: Day(1_000, {"points-earned": 1_000})}
    change = FIRST + timedelta(days=10)
    there = worth(rate(FIRST, change - timedelta(days=1), 100, 100), rate(change, None, 100, 150))

    found = list(moved(there, before(there, every, 0, None), every, {}, None, LAST))

    assert [(one.day, one.event, one.fen) for one in found] == [
        (FIRST, "points-earned", 1_000),
        (change, TRUED_UP, 500),
    ]


def test_without_a_rate_points_are_worth_nothing():
    assert worth().of(1_000, FIRST) == 0


def test_what_merchants_gave_is_left_out_by_a_join_and_never_looked_for_posting_by_posting(db):
    asked = {
        "until": None,
        "zone": "Asia/Shanghai",
        "kinds": [*map(int, KINDS)],
        "earned": [*map(int, EARNED)],
    }
    with database.begin() as session:
        plan = database.driver(session).execute("explain " + _FLOWS, asked).fetchall()

    assert not [line for (line,) in plan if "SubPlan" in line]
