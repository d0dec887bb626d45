"""Expiry: the sweep that posts what has lapsed. A balance is right even before it runs: reads count live lots only.

Who is due is found by the index on the first lot of a wallet, so that a sweep costs as much as there is to do. A wallet
whose first lot lapsed empty, or whose line is suspended, is met once and then lies behind the window of the next sweep;
the first sweep of a month looks from the first day on, and so does one on which an extension runs out. Points that had
no end and got one stand last in a wallet, where no index shows them: once that day has passed, everybody is looked at.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import database
from base.failpoints import failpoint
from points import extensions, ledger, lots
from points.deeds import Request
from points.kinds import Kind, State
from points.lots import NO_EXTENSIONS, Calendar
from points.models import ExpiryRun, Programme
from points.postings import Wallet

STEP = 500
SWEEP = "sweep"

log = logging.getLogger("jifen.expiry")


@dataclass(frozen=True)
class Window:
    """Where a sweep looks: wallets whose first lot lapsed from a day on (None: ever), before another; or everybody."""

    since: date | None
    before: date
    everybody: bool = False


@dataclass(frozen=True)
class Place:
    """How far a walk has come: the first lot and the member that were last."""

    lot_key: int
    member_id: int


@dataclass(frozen=True)
class Step:
    """What one step of the sweep did: members looked at, points lapsed, and members with many lots."""

    looked_at: int
    lapsed_points: int
    crowded: int


def window(session: Session, programme: Programme, on: date, at: datetime) -> Window:
    """Where a sweep as of a day must look, after those that came to their end before."""
    last = session.scalar(
        select(func.max(ExpiryRun.subject)).where(
            ExpiryRun.programme_id == programme.programme_id,
            ExpiryRun.task == SWEEP,
            ExpiryRun.ended_at.is_not(None),
        )
    )
    if last is None:
        since = date.min
        fallen = [one for one in extensions.of(session, programme.programme_id, at) if one.last_day < on]
    else:
        since = date.fromisoformat(last)
        calendar = extensions.of(session, programme.programme_id, at)
        fallen = [one for one in calendar if since <= one.last_day < on]
    if any(one.from_day == lots.NO_END for one in fallen):
        return Window(None, on, everybody=True)
    if fallen or (since.year, since.month) < (on.year, on.month):
        return Window(None, on)
    return Window(since, on)


def count(session: Session, programme: Programme, where: Window) -> int:
    """How many wallets there are to look at, of other programmes too where the index finds them (for a progress bar)."""
    connection = session.connection()
    if where.everybody:
        statement = "select count(*) from member where programme_id = %s"
        return int(connection.exec_driver_sql(statement, (programme.programme_id,)).scalar_one())
    begin, end = _keys(where)
    statement = "select count(*) from wallet where lot_key[1] >= %s and lot_key[1] < %s"
    return int(connection.exec_driver_sql(statement, (begin, end)).scalar_one())


def start(where: Window) -> Place:
    """Before the first wallet."""
    return Place(0 if where.everybody else _keys(where)[0], 0)


def due(
    session: Session, programme: Programme, where: Window, after: Place
) -> tuple[list[int], int, Place | None]:
    """The programme's next members in the window, how many wallets that took to find, where to go on (None: the end)."""
    connection = database.driver(session)
    if where.everybody:
        rows = connection.execute(
            "select 0, member_id, programme_id from member where programme_id = %s and member_id > %s "
            "order by member_id limit %s",
            (programme.programme_id, after.member_id, STEP),
        ).fetchall()
    else:
        rows = connection.execute(
            "select lot_key[1], member_id, (select programme_id from member m where m.member_id = w.member_id) "
            "from wallet w where (lot_key[1], member_id) > (%s, %s) and lot_key[1] < %s "
            "order by lot_key[1], member_id limit %s",
            (after.lot_key, after.member_id, _keys(where)[1], STEP),
        ).fetchall()
    mine = [row[1] for row in rows if row[2] == programme.programme_id]
    return mine, len(rows), Place(rows[-1][0], rows[-1][1]) if len(rows) == STEP else None


def sweep(session: Session, programme: Programme, members: Sequence[int], on: date, at: datetime) -> Step:
    """Expire what lapsed before a day for some members. Safe to repeat; commit after each step."""
    wallets = ledger.read_many(session, members)
    calendar = extensions.of(session, programme.programme_id, at)
    due = [
        _request(wallet, programme, on, at)
        for wallet in wallets
        if wallet.state is not State.FROZEN and lapsed(wallet, on, calendar)
    ]
    answers = [a for a in ledger.post_many(session, due) if isinstance(a, ledger.Answer)]
    failpoint("lots_lapsed")
    crowded = [wallet for wallet in wallets if len(wallet.lots.keys) >= lots.MANY_LOTS]
    for wallet in crowded:
        log.warning(
            "member %s has %s lots of at most %s", wallet.member_id, len(wallet.lots.keys), lots.MOST_LOTS
        )
    points = sum(p.amount for a in answers for p in a.postings if p.kind is Kind.EXPIRE)
    return Step(len(wallets), points, len(crowded))


def ended(
    session: Session, programme: Programme, on: date, total: Step, began_at: datetime, at: datetime
) -> None:
    """The sweep as of a day came to its end: the next one begins where this one ended."""
    session.execute(
        insert(ExpiryRun)
        .values(
            programme_id=programme.programme_id,
            task=SWEEP,
            subject=str(on),
            last_member=0,
            members=total.looked_at,
            points=total.lapsed_points,
            began_at=began_at,
            ended_at=at,
        )
        .on_conflict_do_nothing()
    )


def lapsed(wallet: Wallet, on: date, calendar: Calendar = NO_EXTENSIONS) -> int:
    """Points in lots whose last day lies before a day."""
    return wallet.balance - lots.live(wallet.lots, on, calendar)


def lapsing(
    wallet: Wallet, on: date, until: date, calendar: Calendar = NO_EXTENSIONS
) -> Iterator[tuple[date, int]]:
    """Live lots that lapse by a day: their last day and what is left in them, soonest first."""
    for at, key in lots.in_order(wallet.lots, calendar):
        last = lots.last_day(key)
        if on <= last <= until and wallet.lots.left(at):
            yield last, wallet.lots.left(at)


def _keys(where: Window) -> tuple[int, int]:
    """The first lot that counts, and the first that counts no more."""
    return lots.first_live(max(where.since or lots.EPOCH, lots.EPOCH)), lots.first_live(where.before)


def _request(wallet: Wallet, programme: Programme, on: date, at: datetime) -> Request:
    name = f"expire:{on}:{wallet.seq}"  # a second run on the same day finds nothing lapsed, so the key never meets itself
    return Request(wallet.member_id, ledger.key("expiry", name), Kind.EXPIRE, 0, at, programme.zone)
