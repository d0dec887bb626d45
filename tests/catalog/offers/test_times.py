"""When an offer is open, against a plain walk through every quarter of an hour; days of months, and clocks that are moved."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.offers.times import Days, Hours, MemberDays, Times
from tests.sparse import examples

QUARTER = timedelta(minutes=15)
ZONE = "America/New_York"  # its clock is put forward on 8 March and back on 1 November 2026
FIRST = date(2026, 2, 25)
DAYS = st.dates(FIRST, date(2026, 3, 12)) | st.dates(date(2026, 10, 29), date(2026, 11, 3))


@st.composite
def hours(draw):
    first = draw(st.integers(0, 95)) * 15
    last = draw(st.integers(first // 15 + 1, 96)) * 15
    return Hours(tuple(sorted(draw(st.sets(st.integers(1, 7), min_size=1)))), first, last)


TIMES = st.builds(
    Times,
    st.none() | DAYS,
    st.none() | st.sampled_from([2, 3, 11]),
    st.none() | st.builds(MemberDays, st.lists(st.sampled_from([1, 8, 28, 31]), max_size=2).map(tuple),
                          st.lists(st.integers(1, 7), min_size=1, max_size=2).map(tuple)),
    st.lists(hours(), max_size=2).map(tuple),
    st.lists(st.builds(lambda first, more: Days(first, first + timedelta(days=more)), DAYS, st.integers(0, 5)),
             max_size=2).map(tuple),
)  # fmt: skip


def plainly(times: Times, at: datetime) -> bool:
    local = at.astimezone(ZoneInfo(ZONE))
    on, minute = local.date(), local.hour * 60 + local.minute
    return (
        not (times.from_day and on < times.from_day)
        and not (times.month and on.month != times.month)
        and not (
            times.member_days
            and on.day not in times.member_days.days
            and on.isoweekday() not in times.member_days.weekdays
        )
        and not any(days.first <= on <= days.last for days in times.closed)
        and (
            not times.hours
            or any(
                local.isoweekday() in h.weekdays and h.from_minute <= minute < h.until_minute
                for h in times.hours
            )
        )
    )


@settings(max_examples=examples(80))
@given(TIMES, DAYS, st.integers(0, 95))
def test_the_next_moment_is_the_first_one_of_a_walk(times, day, quarter):
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + quarter * QUARTER
    found = times.next(at, ZONE)

    walked = next((m for n in range(8 * 96) if plainly(times, m := at + n * QUARTER)), None)

    assert times.hold(at, ZONE) == plainly(times, at)
    if walked is not None:
        assert found is not None
        assert found.astimezone(UTC) == walked
    else:
        assert found is None or found >= at + timedelta(days=8)


def test_an_hour_that_the_clock_leaves_out_begins_where_it_goes_on_and_one_it_has_twice_counts_twice():
    early = Times(hours=(Hours(from_minute=150, until_minute=240),))  # 02:30 to 04:00
    twice = Times(hours=(Hours(from_minute=60, until_minute=75),))  # 01:00 to 01:15

    spring = early.next(datetime(2026, 3, 8, 6, tzinfo=UTC), ZONE)
    autumn = [twice.next(datetime(2026, 11, 1, hour, 30, tzinfo=UTC), ZONE) for hour in (4, 5)]

    assert spring is not None
    assert spring.astimezone(UTC) == datetime(2026, 3, 8, 7, tzinfo=UTC)
    assert [m.astimezone(UTC).hour for m in autumn if m] == [5, 6]


def test_what_never_comes_is_not_promised_and_a_leap_day_is():
    assert Times(month=2, member_days=MemberDays((30,))).next(datetime(2026, 1, 1, tzinfo=UTC), ZONE) is None
    leap = Times(month=2, member_days=MemberDays((29,))).next(datetime(2026, 3, 1, tzinfo=UTC), ZONE)
    assert leap is not None
    assert leap.date() == date(2028, 2, 29)
