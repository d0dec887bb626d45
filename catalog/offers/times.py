"""When an offer is open to whom it is for: days of the month, weekdays, hours, days it is closed. Pure.

All of it is told in the programme's own zone, by the clock on its wall: an hour that the clock leaves out is not there
that day, one that it has twice counts twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from base import clock

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
MIDNIGHT, MINUTES_A_DAY = 0, 24 * 60
LOOK_AHEAD = timedelta(days=4 * 366)  # within it every date of a calendar comes round at least once


@dataclass(frozen=True, slots=True)
class Hours:
    """On these weekdays (1 is Monday) from a minute of the day up to and without another one."""

    weekdays: tuple[int, ...] = EVERY_DAY
    from_minute: int = MIDNIGHT
    until_minute: int = MINUTES_A_DAY

    def hold(self, local: datetime) -> bool:
        minute = 60 * local.hour + local.minute
        return local.isoweekday() in self.weekdays and self.from_minute <= minute < self.until_minute


@dataclass(frozen=True, slots=True)
class Days:
    """From a day to a day, both included."""

    first: date
    last: date

    def hold(self, on: date) -> bool:
        return self.first <= on <= self.last


@dataclass(frozen=True, slots=True)
class MemberDays:
    """The days that are the members' own: these of each month, or these of each week; one of them is enough."""

    days: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = ()

    def hold(self, on: date) -> bool:
        return on.day in self.days or on.isoweekday() in self.weekdays


@dataclass(frozen=True, slots=True)
class Times:
    """All that has to hold together. `from_day`: the first day at all; `month`: of each year, None: every month."""

    from_day: date | None = None
    month: int | None = None
    member_days: MemberDays | None = None
    hours: tuple[Hours, ...] = ()
    closed: tuple[Days, ...] = ()

    def hold(self, at: datetime, zone: str) -> bool:
        """Whether a moment is one of them."""
        local = at.astimezone(clock.zone(zone))
        return self._day(local.date()) and self._hour(local)

    def next(self, at: datetime, zone: str) -> datetime | None:
        """The first moment from now on, in the zone; None: none in the next four years."""
        for moment in self._moments(at, clock.zone(zone)):
            if moment >= at and self.hold(moment, zone):
                return moment
        return None

    def _moments(self, at: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """Moments at which it may begin, ascending: now, and the beginning of each window of each day that may do."""
        yield at.astimezone(zone)
        first = at.astimezone(zone).date()
        on, last = max(first, self.from_day or first), first + LOOK_AHEAD
        while on <= last:
            if self.month is not None and on.month != self.month:
                on = (on.replace(day=1) + timedelta(days=31)).replace(day=1)
                continue
            if self._day(on):
                minutes = {hours.from_minute for hours in self.hours if on.isoweekday() in hours.weekdays}
                for minute in sorted(minutes) if self.hours else (MIDNIGHT,):
                    yield from _at(on, minute, zone)
            on += DAY

    def _day(self, on: date) -> bool:
        return (
            (self.from_day is None or on >= self.from_day)
            and (self.month is None or on.month == self.month)
            and (self.member_days is None or self.member_days.hold(on))
            and not any(days.hold(on) for days in self.closed)
        )

    def _hour(self, local: datetime) -> bool:
        return not self.hours or any(hours.hold(local) for hours in self.hours)


def clock_face(minute: int) -> str:
    """A minute of the day as a clock shows it; the last one is 24:00."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _at(on: date, minute: int, zone: ZoneInfo) -> Iterator[datetime]:
    """A minute of a day: twice where the clock is put back over it, the first minute after it where it is put forward."""
    wanted = datetime.combine(on, time(minute // 60, minute % 60), zone)
    earlier, later = sorted(wanted.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    while earlier.astimezone(zone).replace(tzinfo=None) < wanted.replace(tzinfo=None):  # left out that day
        earlier += MINUTE
    yield earlier.astimezone(zone)
    if later > earlier:
        yield later.astimezone(zone)
