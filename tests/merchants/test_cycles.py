"""Settlement periods: every moment is in exactly one, whatever the clocks do; business days skip what the calendar closes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchants import cycles
from merchants.models import CYCLES, DAILY, MONTHLY, WEEKLY

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York")
CUTOFFS = (0, 150, 360)  # 00:00, 02:30 (which clocks jump over, or show twice), 06:00
INSTANT = timedelta(microseconds=1)

zones, cutoffs, kinds = st.sampled_from(ZONES), st.sampled_from(CUTOFFS), st.sampled_from(CYCLES)
moments = st.integers(0, 16 * 366 * 24 * 60).map(
    lambda minutes: datetime(2019, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)

CHANGES = (
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # Berlin, forward
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # Berlin, back
    datetime(2026, 3, 8, 7, tzinfo=UTC),  # New York, forward
    datetime(2026, 11, 1, 6, tzinfo=UTC),  # New York, back
)
around_changes = st.builds(
    lambda change, minutes: change + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(-2_000, 2_000),
)


@given(kinds, cutoffs, zones, moments | around_changes)
def test_a_moment_is_in_its_period_and_in_neither_neighbour(cycle, cutoff, zone, at):
    period = cycles.period_of(cycle, cutoff, zone, at)
    following = cycles.next_period(cycle, cutoff, zone, period)
    before = cycles.period_of(cycle, cutoff, zone, period.from_at - INSTANT)

    assert period.from_at <= at < period.to_at
    assert (before.to_at, period.to_at) == (period.from_at, following.from_at)
    assert (before.last + cycles.ONE_DAY, period.last + cycles.ONE_DAY) == (period.first, following.first)
    assert following == cycles.period_of(cycle, cutoff, zone, period.to_at)


@given(kinds, cutoffs, zones, moments | around_changes, st.data())
def test_two_moments_are_in_the_same_period_or_in_two_that_do_not_meet(cycle, cutoff, zone, at, data):
    other = at + timedelta(minutes=data.draw(st.integers(-100_000, 100_000)))

    one, two = (cycles.period_of(cycle, cutoff, zone, moment) for moment in (at, other))

    assert one == two or one.to_at <= two.from_at or two.to_at <= one.from_at


@given(cutoffs, zones, moments | around_changes)
def test_a_day_begins_when_the_clocks_of_the_zone_show_the_cut_off(cutoff, zone, at):
    period = cycles.period_of(DAILY, cutoff, zone, at)

    shown = period.from_at.astimezone(ZoneInfo(zone))
    jumped = 60 if cutoff == 150 and shown.hour == 3 else 0  # half past two was not that night

    assert shown.date() == period.first
    assert shown.hour * 60 + shown.minute == cutoff + jumped
    assert shown.fold == 0
    assert timedelta(hours=23) <= period.to_at - period.from_at <= timedelta(hours=25)


@pytest.mark.parametrize(
    ("zone", "cutoff", "day", "begins", "ends"),
    [
        ("Asia/Shanghai", 0, "2026-03-29", "2026-03-28T16:00", "2026-03-29T16:00"),
        ("Asia/Shanghai", 150, "2026-03-29", "2026-03-28T18:30", "2026-03-29T18:30"),
        ("Asia/Shanghai", 360, "2026-10-25", "2026-10-24T22:00", "2026-10-25T22:00"),
        ("Europe/Berlin", 0, "2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),
        ("Europe/Berlin", 150, "2026-03-28", "2026-03-28T01:30", "2026-03-29T01:30"),
        ("Europe/Berlin", 150, "2026-03-29", "2026-03-29T01:30", "2026-03-30T00:30"),
        ("Europe/Berlin", 360, "2026-03-28", "2026-03-28T05:00", "2026-03-29T04:00"),
        ("Europe/Berlin", 0, "2026-10-25", "2026-10-24T22:00", "2026-10-25T23:00"),
        ("Europe/Berlin", 150, "2026-10-25", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("Europe/Berlin", 360, "2026-10-24", "2026-10-24T04:00", "2026-10-25T05:00"),
        ("America/New_York", 0, "2026-03-08", "2026-03-08T05:00", "2026-03-09T04:00"),
        ("America/New_York", 150, "2026-03-08", "2026-03-08T07:30", "2026-03-09T06:30"),
        ("America/New_York", 360, "2026-03-07", "2026-03-07T11:00", "2026-03-08T10:00"),
        ("America/New_York", 0, "2026-11-01", "2026-11-01T04:00", "2026-11-02T05:00"),
        ("America/New_York", 90, "2026-11-01", "2026-11-01T05:30", "2026-11-02T06:30"),
        ("America/New_York", 360, "2026-10-31", "2026-10-31T10:00", "2026-11-01T11:00"),
    ],
)  # fmt: skip
def test_days_across_changes_of_clocks_as_a_person_would_reckon_them(zone, cutoff, day, begins, ends):
    began, over = (datetime.fromisoformat(f"{moment}+00:00") for moment in (begins, ends))
    named = date.fromisoformat(day)

    assert cycles.period_of(DAILY, cutoff, zone, began) == cycles.Period(named, named, began, over)
    assert cycles.period_of(DAILY, cutoff, zone, over - INSTANT).first == named
    assert cycles.period_of(DAILY, cutoff, zone, over).first == named + cycles.ONE_DAY


def test_a_week_begins_on_monday_and_a_month_on_its_first_day_by_the_merchants_days():
    at = datetime(2026, 6, 1, 5, 59, tzinfo=ZoneInfo("Asia/Shanghai"))  # still Sunday, 31 May, until six

    week = cycles.period_of(WEEKLY, 360, "Asia/Shanghai", at)
    month = cycles.period_of(MONTHLY, 360, "Asia/Shanghai", at)

    assert (week.first, week.last) == (date(2026, 5, 25), date(2026, 5, 31))
    assert (month.first, month.last) == (date(2026, 5, 1), date(2026, 5, 31))
    assert cycles.next_period(MONTHLY, 360, "Asia/Shanghai", month).last == date(2026, 6, 30)


@given(kinds, cutoffs, zones, moments, st.integers(0, 200_000))
def test_what_has_ended_goes_on_where_the_last_one_stopped_up_to_the_running_one(
    cycle, cutoff, zone, at, minutes
):
    after = at - timedelta(minutes=minutes)

    found = list(cycles.ended(cycle, cutoff, zone, after, at))

    running = cycles.period_of(cycle, cutoff, zone, at)
    edges = [after, *(one.to_at for one in found)]
    assert [one.from_at for one in found] == edges[:-1]
    assert edges[-1] == max(running.from_at, after)
    assert all(one.first <= one.last and one.from_at < one.to_at <= at for one in found)


def test_a_change_of_cycle_within_a_period_leaves_a_shorter_one():
    """Weekly until Wednesday's statement, monthly from then on."""
    wednesday = cycles.start_of(date(2026, 6, 10), 0, "Asia/Shanghai")
    july = cycles.start_of(date(2026, 7, 2), 0, "Asia/Shanghai")

    (found,) = cycles.ended(MONTHLY, 0, "Asia/Shanghai", wednesday, july)

    assert (found.first, found.last, found.from_at) == (date(2026, 6, 10), date(2026, 6, 30), wednesday)


def test_the_first_statement_is_about_the_latest_period_that_is_over():
    at = cycles.start_of(date(2026, 7, 2), 0, "Asia/Shanghai")

    (found,) = cycles.ended(MONTHLY, 0, "Asia/Shanghai", None, at)

    assert (found.first, found.last) == (date(2026, 6, 1), date(2026, 6, 30))


CALENDAR = {date(2026, 10, 1) + timedelta(days=n): False for n in range(7)} | {date(2026, 10, 10): True}


@pytest.mark.parametrize(
    ("day", "count", "found"),
    [
        ("2026-09-30", 1, "2026-10-08"),  # past the holidays
        ("2026-09-30", 3, "2026-10-10"),  # a Saturday on which banks are open
        ("2026-10-09", 2, "2026-10-12"),
        ("2026-10-02", 0, "2026-10-02"),
        ("2026-11-06", 1, "2026-11-09"),  # past a weekend
    ],
)
def test_business_days_as_a_person_would_count_them(day, count, found):
    assert cycles.business_days_after(date.fromisoformat(day), count, CALENDAR) == date.fromisoformat(found)


days = st.dates(date(2026, 9, 1), date(2026, 11, 30))


@given(days, st.integers(1, 40), st.dictionaries(days, st.booleans()))
def test_a_counted_day_is_open_with_as_many_open_days_behind_it(day, count, calendar):
    found = cycles.business_days_after(day, count, calendar)

    between = [day + timedelta(days=n) for n in range(1, (found - day).days + 1)]
    assert cycles.is_business_day(found, calendar)
    assert sum(cycles.is_business_day(one, calendar) for one in between) == count
