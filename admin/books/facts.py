"""The questions of sources/ put to the database: facts one by one in their order, or added up."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from admin.books.sources import of_issuing, of_items, of_payouts, of_redemptions, of_vouchers
from admin.books.sources.question import Source
from base import clock, database

AT_ONCE = 5_000
SOURCES: tuple[Source, ...] = (
    *of_vouchers.SOURCES,
    *of_redemptions.SOURCES,
    *of_items.SOURCES,
    *of_payouts.SOURCES,
    *of_issuing.SOURCES,
)


@dataclass(frozen=True)
class Span:
    """The time that is asked for: from a moment (None: ever) to before another one (None: now), days in a zone.

    With a merchant only what is its own.
    """

    since: datetime | None
    until: datetime | None
    zone: str
    merchant_id: int | None = None

    @property
    def first(self) -> date | None:
        """The first day."""
        return clock.day(self.since, self.zone) if self.since else None

    @property
    def last(self) -> date:
        """The last day."""
        if self.until is None:
            return clock.day(clock.now(), self.zone)
        return clock.day(self.until - timedelta(microseconds=1), self.zone)


class Fact(NamedTuple):
    """Something that happened: whose it is, and the amounts that its event's rule names."""

    source: Source
    at: datetime
    key: tuple[int, int]
    merchant_id: int
    programme_id: int
    brand: str
    currency: str
    amounts: dict[str, int]


class Sum(NamedTuple):
    """Facts of a source added up: before the time or in it, on a day where points are touched; amounts above and below zero."""

    source: Source
    before: bool
    day: date | None
    documents: int
    merchant_id: int
    programme_id: int
    brand: str
    currency: str
    above: dict[str, int]
    below: dict[str, int]


def there(session: Session) -> list[Source]:
    """The sources whose table has a row at all."""
    tables = sorted({source.table for source in SOURCES})
    asked = ", ".join(f'exists (select from "{table}") as "{table}"' for table in tables)
    row = database.rows(session, f"select {asked}")[0]
    return [source for source in SOURCES if getattr(row, source.table)]


def sums(session: Session, span: Span) -> Iterator[Sum]:
    """Everything up to the end of a time, added up."""
    for source in there(session):
        names = source.rule.amounts
        for row in database.driver(session).execute(_added_up(source), _asked(span)):
            before, day, count, merchant_id, programme_id, brand, currency = row[:7]
            above = dict(zip(names, map(int, row[7 : 7 + len(names)]), strict=True))
            below = dict(zip(names, map(int, row[7 + len(names) :]), strict=True))
            yield Sum(source, before, day, count, merchant_id, programme_id, brand, currency, above, below)


def one_by_one(session: Session, source: Source, span: Span) -> Iterator[Fact]:
    """The facts of a source within a time, in the order of moment and key, some read at once."""
    names = source.rule.amounts
    statement = (
        f"select at, first, second, merchant_id, programme_id, brand, currency, {', '.join(names)} from ({source.question}) f "
        f"where {_WITHIN} order by at, first, second"
    )
    with database.driver(session).cursor(name=f"books_{source.event.replace('-', '_')}") as cursor:
        cursor.itersize = AT_ONCE
        for row in cursor.execute(statement, _asked(span)):
            at, first, second, merchant_id, programme_id, brand, currency = row[:7]
            amounts = dict(zip(names, row[7:], strict=True))
            if any(amounts.values()):
                yield Fact(source, at, (first, second), merchant_id, programme_id, brand, currency, amounts)


def _added_up(source: Source) -> str:
    names = source.rule.amounts
    day = (
        "case when not before then (at at time zone %(zone)s)::date end"
        if source.moves_points
        else "null::date"
    )
    above = ", ".join(f"sum(greatest({name}, 0))" for name in names)
    below = ", ".join(f"sum(greatest(-{name}, 0))" for name in names)
    return (
        f"select before, {day}, count(*), merchant_id, programme_id, brand, currency, {above}, {below} from ("
        f"select f.*, (%(since)s::timestamptz is not null and at < %(since)s) before from ({source.question}) f where {_BEFORE_END}) g "
        "group by 1, 2, 4, 5, 6, 7"
    )


_BEFORE_END = "(%(until)s::timestamptz is null or at < %(until)s) and (%(merchant)s::bigint is null or merchant_id = %(merchant)s)"
_WITHIN = f"(%(since)s::timestamptz is null or at >= %(since)s) and {_BEFORE_END}"


def _asked(span: Span) -> dict[str, Any]:
    return {"since": span.since, "until": span.until, "zone": span.zone, "merchant": span.merchant_id}
