"""What the cheapest offer of each kind cost, month by month: in points of one unit, for a member of any tier and area.

Rates and offers by their dates alone: whether an offer was paused for some days, or sold out, is not held by date.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg

from admin.analytics.snapshot_queries import KIND_OF, KINDS
from base import clock
from catalog.offers.models import ENDED, HISTORY
from catalog.rates import rates
from catalog.rates.models import Rate
from catalog.rates.scopes import Book, holds

COLUMNS = ("programme_id", "kind", "month", "points")


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an offer with the days on which it could be had, both included; `until` None: to this day."""

    programme_id: int
    offer_id: int
    kind: str
    value_fen: int
    since: date
    until: date | None


@dataclass(frozen=True)
class Catalogue:
    """Versions of offers, rates and zones of all programmes at one moment."""

    versions: list[Version]
    rates: dict[int, list[Rate]]
    zones: dict[int, str]


def read(driver: psycopg.Connection) -> Catalogue:
    """All that prices depend on, as a transaction sees it."""
    held: dict[int, list[Rate]] = {}
    for row in driver.execute(_RATES):
        values = dict(zip(_RATE, row, strict=True))
        held.setdefault(values["programme_id"], []).append(Rate(**values))
    return Catalogue(_versions(driver), held, dict(driver.execute(_ZONES).fetchall()))


def lowest(catalogue: Catalogue, as_of: datetime) -> list[tuple[int, ...]]:
    """Rows of COLUMNS for every programme, kind and month in which there was an offer with a price."""
    found: list[tuple[int, ...]] = []
    for programme_id, mine in groupby(catalogue.versions, key=lambda one: one.programme_id):
        today = clock.day(as_of, catalogue.zones[programme_id])
        prices = of_programme(list(mine), catalogue.rates.get(programme_id, []), today)
        found += [(programme_id, *place, points) for place, points in sorted(prices.items())]
    return found


def of_programme(versions: list[Version], held: list[Rate], today: date) -> dict[tuple[int, int], int]:
    """(kind, month) -> points: the lowest price on the first day of the month or a day on which something changed. Pure."""
    found: dict[tuple[int, int], int] = {}
    if not versions:
        return found
    changes = {rate.from_day for rate in held} | {version.since for version in versions}
    first = min(version.since for version in versions)
    for day in _days(first, today, changes):
        book = Book(rate for rate in held if holds(rate, day))
        for version in versions:
            if not version.since <= day <= (version.until or day):
                continue
            rate = rates.find(book, version)
            if rate is None:
                continue
            place = KINDS.index(KIND_OF[version.kind]), month_of(day)
            points = rates.price(rate, version.value_fen)
            found[place] = min(points, found.get(place, points))
    return found


def changed(file: Path, programme_id: int) -> dict[str, int]:
    """By kind, the last month in which its lowest price was another one than in the month before, or there was none."""
    priced = by_kind(file, programme_id)
    found = {}
    for kind, months in priced.items():
        span = range(min(months) + 1, max(month for mine in priced.values() for month in mine) + 1)
        if news := [month for month in span if months.get(month) != months.get(month - 1)]:
            found[kind] = news[-1]
    return found


def by_kind(file: Path, programme_id: int) -> dict[str, dict[int, int]]:
    """The lowest price by kind and month; a kind that was never on offer is not there."""
    priced: dict[str, dict[int, int]] = {}
    for line in file.read_text().splitlines():
        of, kind, month, points = map(int, line.split(","))
        if of == programme_id:
            priced.setdefault(KINDS[kind], {})[month] = points
    return priced


def month_of(day: date) -> int:
    """A month on the common calendar: year * 12 + month - 1."""
    return day.year * 12 + day.month - 1


def _days(first: date, last: date, changes: Iterable[date]) -> Iterator[date]:
    months = range(month_of(first), month_of(last) + 1)
    days = {date(month // 12, month % 12 + 1, 1) for month in months} | set(changes)
    return iter(sorted(day for day in days if day <= last))


def _versions(driver: psycopg.Connection) -> list[Version]:
    rows: list[tuple[Any, ...]] = driver.execute(
        _OFFERS, {"kinds": sorted(set(KIND_OF) - {HISTORY}), "ended": ENDED}
    ).fetchall()
    return [
        Version(programme_id, offer_id, kind, value_fen, since, until - timedelta(days=1) if until else None)
        for programme_id, offer_id, kind, value_fen, since, until in rows
        if until is None or until > since
    ]


_RATE = (
    "rate_id", "programme_id", "offer_id", "points", "per_fen", "from_day", "until_day", "area", "kind", "tier",
)  # fmt: skip
_RATES = f"select {', '.join(_RATE)} from rate order by rate_id".encode()
_ZONES = b"select programme_id, zone from programme"
# A version lasts until the next one, the end of the offer, or the day on which it was ended by hand.
_OFFERS = b"""
select o.programme_id, o.offer_id, o.kind, o.value_fen, (o.from_at at time zone p.zone)::date,
  (least(lead(o.from_at) over (partition by o.offer_id order by o.from_at, o.version_id), o.until_at,
    case when s.state = %(ended)s then s.changed_at end) at time zone p.zone)::date
from offer o join programme p on p.programme_id = o.programme_id join offer_state s on s.offer_id = o.offer_id
where o.kind = any(%(kinds)s) order by 1, 2, o.from_at, o.version_id"""
