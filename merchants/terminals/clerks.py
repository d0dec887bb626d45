"""Clerks sign in at a terminal of their outlet with number and PIN; a revoked terminal or a leaver is out at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import ids
from base.auth import passwords
from base.auth.guesses import Limit
from base.auth.principals import Clerk
from base.errors import NotSignedIn
from merchants.models import Merchant, Outlet
from merchants.terminals.models import ClerkRow, Terminal

PIN_LIMIT = Limit(tries=5, window=timedelta(minutes=15))


class SignInRefused(NotSignedIn):
    """Terminal, clerk number or PIN is not right."""

    zh = "终端号、店员号或密码不正确。"
    next_en, next_zh = "Check them and try again.", "请核对后重试。"


@dataclass(frozen=True)
class Till:
    """What a clerk sees of the place where they work."""

    terminal: Terminal
    outlet: Outlet
    merchant: Merchant
    clerk: ClerkRow


def add_terminal(session: Session, outlet: Outlet, code: str) -> Terminal:
    """A till more."""
    terminal = Terminal(
        terminal_id=ids.new_id(),
        merchant_id=outlet.merchant_id,
        outlet_id=outlet.outlet_id,
        code=code,
        revoked_at=None,
    )
    session.add(terminal)
    session.flush()
    return terminal


def add_clerk(
    session: Session, outlet: Outlet, number: str, pin_hash: str, *, is_manager: bool = False
) -> ClerkRow:
    """A clerk more; `pin_hash` is passwords.hashed() of six digits."""
    clerk = ClerkRow(
        clerk_id=ids.new_id(),
        merchant_id=outlet.merchant_id,
        outlet_id=outlet.outlet_id,
        number=number,
        pin_hash=pin_hash,
        is_manager=is_manager,
        ended_at=None,
    )
    session.add(clerk)
    session.flush()
    return clerk


def matching(session: Session, terminal_code: str, number: str, pin: str) -> Clerk | None:
    """The clerk that these belong to; None when anything is not right (the caller counts the guess)."""
    row = session.execute(
        select(Terminal, ClerkRow)
        .join(ClerkRow, ClerkRow.outlet_id == Terminal.outlet_id)
        .where(Terminal.code == terminal_code, ClerkRow.number == number)
    ).one_or_none()
    right = passwords.matches(row.ClerkRow.pin_hash if row else None, pin)
    return holder(session, row.ClerkRow.clerk_id, row.Terminal.terminal_id) if row and right else None


def holder(session: Session, clerk_id: int, terminal_id: int) -> Clerk | None:
    """The principal behind a sign-in; None when the clerk left, the terminal is revoked or the merchant stopped."""
    row = session.execute(
        select(Terminal, ClerkRow.is_manager)
        .join(ClerkRow, ClerkRow.outlet_id == Terminal.outlet_id)
        .join(Merchant, Merchant.merchant_id == Terminal.merchant_id)
        .where(
            Terminal.terminal_id == terminal_id,
            ClerkRow.clerk_id == clerk_id,
            Terminal.revoked_at.is_(None),
            ClerkRow.ended_at.is_(None),
            Merchant.state == "active",
        )
    ).one_or_none()
    if row is None:
        return None
    terminal = row.Terminal
    return Clerk(clerk_id, terminal.terminal_id, terminal.outlet_id, terminal.merchant_id, row.is_manager)


def revoke(session: Session, terminal: Terminal, at: datetime) -> None:
    """The terminal can do nothing any more, from the next request on."""
    terminal.revoked_at = at


def till_of(session: Session, clerk: Clerk) -> Till:
    """The place behind a principal."""
    return Till(
        session.get_one(Terminal, clerk.terminal_id),
        session.get_one(Outlet, clerk.outlet_id),
        session.get_one(Merchant, clerk.merchant_id),
        session.get_one(ClerkRow, clerk.clerk_id),
    )
