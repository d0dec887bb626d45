"""Deadlines in plain and in working hours, straight at the pure function."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from admin.tickets import deadlines
from base import clock
from merchants.cycles import is_business_day

ZONE = "Asia/Shanghai"
NATIONAL_DAY = {date(2026, 10, day): False for day in range(1, 8)} | {date(2026, 10, 10): True}


def at(day: str, hour: int, minute: int = 0) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:{minute:02}+08:00").astimezone(UTC)


def due(start: datetime, hours: int) -> datetime:
    return deadlines.after(start, hours, in_working_hours=True, zone=ZONE, calendar=NATIONAL_DAY)


def test_plain_hours_run_through_night_and_weekend():
    start = at("2026-03-06", 17)

    found = deadlines.after(start, 48, in_working_hours=False, zone=ZONE, calendar={})

    assert found == at("2026-03-08", 17)


def test_working_hours_stop_over_night_over_the_weekend_and_on_holidays():
    assert due(at("2026-03-05", 17), 2) == at("2026-03-06", 10)  # Thursday to Friday
    assert due(at("2026-03-06", 17), 2) == at("2026-03-09", 10)  # Friday to Monday
    assert due(at("2026-03-06", 20), 1) == at("2026-03-09", 10)
    assert due(at("2026-03-09", 6), 9) == at("2026-03-09", 18)
    assert due(at("2026-09-30", 17), 2) == at("2026-10-08", 10)
    assert due(at("2026-10-09", 17), 2) == at("2026-10-10", 10)  # a Saturday that is worked


@given(st.integers(0, 60 * 24 * 60), st.integers(1, 60), st.integers(1, 60))
def test_a_deadline_is_in_working_hours_and_more_hours_are_never_sooner(minutes, hours, more):
    start = at("2026-09-20", 0) + timedelta(minutes=minutes)

    sooner, later = due(start, hours), due(start, hours + more)

    wall = sooner.astimezone(clock.zone(ZONE))
    assert is_business_day(wall.date(), NATIONAL_DAY)
    assert deadlines.OPENS_H < wall.hour + wall.minute / 60 <= deadlines.CLOSES_H
    assert start + timedelta(hours=hours) <= sooner < later
    assert due(sooner, more) == later
