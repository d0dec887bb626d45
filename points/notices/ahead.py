"""Notices 90, 30 and 7 days before points lapse: how many, until when, what they are worth, how to spend them.

One for each wallet, last day and stage, which a unique key promises. Whoever holds points that lapse within 90 days is
found by the index on the first lot of a wallet, as the sweep finds who is due. A day without a run loses nothing: a lot
is told at the stage that its days have come to. Suspended and ended lines are left out: their points do not lapse by day,
or are told of otherwise.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base.config import Config
from base.money import yuan_text
from base.notices import notices
from base.notices.models import SUPPRESSED
from base.notices.notices import Wanted
from base.notices.templates import Facts, by_language
from points import expiry, extensions, ledger, lots
from points.expiry import Place, Window
from points.kinds import State
from points.lots import Calendar
from points.models import Programme
from points.notices import receivers
from points.notices.models import EXPIRY, ExpiryNotice, NoticeWalk
from points.notices.receivers import Receiver
from points.postings import Wallet

STAGES = (7, 30, 90)
AHEAD = timedelta(days=STAGES[-1])
Worth = Callable[[int], int]  # points -> fen, as bill credit


@dataclass(frozen=True)
class Ahead:
    """Points of a member that lapse after a day, and the stage at which that is told."""

    member_id: int
    last_day: date
    stage: int
    points: int


@dataclass(frozen=True)
class Step:
    """What a step did: wallets looked at, notices written, and those of them that a cap held back."""

    looked_at: int = 0
    written: int = 0
    suppressed: int = 0

    def __add__(self, other: "Step") -> "Step":
        return Step(
            self.looked_at + other.looked_at, self.written + other.written, self.suppressed + other.suppressed
        )


def stage_of(days: int) -> int | None:
    """The stage that so many days before the last one belong to; None: it is too early."""
    return next((stage for stage in STAGES if 0 <= days <= stage), None)


def window(session: Session, programme: Programme, on: date, at: datetime) -> Window:
    """Where to look. Points without an end that got one stand last in a wallet, so that everybody is looked at then."""
    calendar = extensions.of(session, programme.programme_id, at)
    everybody = any(one.from_day == lots.NO_END and on <= one.last_day <= on + AHEAD for one in calendar)
    return Window(None, on + AHEAD + timedelta(days=1), everybody)


def begin(session: Session, programme: Programme, where: Window, on: date, at: datetime) -> Place:
    """Where a walk as of a day goes on; one that came to its end begins anew."""
    row = session.get(NoticeWalk, (programme.programme_id, EXPIRY, str(on)))
    if row is None or row.ended_at is not None:
        _keep(session, programme, on, expiry.start(where), at, Step(), began_at=at)
        return expiry.start(where)
    return Place(row.last_key, row.last_member)


def step(
    session: Session,
    config: Config,
    programme: Programme,
    where: Window,
    place: Place,
    on: date,
    at: datetime,
    worth: Worth,
) -> tuple[Step, int, Place | None]:
    """The next wallets: what was done, how many were met (others' too), and where to go on. Safe to repeat."""
    members, met, after = expiry.due(session, programme, where, place)
    calendar = extensions.of(session, programme.programme_id, at)
    wallets = [wallet for wallet in ledger.read_many(session, members) if wallet.state is State.OPEN]
    found = [one for wallet in wallets for one in ahead(wallet, on, calendar)]
    did = _tell(session, config, _not_told(session, found), on, at, worth)
    did = Step(len(wallets), did.written, did.suppressed)
    _keep(session, programme, on, after or place, at, did, ended_at=None if after else at)
    return did, met, after


def ahead(wallet: Wallet, on: date, calendar: Calendar) -> Iterator[Ahead]:
    """What of a wallet lapses within the stages, a day at a time."""
    by_day: dict[date, int] = defaultdict(int)
    for last_day, points in expiry.lapsing(wallet, on, on + AHEAD, calendar):
        by_day[last_day] += points
    for last_day, points in by_day.items():
        stage = stage_of((last_day - on).days)
        assert stage is not None
        yield Ahead(wallet.member_id, last_day, stage, points)


def _not_told(session: Session, found: Sequence[Ahead]) -> list[Ahead]:
    members = {one.member_id for one in found}
    rows = session.execute(
        select(ExpiryNotice.member_id, ExpiryNotice.last_day, ExpiryNotice.stage).where(
            ExpiryNotice.member_id.in_(members)
        )
    )
    told = {tuple(row) for row in rows}
    return [one for one in found if (one.member_id, one.last_day, one.stage) not in told]


def _tell(
    session: Session, config: Config, found: Sequence[Ahead], on: date, at: datetime, worth: Worth
) -> Step:
    to = receivers.of_many(session, config, {one.member_id for one in found})
    told = [one for one in found if one.member_id in to]
    if not told:
        return Step()
    written = notices.send_many(
        session, config, [_message(one, to[one.member_id], on, worth(one.points)) for one in told]
    )
    rows = [
        {
            "member_id": one.member_id,
            "last_day": one.last_day,
            "stage": one.stage,
            "points": one.points,
            "worth_fen": worth(one.points),
            "notice_id": notice.notice_id,
            "at": at,
        }
        for one, notice in zip(told, written, strict=True)
    ]
    session.execute(insert(ExpiryNotice).values(rows))  # a second run at once fails here, and finds it told
    return Step(0, len(written), sum(notice.state == SUPPRESSED for notice in written))


def _message(one: Ahead, to: Receiver, on: date, worth_fen: int) -> Wanted:
    facts: Facts = {
        "points": one.points,
        "last_day": by_language(one.last_day),
        "days": (one.last_day - on).days,
        "yuan": yuan_text(worth_fen),
    }
    return Wanted(one.member_id, to.phone, "expiry-ahead", facts, to.zone, to.language)


def _keep(
    session: Session,
    programme: Programme,
    on: date,
    place: Place,
    at: datetime,
    did: Step,
    *,
    began_at: datetime | None = None,
    ended_at: datetime | None = None,
) -> None:
    """How far the walk is; with `began_at` it begins anew."""
    key = (programme.programme_id, EXPIRY, str(on))
    row = session.get(NoticeWalk, key, populate_existing=True)
    if row is None:
        row = NoticeWalk(programme_id=key[0], task=key[1], subject=key[2], began_at=at, changed_at=at)
        row.looked_at = row.written = 0
        session.add(row)
    if began_at is not None:
        row.began_at, row.looked_at, row.written = began_at, 0, 0
    row.last_key, row.last_member, row.changed_at, row.ended_at = place.lot_key, place.member_id, at, ended_at
    row.looked_at += did.looked_at
    row.written += did.written
