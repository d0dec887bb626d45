"""Clerks work at the terminals of their outlet, each in a shift; a revoked terminal or a leaver is out at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from base import database, ids
from base.auth import passwords, principals, sign_ins
from base.auth.guesses import Limit
from base.auth.principals import Clerk
from base.errors import NotAllowed, NotSignedIn
from merchants.models import AT_TILLS, Merchant, Outlet
from merchants.terminals import shifts
from merchants.terminals.models import (
    BROWSER,
    CLERK,
    FINANCE,
    MANAGER,
    OWNER,
    POS,
    SANDBOX,
    ClerkRow,
    Terminal,
)

PIN_LIMIT = Limit(tries=5, window=timedelta(minutes=15))


class SignInRefused(NotSignedIn):
    """Clerk number or PIN is not right at this till."""

    zh = "店员号或密码不正确，或不属于本终端。"
    next_en, next_zh = "Check them and try again.", "请核对后重试。"


class ClerkNotAllowed(NotAllowed):
    """No clerk of this outlet has that number."""

    zh = "本门店没有该店员号。"
    next_en, next_zh = "Send the number of a clerk of this outlet.", "请填写本门店店员的编号。"
    clerk_en, clerk_zh = "This till needs our manager.", "这台收银机需要店长处理。"
    then = "manager"


@dataclass(frozen=True)
class Till:
    """What a clerk sees of the place where they work."""

    terminal: Terminal
    outlet: Outlet
    merchant: Merchant
    clerk: ClerkRow


def add_terminal(session: Session, outlet: Outlet, code: str, *, kind: str = BROWSER) -> Terminal:
    """A till more; it can do nothing before it is paired."""
    terminal = Terminal(
        terminal_id=ids.new_id(),
        merchant_id=outlet.merchant_id,
        outlet_id=outlet.outlet_id,
        code=code,
        kind=kind,
        frozen_at=None,
        revoked_at=None,
    )
    session.add(terminal)
    session.flush()
    return terminal


def add_clerk(session: Session, outlet: Outlet, number: str, pin_hash: str, *, role: str = CLERK) -> ClerkRow:
    """A person of an outlet more; `pin_hash` is passwords.hashed() of six digits."""
    return add_person(session, outlet.merchant_id, outlet.outlet_id, number, pin_hash, role)


def add_person(
    session: Session, merchant_id: int, outlet_id: int | None, number: str, pin_hash: str, role: str
) -> ClerkRow:
    """A person of a merchant more; finance and owners may be of no one outlet, and have passwords."""
    clerk = ClerkRow(
        clerk_id=ids.new_id(),
        merchant_id=merchant_id,
        outlet_id=outlet_id,
        number=number,
        pin_hash=pin_hash,
        role=role,
        ended_at=None,
    )
    session.add(clerk)
    session.flush()
    return clerk


def matching(session: Session, terminal_id: int, number: str, pin: str) -> tuple[Terminal, ClerkRow] | None:
    """Whom these belong to at this terminal; None when anything is not right (the caller counts the guess)."""
    row = session.execute(
        _working().where(Terminal.terminal_id == terminal_id, ClerkRow.number == number)
    ).one_or_none()
    right = passwords.matches(row.ClerkRow.pin_hash if row else None, pin)
    return (row.Terminal, row.ClerkRow) if row and right else None


def holder(session: Session, clerk_id: int, terminal_id: int) -> Clerk | None:
    """The principal behind a sign-in; None when the clerk left, the shift or the merchant ended, or the terminal may not act."""
    for row in database.rows(session, _HOLDER, (terminal_id, clerk_id, list(AT_TILLS))):
        is_manager = row.role in (MANAGER, OWNER)
        return Clerk(clerk_id, terminal_id, row.outlet_id, row.merchant_id, row.shift_id, is_manager)
    return None


def desk(session: Session, terminal_id: int) -> principals.Terminal | None:
    """The cash-desk system behind a terminal; None when it is none, or may not act."""
    row = session.execute(
        select(Terminal)
        .join(Merchant, Merchant.merchant_id == Terminal.merchant_id)
        .where(Terminal.terminal_id == terminal_id, or_(and_(Terminal.kind == POS, *_MAY_ACT), _IS_SANDBOX))
    ).scalar_one_or_none()
    if row is None:
        return None
    return principals.Terminal(terminal_id, row.outlet_id, row.merchant_id, is_sandbox=row.kind == SANDBOX)


def numbered(session: Session, terminal: principals.Terminal, number: str | None) -> ClerkRow:
    """The clerk whom a cash-desk system names; ClerkNotAllowed when none of its outlet has that number."""
    found = session.scalar(
        select(ClerkRow).where(
            ClerkRow.outlet_id == terminal.outlet_id, ClerkRow.number == number, ClerkRow.ended_at.is_(None)
        )
    )
    if found is None:
        raise ClerkNotAllowed(clerk=(number or "")[:40])
    return found


def end(session: Session, clerk: ClerkRow, at: datetime) -> None:
    """A clerk leaves: signed out everywhere, open shifts closed."""
    clerk.ended_at = clerk.ended_at or at
    sign_out(session, clerk, at)


def sign_out(session: Session, clerk: ClerkRow, at: datetime) -> None:
    """At tills and on the merchant's pages, open shifts closed."""
    for kind in ("clerk", "merchant"):
        sign_ins.end_all(session, kind, [clerk.clerk_id])
    shifts.close_all_of(session, clerk.clerk_id, at)


def till_of(session: Session, clerk: Clerk) -> Till:
    """The place behind a principal."""
    return Till(
        session.get_one(Terminal, clerk.terminal_id),
        session.get_one(Outlet, clerk.outlet_id),
        session.get_one(Merchant, clerk.merchant_id),
        session.get_one(ClerkRow, clerk.clerk_id),
    )


# For trying things out: also while the merchant is not active yet.
_IS_SANDBOX = and_(Terminal.kind == SANDBOX, Terminal.revoked_at.is_(None), Terminal.frozen_at.is_(None))
_MAY_ACT = (Terminal.revoked_at.is_(None), Terminal.frozen_at.is_(None), Merchant.state.in_(AT_TILLS))


def _working() -> Select[Terminal, ClerkRow]:
    return (
        select(Terminal, ClerkRow)
        .join(ClerkRow, ClerkRow.outlet_id == Terminal.outlet_id)
        .join(Merchant, Merchant.merchant_id == Terminal.merchant_id)
        .where(
            *_MAY_ACT,
            Terminal.kind != SANDBOX,
            ClerkRow.ended_at.is_(None),
            ClerkRow.role != FINANCE,
        )
    )


# Asked with every request of a till, so in words that need no compiling.
_HOLDER = (
    "select t.outlet_id, t.merchant_id, s.shift_id, c.role from terminal t "
    "join shift s on s.terminal_id = t.terminal_id and s.closed_at is null "
    "join clerk c on c.clerk_id = s.clerk_id and c.outlet_id = t.outlet_id "
    "join merchant m on m.merchant_id = t.merchant_id "
    "where t.terminal_id = %s and c.clerk_id = %s and t.revoked_at is null and t.frozen_at is null "
    "and t.kind <> 'sandbox' and m.state = any(%s) and c.ended_at is null and c.role <> 'finance'"
)
