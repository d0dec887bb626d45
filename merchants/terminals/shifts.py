"""Shifts: a clerk's time at a till, opened by signing in, closed with a count; the sign-ins at the till end with it."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from base import database, ids
from base.auth import sign_ins
from base.errors import NotSignedIn
from merchants.models import Acceptance, Void
from merchants.terminals.models import ClerkRow, Shift, Terminal


class ShiftEnded(NotSignedIn):
    """This shift was closed meanwhile; nothing was done."""

    zh = "该班次已结束，未做任何操作。"
    next_en, next_zh = "Sign in again.", "请重新登录。"
    clerk_en, clerk_zh = "One moment, I sign in again.", "请稍等，我重新登录。"
    then = "manager"


def begin(session: Session, terminal: Terminal, clerk: ClerkRow, at: datetime) -> Shift:
    """The clerk's shift at this till: the open one goes on; that of a colleague who forgot to close is closed."""
    session.get_one(Terminal, terminal.terminal_id, with_for_update=True)
    found = open_at(session, terminal.terminal_id)
    if found is not None and found.clerk_id == clerk.clerk_id:
        return found
    if found is not None:
        close(session, found, at)
    shift = Shift(
        terminal_id=terminal.terminal_id,
        shift_id=ids.new_id(),
        merchant_id=terminal.merchant_id,
        outlet_id=terminal.outlet_id,
        clerk_id=clerk.clerk_id,
        opened_at=at,
    )
    session.add(shift)
    session.flush()
    return shift


def open_at(session: Session, terminal_id: int) -> Shift | None:
    """The open shift of a till."""
    return session.scalar(
        select(Shift).where(Shift.terminal_id == terminal_id, Shift.closed_at.is_(None)),
        execution_options={"populate_existing": True},
    )


def close(session: Session, shift: Shift, at: datetime) -> Shift:
    """Closed with its count, its clerk signed out there; a closed one stays as it is.

    An acceptance or a void that is under way in it is waited for and counted (`going_on`).
    """
    session.get_one(Shift, (shift.terminal_id, shift.shift_id), with_for_update=True, populate_existing=True)
    accepted, voided, net_fen = count(session, shift)
    session.execute(
        update(Shift)
        .where(
            Shift.terminal_id == shift.terminal_id,
            Shift.shift_id == shift.shift_id,
            Shift.closed_at.is_(None),
        )
        .values(closed_at=at, accepted=accepted, voided=voided, net_fen=net_fen)
    )
    session.refresh(shift)
    sign_ins.end_at(session, "clerk", shift.clerk_id, shift.terminal_id)
    return shift


def going_on(session: Session, terminal_id: int, shift_id: int | None) -> None:
    """ShiftEnded, unless this shift is open; until this transaction ends nobody closes it. None: a cash desk, which has none."""
    if shift_id is not None and not database.rows(session, _GOING_ON, (terminal_id, shift_id)):
        raise ShiftEnded()


def close_all_of(session: Session, clerk_id: int, at: datetime) -> None:
    """The shifts of someone who leaves."""
    for shift in session.scalars(select(Shift).where(Shift.clerk_id == clerk_id, Shift.closed_at.is_(None))):
        close(session, shift, at)


def count(session: Session, shift: Shift) -> tuple[int, int, int]:
    """Of an open shift so far: how many acceptances of it stand, how many its clerk undid at this till, what the merchant gets (fen, net)."""
    net = Acceptance.owed_fen - Acceptance.fee_fen - Acceptance.vat_fen
    accepted, net_fen = session.execute(
        select(func.count(), func.coalesce(func.sum(net), 0)).where(
            Acceptance.terminal_id == shift.terminal_id,
            Acceptance.recorded_at >= shift.opened_at,
            Acceptance.shift_id == shift.shift_id,
            Acceptance.void_id.is_(None),
        )
    ).one()
    voided = session.scalar(
        select(func.count()).where(
            Void.merchant_id == shift.merchant_id,
            Void.recorded_at >= shift.opened_at,
            Void.terminal_id == shift.terminal_id,
            Void.clerk_id == shift.clerk_id,
        )
    )
    return int(accepted), int(voided or 0), int(net_fen)


# Asked with every acceptance, so in words that need no compiling.
_GOING_ON = (
    "select shift_id from shift where terminal_id = %s and shift_id = %s and closed_at is null for share"
)
