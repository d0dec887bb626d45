"""Rates: which one holds, the price that it makes, and how versions are written down.

Which of several holds is said in scopes.py. A change is a later version: it ends the one before, and the database lets
no two versions of one scope hold on the same day. Who may write one is asked before, see proposals.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby, pairwise

from psycopg.errors import ExclusionViolation
from sqlalchemy import ColumnElement, exc, or_, select, update
from sqlalchemy.orm import Session

from base import database, ids
from base.errors import Conflict, NotFound
from catalog.offers.models import Offer
from catalog.rates.models import Rate
from catalog.rates.scopes import Book, Bought, Scope, Who, scope_of

DAY = timedelta(days=1)


class NoRateInForce(Conflict):
    """No rate is in force for this offer."""

    zh = "该权益没有生效的兑换比例。"


class RateOverlaps(Conflict):
    """There is an equally specific rate on some of these days already; rates are never edited."""

    zh = "所选日期内已有同级别的兑换比例；比例不可修改。"
    next_en, next_zh = (
        "Look at the versions of this rate and choose other days.",
        "请查看现有版本后选择其他日期。",
    )


class RateUnknown(NotFound):
    """There is no such rate."""

    zh = "没有该兑换比例。"


@dataclass(frozen=True, slots=True)
class Row:
    """A version to be written: from a day on, maybe until one; without numbers the scope has no rate of its own then."""

    scope: Scope
    from_day: date
    points: int | None = None
    per_fen: int | None = None
    until_day: date | None = None

    @property
    def ends(self) -> bool:
        """Whether it ends a version instead of being one."""
        return self.points is None


def load(session: Session, programme_id: int, on: date) -> Book:
    """All rates of a programme that hold on a day, in one statement."""
    return Book(database.rows(session, _HOLDING, {"programme": programme_id, "on": on}))


# Asked with every redemption, so in words that need no compiling.
_HOLDING = """
select * from rate where programme_id = %(programme)s and from_day <= %(on)s
  and (until_day is null or until_day >= %(on)s)
"""


def versions(session: Session, programme_id: int) -> list[Rate]:
    """All versions there are, of each scope the earliest first."""
    found = session.scalars(select(Rate).where(Rate.programme_id == programme_id))
    return sorted(found, key=lambda rate: (scope_of(rate).place, rate.from_day, rate.rate_id))


def by_id(session: Session, rate_id: int) -> Rate:
    """One version; RateUnknown."""
    rate = session.get(Rate, rate_id)
    if rate is None:
        raise RateUnknown()
    return rate


def for_offer(session: Session, offer: Offer, on: date, facts: Who | None = None) -> Rate:
    """The rate of one offer on a day for a member, or for anybody; NoRateInForce."""
    wide = Rate.offer_id.is_(None) & or_(Rate.kind.is_(None), Rate.kind == offer.kind)
    asked = select(Rate).where(
        Rate.programme_id == offer.programme_id, _holding(on), or_(Rate.offer_id == offer.offer_id, wide)
    )
    return resolve(Book(session.scalars(asked)), offer, facts)


def resolve(book: Book, offer: Offer, facts: Who | None = None) -> Rate:
    """The rate of an offer for a member, or for anybody; NoRateInForce."""
    found = find(book, offer, facts)
    if found is None:
        raise NoRateInForce(offer=offer.code)
    return found


def find(book: Book, offer: Bought, facts: Who | None = None) -> Rate | None:
    """The rate that `resolve` gives; None where there is none: such an offer has no price and is not listed."""
    return book.find(offer, facts)


def price(rate: Rate, value_fen: int) -> int:
    """Points for a value: rounded up to whole points, at least one."""
    return max(1, -(-value_fen * rate.points // rate.per_fen))


def worth(book: Book, points: int) -> int:
    """What points are worth at the programme's general rate, in fen, rounded down; 0 when there is none."""
    rate = book.general
    return points * rate.per_fen // rate.points if rate else 0


def fen_per_100(price_points: int, value_fen: int) -> int:
    """What 100 points buy here, in fen, rounded down."""
    return value_fen * 100 // price_points


def add(
    session: Session,
    programme_id: int,
    from_day: date,
    *,
    points: int,
    per_fen: int,
    kind: str | None = None,
    offer_id: int | None = None,
    tier: str | None = None,
    area: str = "",
    until_day: date | None = None,
) -> Rate:
    """A version while a programme is set up, which two persons need not agree on; RateOverlaps."""
    row = Row(Scope(offer_id, kind, tier, area), from_day, points, per_fen, until_day)
    return put(session, programme_id, [row])[0]


def put(session: Session, programme_id: int, rows: Iterable[Row], approval: str | None = None) -> list[Rate]:
    """Write versions, by scope and day, each of which ends the one before it; RateOverlaps where one is in the way.

    One at a time for a programme, as `proposals.carry_out` sees to: of two let go together each would wait for the
    other's version to stand or fall, and neither would be written.
    """
    written: list[Rate] = []
    ordered = sorted(rows, key=lambda row: (row.scope.place, row.from_day, not row.ends))
    for scope, own in groupby(ordered, key=lambda row: row.scope):
        chain = list(own)
        for row in chain:
            if row.ends:
                _end(session, programme_id, scope, row.from_day, or_later=True)
        fresh = chained([row for row in chain if not row.ends])
        if fresh:
            _end(session, programme_id, scope, fresh[0].from_day)
        written += [_version(programme_id, row, approval) for row in fresh]
    try:
        with session.begin_nested():
            session.add_all(written)
    except exc.IntegrityError as error:
        if isinstance(error.orig, ExclusionViolation):
            raise RateOverlaps() from error
        raise
    return written


def chained(rows: Sequence[Row]) -> list[Row]:
    """Versions of one scope, by day: each that has no last day lasts until the next."""
    if not rows:
        return []
    lasting = [
        replace(row, until_day=after.from_day - DAY)
        if row.until_day is None and row.from_day < after.from_day
        else row
        for row, after in pairwise(rows)
    ]
    return [*lasting, rows[-1]]


def _end(
    session: Session, programme_id: int, scope: Scope, from_day: date, *, or_later: bool = False
) -> None:
    """The version without a last day that began before (`or_later`: or begins on) this day ends on the day before it.

    Where one must be ended and is not there any more: RateOverlaps, for another was quicker.
    """
    begun = Rate.from_day <= from_day if or_later else Rate.from_day < from_day
    ended = session.execute(
        update(Rate)
        .where(Rate.programme_id == programme_id, _of(scope), begun, Rate.until_day.is_(None))
        .values(until_day=from_day - DAY)
        .returning(Rate.rate_id)
        .execution_options(synchronize_session="fetch")
    ).all()
    if or_later and not ended:
        raise RateOverlaps(from_day=str(from_day))


def _version(programme_id: int, row: Row, approval: str | None) -> Rate:
    assert row.points is not None
    assert row.per_fen is not None
    return Rate(
        rate_id=ids.new_id(),
        programme_id=programme_id,
        offer_id=row.scope.offer_id,
        kind=row.scope.kind,
        tier=row.scope.tier,
        area=row.scope.area,
        from_day=row.from_day,
        until_day=row.until_day,
        points=row.points,
        per_fen=row.per_fen,
        approval=approval,
    )


def _holding(on: date) -> ColumnElement[bool]:
    return (Rate.from_day <= on) & or_(Rate.until_day.is_(None), Rate.until_day >= on)


def _of(scope: Scope) -> ColumnElement[bool]:
    same = Rate.offer_id.is_not_distinct_from(scope.offer_id) & Rate.kind.is_not_distinct_from(scope.kind)
    return same & Rate.tier.is_not_distinct_from(scope.tier) & (Rate.area == scope.area)
