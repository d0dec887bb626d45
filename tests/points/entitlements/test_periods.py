"""Periods and allowances: every day lies in one period, and nothing is carried over twice."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points.entitlements import periods
from points.entitlements.periods import PERIODS, Allowance

days = st.dates(min_value=date(1990, 1, 1), max_value=date(2140, 12, 31))
few = st.integers(min_value=0, max_value=12)


@given(st.sampled_from(PERIODS), days)
def test_every_day_lies_in_one_period_and_the_next_begins_where_it_ends(kind, on):
    now = periods.period(kind, on)

    assert now.first <= on <= now.last < now.until
    assert periods.period(kind, now.until).first == now.until
    assert periods.period(kind, now.first - timedelta(days=1)).until == now.first


@pytest.mark.parametrize(
    ("kind", "on", "first", "until"),
    [
        ("month", date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1)),
        ("month", date(2028, 2, 29), date(2028, 2, 1), date(2028, 3, 1)),
        ("quarter", date(2026, 11, 26), date(2026, 10, 1), date(2027, 1, 1)),
        ("quarter", date(2026, 1, 1), date(2026, 1, 1), date(2026, 4, 1)),
        ("year", date(2026, 1, 1), date(2026, 1, 1), date(2027, 1, 1)),
    ],
)
def test_the_borders_of_periods(kind, on, first, until):
    assert periods.period(kind, on) == periods.Period(first, until)


@given(few, st.lists(few, min_size=1, max_size=8), few)
def test_over_many_periods_nobody_uses_more_than_was_granted(own, wished, most):
    carried, used_in_all = 0, 0
    for wish in wished:
        now = Allowance(own, carried, 0)
        used = min(wish, now.left)
        used_in_all += used
        carried = periods.carried(Allowance(own, carried, used), most)
        assert 0 <= carried <= min(most, own)

    assert used_in_all + carried <= own * (len(wished) + 1)
    assert used_in_all <= own * len(wished)


def test_what_came_over_is_used_first_and_is_not_carried_again():
    assert periods.carried(Allowance(own=6, carried=2, used=0), most=10) == 6
    assert periods.carried(Allowance(own=6, carried=2, used=2), most=10) == 6
    assert periods.carried(Allowance(own=6, carried=2, used=5), most=10) == 3
    assert periods.carried(Allowance(own=6, carried=2, used=8), most=10) == 0
    assert periods.carried(Allowance(own=6, carried=0, used=0), most=3) == 3


def test_a_lower_tier_leaves_nothing_and_never_less():
    assert Allowance(own=1, carried=0, used=4).left == 0


def test_of_several_tiers_the_best_counts():
    assert periods.own({"silver": 1, "gold": 3}, ["silver", "gold", "star7"]) == 3
    assert periods.own({"gold": 3}, ["star7"]) == 0
    assert periods.own({}, []) == 0


@given(st.sets(days, max_size=10), days)
def test_the_next_day_that_is_open_is_the_first_one(closed, on):
    found = periods.next_open(closed, on)

    assert found not in closed
    assert all(on + timedelta(days=n) in closed for n in range((found - on).days))
