"""Until when so many hours are over, pure: plain ones, or those in which offices work by the clocks of a zone."""

from datetime import UTC, date, datetime, timedelta

from base import clock
from merchants.cycles import Calendar, is_business_day

OPENS_H, CLOSES_H = 9, 18  # o'clock, on business days
ONE_DAY = timedelta(days=1)
LOOK_AHEAD = timedelta(days=400)  # how far the exceptions of a calendar are worth reading


def after(start: datetime, hours: int, *, in_working_hours: bool, zone: str, calendar: Calendar) -> datetime:
    """The moment at which so many hours after `start` are over."""
    left = timedelta(hours=hours)
    if not in_working_hours:
        return start + left
    day = clock.day(start, zone)
    while True:
        opens, closes = _hours(day, zone)
        begins = max(start, opens)
        if begins < closes and is_business_day(day, calendar):
            if left <= closes - begins:
                return begins + left
            left -= closes - begins
        day += ONE_DAY


def _hours(day: date, zone: str) -> tuple[datetime, datetime]:
    """When offices open and close on a day: by the wall, however long the day is."""
    opens, closes = (
        datetime(day.year, day.month, day.day, hour, tzinfo=clock.zone(zone)) for hour in (OPENS_H, CLOSES_H)
    )
    return opens.astimezone(UTC), closes.astimezone(UTC)
