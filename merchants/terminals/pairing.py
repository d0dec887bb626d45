"""Pairing: a manager lets a till in with a six-digit code, and the till sends the public half of the key that it made."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import audit, clock, database, ids
from base.auth import one_time_codes, signatures
from base.auth.signatures import Key
from base.errors import NotAllowed
from merchants.terminals import keys, shifts
from merchants.terminals.models import Terminal


class PairingRefused(NotAllowed):
    """Terminal or pairing code is not right, or the code has run out."""

    zh = "终端号或配对码不正确，或配对码已失效。"
    next_en, next_zh = "Ask the manager for a fresh code.", "请店长生成新的配对码。"


def open_for(session: Session, secret: str, terminal: Terminal, at: datetime) -> str:
    """A code of six digits that pairs this terminal within ten minutes, once; an earlier one is worth nothing then."""
    return one_time_codes.make(session, _scope(terminal.terminal_id), secret, at)


def close_for(session: Session, terminal: Terminal) -> None:
    """An open code of this terminal is worth nothing any more."""
    one_time_codes.forget(session, _scope(terminal.terminal_id))


def pair(secret: str, code_of_terminal: str, code: str, key: Key, proof: bytes) -> Terminal:
    """The paired terminal, whose only key this is from now on; PairingRefused, and a wrong code counts as a try.

    `proof`: the signature of `statement`, so that nobody registers a key that is not theirs. A shift that was open on the
    device before closes, and its sign-in ends with it. Opens its own transactions.
    """
    at = clock.now()
    with database.begin() as session:
        terminal = session.scalar(select(Terminal).where(Terminal.code == code_of_terminal))
        right = terminal is not None and one_time_codes.take(
            session, _scope(terminal.terminal_id), code, secret, at
        )
    if terminal is None or not right or terminal.revoked_at is not None:
        raise PairingRefused()
    if not signatures.is_right(key, proof, statement(code_of_terminal, code, key)):
        raise PairingRefused("the proof does not fit the public key")
    with database.begin() as session:
        terminal = session.get_one(Terminal, terminal.terminal_id, with_for_update=True)
        keys.register(session, terminal, key, at)
        terminal.frozen_at = None
        if (shift := shifts.open_at(session, terminal.terminal_id)) is not None:
            shifts.close(session, shift, at)
        named = ids.public("trm", terminal.terminal_id)
        audit.write(session, f"terminal:{terminal.terminal_id}", "terminal.paired", named)
        return terminal


def statement(terminal: str, code: str, key: Key) -> bytes:
    """What a till signs to prove that the key is its own."""
    return "\n".join(("pair", terminal, code, key.algorithm, signatures.encoded(key.public_key))).encode()


def _scope(terminal_id: int) -> str:
    return f"pair:{terminal_id}"
