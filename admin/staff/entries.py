"""Sign-ins of staff as they are kept: from where, by what, when seen last. They outlive the sign-in itself.

Of an address its network alone is kept (IPv4 /24, IPv6 /48): enough to see that two places are far apart.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, tuple_, update
from sqlalchemy.orm import Session

from admin.staff.models import StaffSignIn
from base import ids
from base.auth import sign_ins
from base.auth.models import SignIn
from base.auth.sign_ins import LIVES
from base.errors import NotFound

KIND, HALFWAY = "staff", "halfway"
MOST_BROWSER = 120
PLACES_KEPT = timedelta(days=365)
AT_ONCE = 1_000
# The first mark that is found counts: most browsers call themselves by the names of others as well.
_BROWSERS = (
    ("MicroMessenger/", "WeChat"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


class SignInUnknown(NotFound):
    """There is no such sign-in, or it is over."""

    zh = "没有该登录，或登录已结束。"


@dataclass(frozen=True)
class Origin:
    """Where a sign-in comes from; both empty where that is not known (the command line)."""

    network: str = ""
    browser: str = ""


HERE = Origin()


def origin(address: str | None, browser: str) -> Origin:
    """The origin of a request: its network and its browser, as "Firefox, Linux" where we know it."""
    told = "".join(symbol for symbol in browser if symbol.isprintable())[:1000]
    known = [next((name for mark, name in names if mark in told), None) for names in (_BROWSERS, _SYSTEMS)]
    return Origin(_network(address), ", ".join(known) if all(known) else told[:MOST_BROWSER])  # type: ignore[arg-type]


def begin(session: Session, staff_id: int, of: Origin, way: str, at: datetime) -> str:
    """A whole sign-in, written down; the token."""
    entry = StaffSignIn(
        staff_id=staff_id,
        entry_id=ids.new_id(),
        began_at=at,
        seen_at=at,
        ended_at=None,
        way=way,
        network=of.network,
        browser=of.browser,
    )
    session.add(entry)
    return sign_ins.begin(session, KIND, staff_id, at, place_id=entry.entry_id)


def seen(session: Session, staff_id: int, entry_id: int, at: datetime) -> None:
    """The sign-in was used."""
    mine = (StaffSignIn.staff_id == staff_id) & (StaffSignIn.entry_id == entry_id)
    session.execute(update(StaffSignIn).where(mine).values(seen_at=at))


def open_ones(session: Session, staff_id: int, at: datetime) -> list[StaffSignIn]:
    """The person's sign-ins that still open the door, newest first."""
    life = LIVES[KIND]
    asked = select(StaffSignIn).where(
        StaffSignIn.staff_id == staff_id,
        StaffSignIn.ended_at.is_(None),
        StaffSignIn.began_at > at - life.most,
        StaffSignIn.seen_at > at - life.idle,
    )
    return list(session.scalars(asked.order_by(StaffSignIn.entry_id.desc())))


def latest(session: Session, staff_id: int, *, limit: int) -> list[StaffSignIn]:
    """The person's newest sign-ins, open or over."""
    asked = select(StaffSignIn).where(StaffSignIn.staff_id == staff_id)
    return list(session.scalars(asked.order_by(StaffSignIn.entry_id.desc()).limit(limit)))


def is_open(entry: StaffSignIn, at: datetime) -> bool:
    """Whether it still opens the door."""
    life = LIVES[KIND]
    return entry.ended_at is None and entry.began_at > at - life.most and entry.seen_at > at - life.idle


def here(session: Session, token: str) -> int:
    """Which of the person's sign-ins a token belongs to; 0: none."""
    row = session.get(SignIn, sign_ins.digest(token))
    return row.place_id if row else 0


def leave(session: Session, token: str, at: datetime) -> str | None:
    """Note that the person signs out; by which way they had come, None: the token opens nothing."""
    row = session.get(SignIn, sign_ins.digest(token))
    mine = session.get(StaffSignIn, (row.subject_id, row.place_id)) if row and row.kind == KIND else None
    if mine is None:
        return None
    _mark(session, StaffSignIn.staff_id == mine.staff_id, StaffSignIn.entry_id == mine.entry_id, at=at)
    return mine.way


def end(session: Session, staff_id: int, entry_id: int, at: datetime) -> None:
    """End one sign-in of the person; SignInUnknown."""
    if not _mark(session, StaffSignIn.staff_id == staff_id, StaffSignIn.entry_id == entry_id, at=at):
        raise SignInUnknown()
    sign_ins.end_at(session, KIND, staff_id, entry_id)


def end_all(session: Session, staff_id: int, at: datetime) -> None:
    """End all sign-ins of the person, also those whose second factor is awaited."""
    _mark(session, StaffSignIn.staff_id == staff_id, at=at)
    for kind in (KIND, HALFWAY):
        sign_ins.end_all(session, kind, [staff_id])


def _mark(session: Session, *which: object, at: datetime) -> Sequence[int]:
    ended = (
        update(StaffSignIn)
        .where(*which, StaffSignIn.ended_at.is_(None))  # type: ignore[arg-type]
        .values(ended_at=at)
        .returning(StaffSignIn.entry_id)
        .execution_options(synchronize_session=False)
    )
    return session.scalars(ended).all()


def forget_places(session: Session, at: datetime) -> bool:
    """From which network and browser somebody signed in is kept for twelve months; whether there may be more to forget."""
    old = (StaffSignIn.seen_at < at - PLACES_KEPT) & (
        (StaffSignIn.network != "") | (StaffSignIn.browser != "")
    )
    key = tuple_(StaffSignIn.staff_id, StaffSignIn.entry_id)
    some = select(StaffSignIn.staff_id, StaffSignIn.entry_id).where(old).limit(AT_ONCE)
    gone = update(StaffSignIn).where(key.in_(some)).values(network="", browser="")
    return len(session.execute(gone.returning(StaffSignIn.entry_id)).all()) == AT_ONCE


def _network(address: str | None) -> str:
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))
