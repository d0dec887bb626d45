"""Tills in the hands of a merchant's people and the operator: added, paired with a code, revoked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base import audit, ids
from base.auth import one_time_codes
from base.errors import Conflict, NotFound
from merchants import merchants, scope
from merchants.models import Merchant, Outlet
from merchants.scope import Reach
from merchants.terminals import clerks, keys, pairing, shifts
from merchants.terminals.models import BROWSER, SANDBOX, Terminal, TerminalKey

MOST_TILLS = 10_000
WAITING, PAIRED, FROZEN, REVOKED = "waiting", "paired", "frozen", "revoked"


class TerminalUnknown(NotFound):
    """There is no such till."""

    zh = "没有该收银终端。"


class TerminalRevoked(Conflict):
    """This till was revoked for good."""

    zh = "该终端已停用。"
    next_en, next_zh = "Add another till and pair that one.", "请新增终端并重新配对。"


class TooManyTills(Conflict):
    """A merchant has at most ten thousand tills here."""

    zh = "一个商户最多一万台终端。"


@dataclass(frozen=True)
class Till:
    """A till with its outlet, and whether a key of it counts."""

    terminal: Terminal
    outlet: Outlet
    has_key: bool

    @property
    def state(self) -> str:
        if self.terminal.revoked_at is not None:
            return REVOKED
        if self.terminal.frozen_at is not None:
            return FROZEN
        return PAIRED if self.has_key else WAITING


@dataclass(frozen=True)
class PairingCode:
    """Six digits that pair one till, once, until a moment."""

    terminal: Terminal
    code: str
    ends_at: datetime


def listed(session: Session, reach: Reach, at: datetime, *, after: int = 0, limit: int) -> list[Till]:
    """The tills in reach, revoked ones too, in the order in which they came; those for trying things out are elsewhere."""
    asked = scope.ours(reach, _tills(at), Terminal.merchant_id, Terminal.outlet_id)
    rows = session.execute(
        asked.where(Terminal.terminal_id > after, Terminal.kind != SANDBOX)
        .order_by(Terminal.terminal_id)
        .limit(limit)
    )
    return [Till(*row) for row in rows]


def find(session: Session, reach: Reach, public_id: str, at: datetime) -> Till:
    """A till in reach, by its public id; TerminalUnknown, also of one for trying things out, which is the owner's."""
    asked = scope.ours(reach, _tills(at), Terminal.merchant_id, Terminal.outlet_id)
    number = scope.number_of("trm", public_id, TerminalUnknown)
    row = session.execute(asked.where(Terminal.terminal_id == number, Terminal.kind != SANDBOX)).one_or_none()
    if row is None:
        raise TerminalUnknown()
    return Till(*row)


def by_code(session: Session, code: str) -> Terminal:
    """The till of a code; TerminalUnknown."""
    found = session.scalar(select(Terminal).where(Terminal.code == code))
    if found is None:
        raise TerminalUnknown(terminal=code[:40])
    return found


def of_merchant(session: Session, merchant_id: int, at: datetime) -> list[Till]:
    """All tills of a merchant, for the operator."""
    asked = _tills(at).where(Terminal.merchant_id == merchant_id).order_by(Terminal.terminal_id)
    return [Till(*row) for row in session.execute(asked)]


def add(session: Session, outlet: Outlet, actor: str, *, kind: str = BROWSER) -> Terminal:
    """A till more, with the next code of its merchant; it can do nothing before it is paired. TooManyTills, MerchantLeft."""
    merchant = session.get_one(Merchant, outlet.merchant_id, with_for_update=True)
    merchants.check_there(merchant)
    count = session.scalar(
        select(func.count()).select_from(Terminal).where(Terminal.merchant_id == merchant.merchant_id)
    )
    number = (count or 0) + 1
    if number > MOST_TILLS:
        raise TooManyTills()
    while session.scalar(select(Terminal.terminal_id).where(Terminal.code == f"{merchant.code}-{number}")):
        number += 1
    made = clerks.add_terminal(session, outlet, f"{merchant.code}-{number}", kind=kind)
    audit.write(session, actor, "terminal.added", public_id(made))
    return made


def pairing_code(session: Session, secret: str, terminal: Terminal, actor: str, at: datetime) -> PairingCode:
    """A fresh code; the one before is worth nothing then. A frozen till is let in again by it. TerminalRevoked."""
    if terminal.revoked_at is not None:
        raise TerminalRevoked()
    code = pairing.open_for(session, secret, terminal, at)
    audit.write(session, actor, "terminal.pairing-code", public_id(terminal))
    return PairingCode(terminal, code, at + one_time_codes.LIFE)


def revoke(session: Session, terminal: Terminal, actor: str, at: datetime) -> None:
    """The till can do nothing any more, its open shift closes; a second time changes nothing."""
    if terminal.revoked_at is not None:
        return
    keys.revoke(session, terminal, at)
    session.flush()
    pairing.close_for(session, terminal)
    shift = shifts.open_at(session, terminal.terminal_id)
    if shift is not None:
        shifts.close(session, shift, at)
    audit.write(session, actor, "terminal.revoked", public_id(terminal))


def public_id(terminal: Terminal) -> str:
    return ids.public("trm", terminal.terminal_id)


def _tills(at: datetime) -> Any:
    keyed = (
        select(TerminalKey.key_id)
        .where(
            TerminalKey.terminal_id == Terminal.terminal_id,
            TerminalKey.ends_at.is_(None) | (TerminalKey.ends_at > at),
        )
        .exists()
    )
    return select(Terminal, Outlet, keyed).join(Outlet, Outlet.outlet_id == Terminal.outlet_id)
