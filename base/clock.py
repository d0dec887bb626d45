"""The one clock: aware moments in UTC, dates in a named zone. Tests and the demo's history may stop it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache
from zoneinfo import ZoneInfo

_stopped_at: datetime | None = None


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _stopped_at or datetime.now(UTC)


@cache
def zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name; raises ZoneInfoNotFoundError for an unknown one."""
    return ZoneInfo(name)


def day(at: datetime, zone_name: str) -> date:
    """The calendar day of a moment in a zone."""
    return at.astimezone(zone(zone_name)).date()


def start_of(on: date, zone_name: str) -> datetime:
    """The first moment of a day in a zone, as UTC."""
    return datetime(on.year, on.month, on.day, tzinfo=zone(zone_name)).astimezone(UTC)


@contextmanager
def stopped(at: datetime) -> Iterator[None]:
    """The clock stands at this moment: for tests, and for history that is made by the real rules."""
    global _stopped_at
    before, _stopped_at = _stopped_at, at
    try:
        yield
    finally:
        _stopped_at = before
