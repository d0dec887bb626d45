"""One-time codes: six digits, ten minutes, five tries; stored as a keyed digest."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base.auth.models import OneTimeCode

LIFE = timedelta(minutes=10)
MOST_TRIES = 5


def make(session: Session, scope: str, key: str, at: datetime) -> str:
    """A fresh code for this scope; an older one is replaced."""
    code = f"{secrets.randbelow(1_000_000):06d}"
    values = {"digest": _digest(key, scope, code), "ends_at": at + LIFE, "tries": 0}
    session.execute(
        insert(OneTimeCode)
        .values(scope=scope, **values)
        .on_conflict_do_update(index_elements=[OneTimeCode.scope], set_=values)
    )
    return code


def take(session: Session, scope: str, code: str, key: str, at: datetime) -> bool:
    """Whether the code is right; a right one is used up, a wrong one counted. Commit in either case."""
    row = session.execute(
        update(OneTimeCode)
        .where(OneTimeCode.scope == scope, OneTimeCode.ends_at > at, OneTimeCode.tries < MOST_TRIES)
        .values(tries=OneTimeCode.tries + 1)
        .returning(OneTimeCode.digest)
    ).one_or_none()
    if row is None or not hmac.compare_digest(row.digest, _digest(key, scope, code)):
        return False
    session.execute(delete(OneTimeCode).where(OneTimeCode.scope == scope))
    return True


def is_out(session: Session, scope: str, at: datetime) -> bool:
    """Whether a code of this scope was sent that can still be taken."""
    there = exists().where(
        OneTimeCode.scope == scope, OneTimeCode.ends_at > at, OneTimeCode.tries < MOST_TRIES
    )
    return bool(session.scalar(select(there)))


def forget(session: Session, scope: str) -> None:
    """A code that was sent is worth nothing any more."""
    session.execute(delete(OneTimeCode).where(OneTimeCode.scope == scope))


def _digest(key: str, scope: str, code: str) -> bytes:
    return hmac.new(key.encode(), f"{scope}\n{code}".encode(), hashlib.sha256).digest()
