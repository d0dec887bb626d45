"""How many of an offer one member, or all together, may have in a time; and why no more, in words. Pure.

Units are counted, in calendar windows of the programme's zone or over the last so many times 24 hours; what was given back
does not count. How they are counted in the database, race-free, is in counting.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from base import clock
from base.errors import Invalid, OverLimit
from catalog.offers import eligibility_words as words
from points.caps import month, next_month

MEMBER, ALL = "member", "all"
DAY, MONTH, YEAR, EVER = "day", "month", "year", "ever"
PERS = (DAY, MONTH, YEAR, EVER)
MOST, MOST_DAYS, MOST_LIMITS = 10**9, 3660, 10
BEGINNING = date(1970, 1, 1)  # the first day of the one window without an end
Had = tuple[datetime, int]  # a redemption that counts: when, and how many units
Counts = Mapping[
    tuple[int, str, date], int
]  # what all have together, by offer, kind of window and its first day


class BadLimits(Invalid):
    """These cannot be the limits of an offer."""

    zh = "权益的限量设置不正确。"


class LimitReached(OverLimit):
    """This is more of the offer than may be had in this time."""

    zh = "超过该权益在此期间的限量。"
    next_en, next_zh = "Come back at the time that is named, or choose another offer.", "请在注明的时间再来，或选择其他权益。"  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many units, of one member or of all, in a calendar window or, with `days`, in the last so many days."""

    most: int
    of: str
    per: str
    days: int | None = None

    def since(self, at: datetime, zone: str) -> datetime | None:
        """From when on redemptions count at a moment; None: all of them."""
        if self.days:
            return at - timedelta(days=self.days)
        return None if self.per == EVER else clock.start_of(self.first_day(at, zone), zone)

    def first_day(self, at: datetime, zone: str) -> date:
        """The first day of the calendar window of a moment."""
        on = clock.day(at, zone)
        first = {DAY: on, MONTH: month(on), YEAR: date(on.year, 1, 1)}
        return first.get(self.per, BEGINNING)

    def resets_at(self, at: datetime, zone: str) -> datetime | None:
        """When the next calendar window begins; None: never."""
        on = clock.day(at, zone)
        first = {DAY: on + timedelta(days=1), MONTH: next_month(on), YEAR: date(on.year + 1, 1, 1)}
        return clock.start_of(first[self.per], zone) if self.per in first else None


Limits = tuple[Limit, ...]


def said(limits: Limits) -> list[dict[str, str]]:
    """The limits in sentences, to be read before anything is chosen."""
    return [words.allowed(limit.most, limit.of == ALL, limit.per, limit.days) for limit in limits]


def check(
    limits: Limits, had: Sequence[Had], wanted: int, at: datetime, zone: str, until: datetime | None = None
) -> LimitReached | None:
    """The first limit of one member that so many units more would go over; None where they are within all. Pure."""
    for limit in limits:
        if limit.of != MEMBER:
            continue
        since = limit.since(at, zone)
        counted = sorted(
            one for one in had if since is None or one[0] > since or (not limit.days and one[0] == since)
        )
        used = sum(units for _, units in counted)
        if used + wanted > limit.most:
            return reached(limit, used, _possible_from(limit, counted, wanted, at, zone), zone, until)
    return None


def _possible_from(
    limit: Limit, counted: Sequence[Had], wanted: int, at: datetime, zone: str
) -> datetime | None:
    if wanted > limit.most:
        return None
    if not limit.days:
        return limit.resets_at(at, zone)
    left = sum(units for _, units in counted)
    for when, units in counted:  # the oldest falls out first
        left -= units
        if left + wanted <= limit.most:
            return when + timedelta(days=limit.days)
    return None


def reached(
    limit: Limit, used: int, moment: datetime | None, zone: str, until: datetime | None = None
) -> LimitReached:
    """The refusal, with how many there may be, how many there were, and from when there are some again."""
    facts: dict[str, Any] = {"most": limit.most, "used": used, "of": limit.of, "per": limit.days or limit.per}
    local = None
    if moment and (until is None or moment < until):
        local = moment.astimezone(clock.zone(zone))
        facts["possible_from"] = local.isoformat()
    return LimitReached(
        explanation=words.limit(limit.most, used, limit.of == ALL, limit.per, limit.days, local), **facts
    )


class Limited(Protocol):
    """Of an offer, what a limit over all members asks."""

    @property
    def offer_id(self) -> int: ...

    @property
    def until_at(self) -> datetime | None: ...


def check_all(
    limits: Limits, used: Counts, offer: Limited, wanted: int, at: datetime, zone: str
) -> LimitReached | None:
    """The first limit over all members that so many units more would go over. Pure."""
    for limit in limits:
        if limit.of == ALL:
            there = used.get((offer.offer_id, limit.per, limit.first_day(at, zone)), 0)
            if there + wanted > limit.most:
                return all_reached(limit, there, offer, wanted, at, zone)
    return None


def all_reached(
    limit: Limit, used: int, offer: Limited, wanted: int, at: datetime, zone: str
) -> LimitReached:
    """The refusal of a limit over all members."""
    moment = limit.resets_at(at, zone) if wanted <= limit.most else None
    return reached(limit, used, moment, zone, offer.until_at)


def of(said: Any) -> Limits:
    """The limits that an offer's JSON says, narrowest window first; BadLimits names the row."""
    if not isinstance(said, list) or len(said) > MOST_LIMITS:
        raise BadLimits(f"limits: is a list of at most {MOST_LIMITS}", field="limits")
    found = [_one(row, limit) for row, limit in enumerate(said)]
    if len({(limit.of, limit.per, limit.days) for limit in found}) < len(found):
        raise BadLimits("limits: two of one kind and window", field="limits")
    return tuple(
        sorted(found, key=lambda limit: (limit.of != MEMBER, limit.days or 0, PERS.index(limit.per)))
    )


def stored(limits: Limits) -> list[dict[str, Any]]:
    """The limits as JSON."""
    return [
        {"most": limit.most, "of": limit.of, "per": {"days": limit.days} if limit.days else limit.per}
        for limit in limits
    ]


def _one(row: int, said: Any) -> Limit:
    where = f"limits/{row}"
    if not isinstance(said, Mapping) or set(said) != {"most", "of", "per"}:
        raise BadLimits(f"{where}: has most, of and per", field=where)
    if not _whole(said["most"], MOST):
        raise BadLimits(f"{where}: most is a whole number from 1 to {MOST}", field=where)
    if said["of"] not in (MEMBER, ALL):
        raise BadLimits(f"{where}: of is member or all", field=where)
    per = said["per"]
    if isinstance(per, Mapping):
        if set(per) != {"days"} or not _whole(per["days"], MOST_DAYS):
            raise BadLimits(f"{where}: days is a whole number from 1 to {MOST_DAYS}", field=where)
        if said["of"] == ALL:
            raise BadLimits(
                f"{where}: all together are counted in a day, month or year, or ever", field=where
            )
        return Limit(said["most"], MEMBER, EVER, per["days"])
    if per not in PERS:
        raise BadLimits(f"{where}: per is one of {', '.join(PERS)}, or days", field=where)
    return Limit(said["most"], said["of"], per)


def _whole(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most
