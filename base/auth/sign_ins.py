"""Sign-ins: a random token, its digest in the database, and who it stands for - asked afresh at each request."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from base import database
from base.auth.models import SignIn
from base.auth.principals import ANONYMOUS, Principal

Holder = Callable[[Session, int, int], Principal | None]
Seen = Callable[[Session, int, int, datetime], None]


@dataclass(frozen=True)
class Life:
    """How long a sign-in lives without use, and at most."""

    idle: timedelta
    most: timedelta


LIVES = {
    "member": Life(timedelta(days=30), timedelta(days=180)),
    "clerk": Life(timedelta(hours=4), timedelta(hours=14)),
    "merchant": Life(timedelta(minutes=30), timedelta(hours=10)),
    "staff": Life(timedelta(minutes=30), timedelta(hours=10)),
    "halfway": Life(timedelta(minutes=10), timedelta(minutes=10)),  # staff before their second factor
}
_SEEN_STEP = timedelta(minutes=1)
_holders: dict[str, Holder] = {}
_watched: dict[str, Seen] = {}


def held_by(kind: str, holder: Holder) -> None:
    """Tell how a kind's subject is looked up; None from the holder ends the sign-in (a leaver loses access at once)."""
    _holders[kind] = holder


def watched_by(kind: str, seen: Seen) -> None:
    """Tell who else is told, at most once a minute each, that a sign-in of a kind was used: subject, place, moment."""
    _watched[kind] = seen


@dataclass(frozen=True)
class Device:
    """Where somebody signs in: in words, the digest of what it is known again by, and whether it is trusted."""

    words: str = ""
    mark: bytes | None = None
    trusted: bool = True


def begin(
    session: Session,
    kind: str,
    subject_id: int,
    at: datetime,
    *,
    place_id: int = 0,
    device: Device | None = None,
) -> str:
    """A fresh sign-in; returns the token, which is stored nowhere."""
    device = device or Device()
    token = secrets.token_urlsafe(32)
    session.add(
        SignIn(
            token_digest=digest(token),
            kind=kind,
            subject_id=subject_id,
            place_id=place_id,
            began_at=at,
            seen_at=at,
            ends_at=at + LIVES[kind].most,
            trusted_at=at if device.trusted else None,
            device=device.words,
            mark=device.mark,
        )
    )
    session.flush()
    return token


# Asked with every request, so in words that need no compiling.
_FIND = "select kind, subject_id, place_id, seen_at, ends_at from sign_in where token_digest = %s"


def find(session: Session, token: str, at: datetime) -> Principal:
    """Whom a token stands for now; ANONYMOUS when it has ended or never was."""
    row = next(iter(database.rows(session, _FIND, (digest(token),))), None)
    if row is None or row.ends_at <= at or row.seen_at + LIVES[row.kind].idle <= at:
        return ANONYMOUS
    if at - row.seen_at > _SEEN_STEP:
        session.execute(update(SignIn).where(SignIn.token_digest == digest(token)).values(seen_at=at))
        if row.kind in _watched:
            _watched[row.kind](session, row.subject_id, row.place_id, at)
    return _holders[row.kind](session, row.subject_id, row.place_id) or ANONYMOUS


def end(session: Session, token: str) -> None:
    """Sign out."""
    session.execute(delete(SignIn).where(SignIn.token_digest == digest(token)))


def end_all(session: Session, kind: str, subjects: Sequence[int]) -> None:
    """Sign these out everywhere; the next request with one of their tokens is nobody's."""
    if subjects:
        session.execute(delete(SignIn).where(SignIn.kind == kind, SignIn.subject_id.in_(subjects)))


def listed(session: Session, kind: str, subject_id: int, at: datetime) -> Sequence[SignIn]:
    """Somebody's sign-ins that live, the one used last first."""
    asked = select(SignIn).where(
        SignIn.kind == kind,
        SignIn.subject_id == subject_id,
        SignIn.ends_at > at,
        SignIn.seen_at > at - LIVES[kind].idle,
    )
    return session.scalars(asked.order_by(SignIn.seen_at.desc(), SignIn.token_digest)).all()


def end_others(session: Session, kind: str, subject_id: int, but: bytes | None) -> int:
    """Sign somebody out everywhere but there (a token's digest); how many sign-ins that ended."""
    gone = session.execute(
        delete(SignIn)
        .where(SignIn.kind == kind, SignIn.subject_id == subject_id, SignIn.token_digest != (but or b""))
        .returning(SignIn.token_digest)
    )
    return len(gone.all())


def end_at(session: Session, kind: str, subject_id: int, place_id: int) -> None:
    """Sign somebody out at one place."""
    session.execute(
        delete(SignIn).where(
            SignIn.kind == kind, SignIn.subject_id == subject_id, SignIn.place_id == place_id
        )
    )


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
