"""Keys of terminals: registered when a till is paired, rolled with an overlap, ended at once when it is revoked or frozen."""

from datetime import datetime

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from base import database, ids
from base.auth import signatures
from base.auth.models import TerminalNonce
from base.auth.signatures import Key, Signer
from base.errors import field_errors
from merchants.risk import alerts
from merchants.risk.alerts import About
from merchants.terminals.models import Terminal, TerminalKey

NONCES_AT_ONCE = 5_000


def signer(session: Session, terminal_id: int, at: datetime) -> Signer | None:
    """The keys of a terminal that count at a moment; None when it is unknown, revoked or frozen."""
    rows = session.execute(
        select(Terminal.counter, TerminalKey.algorithm, TerminalKey.public_key)
        .join(TerminalKey, TerminalKey.terminal_id == Terminal.terminal_id)
        .where(
            Terminal.terminal_id == terminal_id,
            Terminal.revoked_at.is_(None),
            Terminal.frozen_at.is_(None),
            or_(TerminalKey.ends_at.is_(None), TerminalKey.ends_at > at),
        )
    ).all()
    keys = tuple(Key(row.algorithm, row.public_key) for row in rows)
    return Signer(keys, rows[0].counter) if keys else None


def register(
    session: Session, terminal: Terminal, key: Key, at: datetime, *, old_until: datetime | None = None
) -> TerminalKey:
    """A key takes the place of the present one, at once or (`old_until`) with an overlap; Invalid when it is no key."""
    if key.algorithm not in signatures.ALGORITHMS or not signatures.is_key(key):
        raise field_errors(
            {"public_key": "32 bytes of Ed25519 or an uncompressed point of P-256, as base64url"}
        )
    ends_at = old_until or at
    session.execute(
        update(TerminalKey)
        .where(
            TerminalKey.terminal_id == terminal.terminal_id,
            or_(TerminalKey.ends_at.is_(None), TerminalKey.ends_at > ends_at),
        )
        .values(ends_at=ends_at)
    )
    row = TerminalKey(
        terminal_id=terminal.terminal_id,
        key_id=ids.new_id(),
        algorithm=key.algorithm,
        public_key=key.public_key,
        from_at=at,
        ends_at=None,
    )
    session.add(row)
    session.flush()
    signatures.forget(terminal.terminal_id)
    return row


def revoke(session: Session, terminal: Terminal, at: datetime) -> None:
    """The terminal can do nothing any more: from its next request on, at most three seconds later in other processes."""
    terminal.revoked_at = terminal.revoked_at or at
    signatures.forget(terminal.terminal_id)


def cloned(terminal_id: int, at: datetime) -> None:
    """Two tills seem to hold one key: it is frozen, in a transaction of its own, until the manager pairs it afresh."""
    with database.begin() as session:
        frozen = session.scalar(
            update(Terminal)
            .where(Terminal.terminal_id == terminal_id, Terminal.frozen_at.is_(None))
            .values(frozen_at=at)
            .returning(Terminal)
        )
        if frozen is not None:
            about = About(frozen.merchant_id, f"terminal {terminal_id}", frozen.outlet_id, terminal_id)
            alerts.put(session, alerts.COPIED_KEY, about, {"terminal": frozen.code}, at)


def forget_nonces(session: Session, before: datetime) -> bool:
    """Of nonces that no request can bring back in time only the highest counter is kept; whether there is more to do."""
    old = (
        select(TerminalNonce.terminal_id, TerminalNonce.counter)
        .where(TerminalNonce.at < before)
        .limit(NONCES_AT_ONCE)
        .cte()
    )
    gone = (
        delete(TerminalNonce)
        .where(TerminalNonce.terminal_id == old.c.terminal_id, TerminalNonce.counter == old.c.counter)
        .returning(TerminalNonce.terminal_id, TerminalNonce.counter)
        .cte()
    )
    highest = session.execute(
        select(gone.c.terminal_id, func.max(gone.c.counter), func.count())
        .group_by(gone.c.terminal_id)
        .order_by(gone.c.terminal_id)
    ).all()
    for terminal_id, counter, _ in highest:
        session.execute(
            update(Terminal)
            .where(Terminal.terminal_id == terminal_id, Terminal.counter < counter)
            .values(counter=counter)
        )
    return sum(count for _, _, count in highest) == NONCES_AT_ONCE
