"""What a till accepted, or all tills of its outlet: the list, newest first, and the totals and points given of each clerk."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, select, tuple_
from sqlalchemy.orm import Session

from merchants.acceptances import Place
from merchants.earnings.models import Earning, EarningReversal
from merchants.models import Acceptance
from merchants.terminals.models import ClerkRow, Terminal


@dataclass(frozen=True)
class Scope:
    """Whose acceptances: of this till since a moment, or (`whole_outlet`) of all tills of its outlet; `last4`: of one code."""

    place: Place
    since: datetime
    whole_outlet: bool = False
    last4: str | None = None


@dataclass(frozen=True)
class Taken:
    """An acceptance with the till and the number of the clerk who took it."""

    row: Acceptance
    terminal: str
    clerk: str


@dataclass(frozen=True)
class Total:
    """What one clerk took: how many stand and what is owed for them (fen), how many were undone."""

    clerk: str
    count: int
    owed_fen: int
    undone: int


def listed(session: Session, scope: Scope, *, before: tuple[datetime, int] | None, limit: int) -> list[Taken]:
    """The newest first; `before`: older ones than this (moment, acceptance id)."""
    query = (
        select(Acceptance, Terminal.code, ClerkRow.number)
        .join(Terminal, Terminal.terminal_id == Acceptance.terminal_id)
        .join(ClerkRow, ClerkRow.clerk_id == Acceptance.clerk_id)
        .where(*_of(scope))
        .order_by(Acceptance.recorded_at.desc(), Acceptance.acceptance_id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(tuple_(Acceptance.recorded_at, Acceptance.acceptance_id) < before)
    return [Taken(row, code, number) for row, code, number in session.execute(query)]


def totals(session: Session, scope: Scope) -> list[Total]:
    """Of each clerk who took something, by number."""
    stands = Acceptance.void_id.is_(None)
    rows = session.execute(
        select(
            ClerkRow.number,
            func.count().filter(stands),
            func.coalesce(func.sum(Acceptance.owed_fen).filter(stands), 0),
            func.count().filter(~stands),
        )
        .join(ClerkRow, ClerkRow.clerk_id == Acceptance.clerk_id)
        .where(*_of(scope))
        .group_by(ClerkRow.number)
        .order_by(ClerkRow.number)
    )
    return [Total(number, count, int(owed_fen), undone) for number, count, owed_fen, undone in rows]


def points_by_clerk(session: Session, scope: Scope) -> dict[str, int]:
    """The points that members earned there, by the number of the clerk, less what was undone."""
    undone = exists().where(
        EarningReversal.member_id == Earning.member_id, EarningReversal.earning_id == Earning.earning_id
    )
    place = scope.place
    at = Earning.terminal_id == place.terminal_id
    if scope.whole_outlet:
        at = (Earning.merchant_id == place.merchant_id) & (Earning.outlet_id == place.outlet_id)
    rows = session.execute(
        select(ClerkRow.number, func.sum(Earning.points))
        .join(ClerkRow, ClerkRow.clerk_id == Earning.clerk_id)
        .where(at, Earning.recorded_at >= scope.since, ~undone)
        .group_by(ClerkRow.number)
        .order_by(ClerkRow.number)
    )
    return {number: int(points) for number, points in rows}


def _of(scope: Scope) -> list[ColumnElement[bool]]:
    """The conditions of a scope, each way along an index."""
    place = scope.place
    at = (
        [Acceptance.merchant_id == place.merchant_id, Acceptance.outlet_id == place.outlet_id]
        if scope.whole_outlet
        else [Acceptance.terminal_id == place.terminal_id]
    )
    code = [Acceptance.last4 == scope.last4] if scope.last4 is not None else []
    return [*at, *code, Acceptance.recorded_at >= scope.since]
