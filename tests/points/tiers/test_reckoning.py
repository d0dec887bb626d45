"""The pure core of tiers: borders of the window, up at once, hold, grace, down a few steps, and never the balance."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points.tiers.reckoning import (
    DAY,
    FELL,
    KEPT,
    REACHED,
    Granted,
    Rule,
    Standing,
    Step,
    add_months,
    at,
    reckon,
    spans,
)

STEPS = tuple(
    Step(tier, points, {"zh-CN": tier, "en": tier})
    for tier, points in (("silver", 100), ("gold", 200), ("diamond", 300))
)
RULE = Rule(1, "card", date(2020, 1, 1), 12, 12, 1, 0, 1, (1,), STEPS)
YEAR = replace(RULE, window_months=None)
DAYS = st.dates(date(2021, 1, 1), date(2035, 12, 31))
RULES = st.builds(
    replace,
    st.just(RULE),
    window_months=st.one_of(st.none(), st.integers(1, 36)),
    hold_months=st.integers(1, 24),
    grace_months=st.integers(0, 3),
    grace_days=st.integers(0, 40),
    most_down=st.integers(1, 3),
)


def standing(change) -> Standing:
    return Standing(change.from_day, change.tier, change.holds_until, change.grace_until)


@pytest.mark.parametrize(
    ("on", "first"),
    [
        (date(2026, 11, 26), date(2025, 11, 27)),
        (date(2026, 12, 31), date(2026, 1, 1)),
        (date(2024, 2, 28), date(2023, 2, 28)),  # the window ends a day before the leap day
        (date(2024, 2, 29), date(2023, 3, 1)),
        (date(2026, 2, 28), date(2025, 3, 1)),
        (date(2026, 3, 30), date(2025, 3, 31)),
    ],
)
def test_a_rolling_window_is_so_many_months_and_both_its_days_belong_to_it(on, first):
    assert RULE.window_first(on) == first


@given(DAYS, st.integers(1, 36))
def test_windows_of_following_days_leave_out_no_day_and_never_go_back(on, months):
    rule = replace(RULE, window_months=months)

    before, after = rule.window_first(on), rule.window_first(on + DAY)

    assert (
        before <= after <= before + timedelta(days=4)
    )  # the end of a short month makes up for the longer ones
    assert before <= on


def test_the_calendar_year_begins_on_its_first_day():
    assert YEAR.window_first(date(2026, 1, 1)) == date(2026, 1, 1)
    assert YEAR.window_first(date(2026, 12, 31)) == date(2026, 1, 1)


@given(RULES, DAYS, st.integers(0, 400))
def test_a_tier_rises_at_once_and_as_far_as_was_earned(rule, on, earned):
    change = reckon(rule, None, earned, on)

    if earned < 100:
        assert change is None
    else:
        assert (change.from_day, change.reason, change.rank) == (on, REACHED, min(earned // 100, 3))
        assert change.tier == rule.steps[change.rank - 1].tier
        assert on <= change.holds_until <= change.grace_until


@given(RULES, DAYS, st.integers(100, 400), st.integers(0, 99), st.data())
def test_while_it_holds_and_in_grace_nothing_that_is_missing_or_taken_back_lowers_it(
    rule, on, earned, later, data
):
    stands = standing(reckon(rule, None, earned, on))
    day = on + timedelta(days=data.draw(st.integers(0, (stands.grace_until - on).days)))

    assert reckon(rule, stands, later, day) is None


@given(RULES, DAYS, st.integers(100, 400), st.integers(0, 99))
def test_the_day_after_the_grace_it_falls_at_most_so_many_steps_and_the_lower_tier_holds_again(
    rule, on, earned, later
):
    stands = standing(reckon(rule, None, earned, on))

    fallen = reckon(rule, stands, later, stands.grace_until + DAY)

    before = rule.rank(stands.tier)
    assert (fallen.reason, fallen.before) == (FELL, stands.tier)
    assert fallen.rank == max(rule.rank_for(later), before - rule.most_down)
    assert (
        reckon(rule, standing(fallen), later, fallen.from_day + DAY) is None
        or fallen.grace_until == fallen.from_day
    )


@given(RULES, DAYS, st.integers(100, 299))
def test_what_still_reaches_it_keeps_it_for_another_time_once_it_holds_no_more(rule, on, earned):
    stands = standing(reckon(rule, None, earned, on))

    kept = reckon(rule, stands, earned, stands.holds_until + DAY)

    assert (kept.reason, kept.tier, kept.before) == (KEPT, stands.tier, stands.tier)
    assert kept.holds_until > stands.holds_until


def test_in_grace_it_can_be_reached_again():
    stands = Standing(date(2026, 1, 1), "gold", date(2026, 12, 31), date(2027, 1, 31))

    assert reckon(RULE, stands, 199, date(2027, 1, 31)) is None
    assert reckon(RULE, stands, 200, date(2027, 1, 31)).reason == KEPT
    assert reckon(RULE, stands, 199, date(2027, 2, 1)).tier == "silver"


def test_a_late_earning_lifts_it_on_the_day_on_which_it_is_seen():
    stands = Standing(date(2026, 1, 1), "silver", date(2026, 12, 31), date(2027, 1, 31))

    change = reckon(RULE, stands, 250, date(2026, 6, 5))

    assert (change.from_day, change.tier, change.before) == (date(2026, 6, 5), "gold", "silver")


def test_on_one_day_there_is_one_change():
    stands = Standing(date(2026, 1, 1), "silver", date(2026, 12, 31), date(2027, 1, 31))

    assert reckon(RULE, stands, 400, date(2026, 1, 1)) is None
    assert reckon(RULE, stands, 400, date(2026, 1, 2)).tier == "diamond"


def test_in_a_calendar_year_a_tier_holds_to_the_end_of_the_next_one_and_is_kept_as_soon_as_it_is_reached_again():
    first = reckon(YEAR, None, 200, date(2026, 3, 10))

    assert first.holds_until == date(2027, 12, 31)
    assert reckon(YEAR, standing(first), 150, date(2027, 3, 1)) is None
    kept = reckon(YEAR, standing(first), 210, date(2027, 9, 1))
    assert (kept.reason, kept.holds_until) == (KEPT, date(2028, 12, 31))
    assert (
        reckon(YEAR, standing(kept), 0, date(2028, 1, 1)) is None
    )  # a new year begins with nothing, and it holds


@given(RULES, DAYS, st.lists(st.integers(0, 400), min_size=1, max_size=40), st.integers(1, 50))
def test_over_any_time_tiers_hold_as_promised_and_never_fall_below_what_was_earned(rule, on, sums, gap):
    stands, rank = None, 0
    for number, earned in enumerate(sums):
        day = on + timedelta(days=number * gap)
        change = reckon(rule, stands, earned, day)
        if change is None:
            now = rank
        else:
            assert stands is None or change.before == stands.tier
            assert change.rank >= rank or day > stands.grace_until
            assert change.rank >= rank - rule.most_down
            stands, now = standing(change), change.rank
        assert now >= rule.rank_for(earned) or (stands is not None and stands.from_day == day)
        rank = now


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.sampled_from([None, "silver", "gold"])),
        max_size=6,
        unique_by=lambda one: one[0],
    ),
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 20), st.sampled_from(["silver", "gold", "diamond"])),
        max_size=4,
    ),
)
def test_on_every_day_the_higher_of_earned_and_granted_counts(earned, granted):
    zero, order = date(2026, 1, 1), ("silver", "gold", "diamond")
    own = [(zero + timedelta(days=day), tier) for day, tier in earned]
    given_ = [
        Granted(zero + timedelta(days=a), zero + timedelta(days=a + more), tier) for a, more, tier in granted
    ]

    line = spans(order, own, given_)

    for number in range(-1, 65):
        day = zero + timedelta(days=number)
        mine = max((pair for pair in own if pair[0] <= day), default=(None, None))[1]
        have = [one.tier for one in given_ if one.from_day <= day <= one.until_day] + [mine]
        best = max(have, key=lambda tier: order.index(tier) if tier else -1)
        found = at(line, day)
        assert (found.tier if found else None) == best


@given(DAYS, st.integers(-100, 100))
def test_adding_months_keeps_the_day_or_takes_the_last_one(on, months):
    there = add_months(on, months)

    assert (there.year * 12 + there.month) - (on.year * 12 + on.month) == months
    assert there.day == on.day or (there + DAY).day == 1
