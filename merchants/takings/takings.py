"""What the outlets in reach accepted: one by one, of a day or by any filter, and a day added up by clerk."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select, tuple_
from sqlalchemy.orm import Session

from base import clock, ids
from base.errors import NotFound
from merchants import merchants, scope
from merchants.acceptances import AcceptanceUnknown
from merchants.earnings.models import Earning, EarningReversal
from merchants.models import Acceptance, Outlet
from merchants.scope import Reach
from merchants.terminals.models import ClerkRow, Terminal


@dataclass(frozen=True)
class Taken:
    """An acceptance with where and by whom."""

    acceptance: Acceptance
    outlet: Outlet
    terminal: str
    clerk: str


@dataclass(frozen=True)
class Wanted:
    """Which acceptances: from a day to a day of the merchant, both included; maybe of one outlet (its id), of a clerk's number, of
    codes that end so; `undone`: those alone, or those that stand alone.
    """

    first: date
    last: date
    outlet_id: int | None = None
    clerk: str | None = None
    last4: str | None = None
    undone: bool | None = None


@dataclass(frozen=True)
class Together:
    """What a filter finds added up: how many stand and were undone, what is owed and left of those that stand (fen)."""

    accepted: int
    undone: int
    owed_fen: int
    net_fen: int


@dataclass(frozen=True)
class Sum:
    """What one clerk accepted on a day: how many stand, how many were undone, what is owed and what is left (fen)."""

    clerk: str
    outlet: Outlet
    accepted: int
    undone: int
    owed_fen: int
    net_fen: int


def today(session: Session, reach: Reach, at: datetime) -> date:
    """The merchant's day."""
    return clock.day(at, merchants.zone_of(session, reach.merchant_id))


def listed(
    session: Session,
    reach: Reach,
    wanted: Wanted,
    *,
    before: tuple[datetime, int] | None = None,
    limit: int | None = None,
) -> list[Taken]:
    """The acceptances that are wanted, those that were undone too, the newest first, from before one on."""
    asked = (
        _wanted(session, reach, wanted, select(Acceptance, Outlet, Terminal.code, ClerkRow.number))
        .join(Outlet, Outlet.outlet_id == Acceptance.outlet_id)
        .join(Terminal, Terminal.terminal_id == Acceptance.terminal_id)
        .order_by(Acceptance.recorded_at.desc(), Acceptance.acceptance_id.desc())
        .limit(limit)
    )
    if before is not None:
        asked = asked.where(tuple_(Acceptance.recorded_at, Acceptance.acceptance_id) < tuple_(*before))
    return [Taken(*row) for row in session.execute(asked)]


def together(session: Session, reach: Reach, wanted: Wanted) -> Together:
    """All that is wanted, added up."""
    accepted, undone, owed, left = session.execute(
        _wanted(session, reach, wanted, select(*_SUMS).select_from(Acceptance))
    ).one()
    return Together(accepted, undone, int(owed), int(left))


def find(session: Session, reach: Reach, public_id: str) -> Taken:
    """One acceptance in reach; AcceptanceUnknown."""
    try:
        member_id, acceptance_id = ids.parse("acc", public_id)
    except NotFound:
        raise AcceptanceUnknown() from None
    row = session.get(Acceptance, (member_id, acceptance_id))
    if row is None or row.merchant_id != reach.merchant_id or reach.outlet_id not in (None, row.outlet_id):
        raise AcceptanceUnknown()
    return Taken(
        row,
        session.get_one(Outlet, row.outlet_id),
        session.get_one(Terminal, row.terminal_id).code,
        session.get_one(ClerkRow, row.clerk_id).number,
    )


def points_by_clerk(session: Session, reach: Reach, on: date) -> dict[str, int]:
    """The points that members earned on a day in the outlets in reach, by the number of the clerk, less what was undone."""
    undone = exists().where(
        EarningReversal.member_id == Earning.member_id, EarningReversal.earning_id == Earning.earning_id
    )
    asked: Any = select(ClerkRow.number, func.sum(Earning.points)).join(
        ClerkRow, ClerkRow.clerk_id == Earning.clerk_id
    )
    begins, ends = _between(session, reach, on, on)
    within = scope.ours(reach, asked, Earning.merchant_id, Earning.outlet_id)
    within = within.where(Earning.recorded_at >= begins, Earning.recorded_at < ends, ~undone)
    rows = session.execute(within.group_by(ClerkRow.number).order_by(ClerkRow.number))
    return {number: int(points) for number, points in rows}


def by_clerk(session: Session, reach: Reach, on: date) -> list[Sum]:
    """Each clerk of the day with the sums, by outlet and number."""
    asked = (
        _wanted(session, reach, Wanted(on, on), select(Acceptance.clerk_id, Acceptance.outlet_id, *_SUMS))
        .group_by(Acceptance.clerk_id, Acceptance.outlet_id)
        .order_by(Acceptance.outlet_id, Acceptance.clerk_id)
    )
    return [
        Sum(
            session.get_one(ClerkRow, clerk_id).number,
            session.get_one(Outlet, outlet_id),
            accepted,
            undone,
            int(owed),
            int(left),
        )
        for clerk_id, outlet_id, accepted, undone, owed, left in session.execute(asked)
    ]


def _wanted(session: Session, reach: Reach, wanted: Wanted, asked: Any) -> Any:
    begins, ends = _between(session, reach, wanted.first, wanted.last)
    within = scope.ours(reach, asked, Acceptance.merchant_id, Acceptance.outlet_id)
    within = within.join(ClerkRow, ClerkRow.clerk_id == Acceptance.clerk_id)
    within = within.where(Acceptance.recorded_at >= begins, Acceptance.recorded_at < ends)
    if wanted.outlet_id is not None:
        within = within.where(Acceptance.outlet_id == wanted.outlet_id)
    if wanted.clerk is not None:
        within = within.where(ClerkRow.number == wanted.clerk)
    if wanted.last4 is not None:
        within = within.where(Acceptance.last4 == wanted.last4)
    if wanted.undone is not None:
        within = within.where(Acceptance.void_id.is_not(None) if wanted.undone else _STANDS)
    return within


def _between(session: Session, reach: Reach, first: date, last: date) -> tuple[datetime, datetime]:
    zone = merchants.zone_of(session, reach.merchant_id)
    return clock.start_of(first, zone), clock.start_of(last + timedelta(days=1), zone)


_STANDS = Acceptance.void_id.is_(None)
_NET = Acceptance.owed_fen - Acceptance.fee_fen - Acceptance.vat_fen
_SUMS = (
    func.count().filter(_STANDS),
    func.count().filter(~_STANDS),
    func.coalesce(func.sum(Acceptance.owed_fen).filter(_STANDS), 0),
    func.coalesce(func.sum(_NET).filter(_STANDS), 0),
)
