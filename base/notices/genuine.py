"""Is this from us? Each message carries a code by which anybody can ask, and only we could have written.

Eight random symbols and a check symbol, kept as a keyed digest. The answer shows the message with every digit hidden: who
guesses a code learns neither amounts nor numbers, and never somebody's sign-in code.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import check_symbols, seals
from base.auth import guesses
from base.auth.guesses import Limit
from base.check_symbols import check_symbol
from base.config import Config
from base.ids import ALPHABET
from base.notices import sealing
from base.notices.models import SUPPRESSED, Notice

SYMBOLS = 8
LIVES = timedelta(days=90)
WRONG = Limit(tries=30, window=timedelta(hours=1))  # for one source address, which many may share
REAL, UNKNOWN, EXPIRED = "real", "unknown", "expired"
HIDDEN = "•"


@dataclass(frozen=True)
class Answer:
    """What is told about a code; with a real one the message, its digits hidden, and when it was written."""

    answer: str
    text: str | None = None
    at: datetime | None = None
    channel: str | None = None


def fresh() -> str:
    """Eight random symbols."""
    return "".join(secrets.choice(ALPHABET) for _ in range(SYMBOLS))


def shown(symbols: str) -> str:
    """As people see it: 7M4P-8KQ2-X."""
    return f"{symbols[:4]}-{symbols[4:]}-{check_symbol(symbols)}"


def read(text: str) -> str | None:
    """The eight symbols of a typed code; None when it cannot be one."""
    plain = check_symbols.plain(text[:64])
    if len(plain) != SYMBOLS + 1 or any(symbol not in ALPHABET for symbol in plain):
        return None
    return plain[:SYMBOLS] if check_symbol(plain[:SYMBOLS]) == plain[SYMBOLS] else None


def digest(config: Config, symbols: str) -> bytes:
    """By which a code is found."""
    return seals.blind(config.secret_key, "notice", symbols)


def check(session: Session, config: Config, typed: str, source: str, at: datetime) -> Answer:
    """What is known of a code. Unknown ones are counted against the address that asked, so commit; TooManyGuesses.

    What cannot be a code is a slip of the finger, tells a guesser nothing, and is not counted.
    """
    scope = guesses.of_source(config, "genuine", source)
    guesses.check(session, scope, WRONG, at)
    symbols = read(typed)
    if symbols is None:
        return Answer(UNKNOWN)
    found = _newest(session, digest(config, symbols))
    if found is None:
        guesses.wrong(session, scope, at)
        return Answer(UNKNOWN)
    if found.at + LIVES < at:
        return Answer(EXPIRED)
    clear = sealing.opened(session, config.seal_key, [found]).get(found.notice_id)
    if clear is None:
        return Answer(EXPIRED)
    return Answer(REAL, without_digits(clear[1], [shown(symbols)]), found.at, found.channel)


def without_digits(text: str, but: Sequence[str] = ()) -> str:
    """The text with every digit hidden, but for the words that the asker knows anyway."""
    parts = re.split("(" + "|".join(map(re.escape, but)) + ")", text) if but else [text]
    return "".join(part if part in but else re.sub(r"\d", HIDDEN, part) for part in parts)


def _newest(session: Session, code_digest: bytes) -> Notice | None:
    """Two messages may carry the same code once in a billion; a message that was held back reached nobody."""
    return session.scalar(
        select(Notice)
        .where(Notice.code_digest == code_digest, Notice.state != SUPPRESSED)
        .order_by(Notice.notice_id.desc())
        .limit(1)
    )
