"""Settlement periods and business days, pure: which period of a merchant holds a moment, and when banks are open.

A merchant's day begins `cutoff_minute` minutes after midnight by the clocks of its zone, is named by the date it begins on,
and ends where the next one begins. Where clocks jump over the cut-off, it is taken by the time that held before; where they
show it twice, the first of both counts (so does RFC 5545). So days are 23 to 25 hours long, adjoin and never overlap.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from base import clock
from merchants.models import MONTHLY, WEEKLY

Calendar = Mapping[date, bool]  # days that are unlike their weekday: True open, False closed
SATURDAY = 5
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Period:
    """What one statement is about: the merchant's days from `first` to `last`, the moments [from_at, to_at) in UTC."""

    first: date
    last: date
    from_at: datetime
    to_at: datetime


def start_of(day: date, cutoff_minute: int, zone: str) -> datetime:
    """The first moment of a merchant's day, in UTC."""
    wall = datetime(day.year, day.month, day.day, *divmod(cutoff_minute, 60), tzinfo=clock.zone(zone))
    return wall.astimezone(UTC)


def end_of(day: date, cutoff_minute: int, zone: str) -> datetime:
    """The cut-off of a merchant's day: the first moment that is not of it any more, in UTC."""
    return start_of(day + ONE_DAY, cutoff_minute, zone)


def day_of(cutoff_minute: int, zone: str, at: datetime) -> date:
    """The merchant's day that a moment belongs to."""
    day = clock.day(at, zone)
    return day if at >= start_of(day, cutoff_minute, zone) else day - ONE_DAY


def period_of(cycle: str, cutoff_minute: int, zone: str, at: datetime) -> Period:
    """The period that holds a moment: a day, a week from Monday on, or a calendar month."""
    first, last = _days(cycle, day_of(cutoff_minute, zone, at))
    return Period(first, last, start_of(first, cutoff_minute, zone), end_of(last, cutoff_minute, zone))


def next_period(cycle: str, cutoff_minute: int, zone: str, period: Period) -> Period:
    """The period that begins where this one ends; shorter where cycle or cut-off have changed meanwhile."""
    return _from(cycle, cutoff_minute, zone, period.to_at)


def ended(
    cycle: str, cutoff_minute: int, zone: str, after: datetime | None, at: datetime
) -> Iterator[Period]:
    """The periods that are over at a moment, oldest first, beginning at `after`, where the last closed one ended.

    After None, for a merchant without any, there is one: the latest that is over.
    """
    running = period_of(cycle, cutoff_minute, zone, at)
    if after is None:
        yield period_of(cycle, cutoff_minute, zone, running.from_at - timedelta(microseconds=1))
        return
    while after < running.from_at:
        period = _from(cycle, cutoff_minute, zone, after)
        yield period
        after = period.to_at


def is_business_day(day: date, calendar: Calendar) -> bool:
    """Whether banks are open: Monday to Friday, but for the days that the calendar names."""
    return calendar.get(day, day.weekday() < SATURDAY)


def business_days_after(day: date, count: int, calendar: Calendar) -> date:
    """The count-th business day after a day; 0 is the day itself, open or not."""
    while count > 0:
        day += ONE_DAY
        count -= is_business_day(day, calendar)
    return day


def _from(cycle: str, cutoff_minute: int, zone: str, at: datetime) -> Period:
    period = period_of(cycle, cutoff_minute, zone, at)
    return replace(period, first=day_of(cutoff_minute, zone, at), from_at=at)


def _days(cycle: str, day: date) -> tuple[date, date]:
    if cycle == MONTHLY:
        first = day.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1) - ONE_DAY
    if cycle == WEEKLY:
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=6)
    return day, day
