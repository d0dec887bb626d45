"""What the outlets in reach accepted on a day of their merchant: one by one, and added up by clerk."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base import clock
from merchants import merchants, scope
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
    session: Session, reach: Reach, on: date, *, before: tuple[datetime, int] | None = None, limit: int
) -> list[Taken]:
    """The acceptances of a day, those that were undone too, the newest first."""
    asked = (
        _of_day(session, reach, on, select(Acceptance, Outlet, Terminal.code, ClerkRow.number))
        .join(Outlet, Outlet.outlet_id == Acceptance.outlet_id)
        .join(Terminal, Terminal.terminal_id == Acceptance.terminal_id)
        .join(ClerkRow, ClerkRow.clerk_id == Acceptance.clerk_id)
        .order_by(Acceptance.recorded_at.desc(), Acceptance.acceptance_id.desc())
        .limit(limit)
    )
    if before is not None:
        at, number = before
        asked = asked.where(
            (Acceptance.recorded_at < at)
            | ((Acceptance.recorded_at == at) & (Acceptance.acceptance_id < number))
        )
    return [Taken(*row) for row in session.execute(asked)]


def by_clerk(session: Session, reach: Reach, on: date) -> list[Sum]:
    """Each clerk of the day with the sums, by outlet and number."""
    stands = Acceptance.void_id.is_(None)
    net = Acceptance.owed_fen - Acceptance.fee_fen - Acceptance.vat_fen
    columns = (
        func.count().filter(stands),
        func.count().filter(~stands),
        func.coalesce(func.sum(Acceptance.owed_fen).filter(stands), 0),
        func.coalesce(func.sum(net).filter(stands), 0),
    )
    asked = (
        _of_day(session, reach, on, select(Acceptance.clerk_id, Acceptance.outlet_id, *columns))
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


def _of_day(session: Session, reach: Reach, on: date, asked: Any) -> Any:
    zone = merchants.zone_of(session, reach.merchant_id)
    begins, ends = clock.start_of(on, zone), clock.start_of(on + timedelta(days=1), zone)
    within = scope.ours(reach, asked, Acceptance.merchant_id, Acceptance.outlet_id)
    return within.where(Acceptance.recorded_at >= begins, Acceptance.recorded_at < ends)
