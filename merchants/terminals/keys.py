"""Keys of terminals: registered when a till is paired, rolled with an overlap, ended at once when it is revoked or frozen."""

from datetime import datetime

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from base import database, ids
from base.auth import signatures
from base.auth.models import TerminalNonce
from base.auth.signatures import Held, Key
from base.errors import field_errors
from base.webhooks import webhooks
from merchants.risk import alerts
from merchants.risk.alerts import About
from merchants.terminals.models import Terminal, TerminalKey

NONCES_AT_ONCE = 5_000
FROZEN = "jifen.terminal.frozen"


def held_by(session: Session, terminal_id: int, at: datetime) -> tuple[Held, ...]:
    """The keys of a terminal that count at a moment; none when it is unknown, revoked or frozen."""
    rows = session.execute(
        select(TerminalKey.key_id, TerminalKey.counter, TerminalKey.algorithm, TerminalKey.public_key)
        .join(Terminal, Terminal.terminal_id == TerminalKey.terminal_id)
        .where(
            Terminal.terminal_id == terminal_id,
            Terminal.revoked_at.is_(None),
            Terminal.frozen_at.is_(None),
            or_(TerminalKey.ends_at.is_(None), TerminalKey.ends_at > at),
        )
    ).all()
    return tuple(Held(Key(row.algorithm, row.public_key), row.key_id, row.counter) for row in rows)


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
        counter=0,
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
        if frozen is None:
            return
        about = About(frozen.merchant_id, f"terminal {terminal_id}", frozen.outlet_id, terminal_id)
        alerts.put(session, alerts.COPIED_KEY, about, {"terminal": frozen.code}, at)
        terminal = ids.public("trm", terminal_id)
        told = {"terminal": terminal, "frozen_at": at.isoformat()}
        webhooks.publish_to_merchant(
            session, frozen.merchant_id, webhooks.NO_MEMBER, FROZEN, terminal, told, at
        )


def forget_nonces(session: Session, before: datetime) -> bool:
    """Of nonces that no request can bring back in time only the highest counter is kept; whether there is more to do."""
    key = (TerminalNonce.terminal_id, TerminalNonce.key_id)
    old = select(*key, TerminalNonce.counter).where(TerminalNonce.at < before).limit(NONCES_AT_ONCE).cte()
    gone = (
        delete(TerminalNonce)
        .where(
            TerminalNonce.terminal_id == old.c.terminal_id,
            TerminalNonce.key_id == old.c.key_id,
            TerminalNonce.counter == old.c.counter,
        )
        .returning(*key, TerminalNonce.counter)
        .cte()
    )
    of_key = (gone.c.terminal_id, gone.c.key_id)
    highest = session.execute(
        select(*of_key, func.max(gone.c.counter), func.count()).group_by(*of_key).order_by(*of_key)
    ).all()
    for terminal_id, key_id, counter, _ in highest:
        session.execute(
            update(TerminalKey)
            .where(
                TerminalKey.terminal_id == terminal_id,
                TerminalKey.key_id == key_id,
                TerminalKey.counter < counter,
            )
            .values(counter=counter)
        )
    return bool(sum(count for *_, count in highest) == NONCES_AT_ONCE)
