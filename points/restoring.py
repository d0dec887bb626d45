"""Points that lapsed before an extension was announced come back, each lot of each EXPIRE once.

One walk through the members for each extension, in steps that commit with their place: whoever starts it again goes on
there, and a lot that came back already is left alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import clock
from base.errors import Problem
from points import extensions, ledger
from points.deeds import Request
from points.kinds import Kind
from points.lots import Extension
from points.models import ExpiryRun, PostingRow, Programme
from points.refusals import MemberClosed, MemberMerged

STEP = 500
RESTORE = "restore"


@dataclass(frozen=True)
class Lapsed:
    """What an EXPIRE of a member took from one lot, and has not come back."""

    member_id: int
    seq: int
    lot_key: int
    points: int


@dataclass(frozen=True)
class Step:
    """What one step did: members looked at, members and points restored, who was refused and why; whether it was the last."""

    looked_at: int
    members: int
    points: int
    refused: tuple[tuple[int, str], ...]
    done: bool


def pending(session: Session, programme: Programme, at: datetime) -> list[Extension]:
    """Extensions that count, have not run out, and whose walk has not come to its end."""
    walked = set(
        session.scalars(
            select(ExpiryRun.subject).where(
                ExpiryRun.programme_id == programme.programme_id,
                ExpiryRun.task == RESTORE,
                ExpiryRun.ended_at.is_not(None),
            )
        )
    )
    on = clock.day(at, programme.zone)
    calendar = extensions.of(session, programme.programme_id, at)
    return [one for one in calendar if one.last_day >= on and str(one.extension_id) not in walked]


def step(session: Session, programme: Programme, one: Extension, at: datetime) -> Step:
    """Bring back what the next members lost, and move the walk's place with it; commit after each step.

    Lines that were cancelled or merged keep nothing and are not told as refused.
    """
    run = _run(session, programme, one, at)
    members = next_members(session, programme, run.last_member)
    if not members:
        if run.refused:  # the next walk tries them again
            run.last_member, run.refused = 0, 0
        else:
            run.ended_at = at
        return Step(0, 0, 0, (), done=True)
    lost = list(found(session, members, one))
    answers = ledger.post_many(session, [_request(programme, one, each, at) for each in lost])
    back = [each for each, answer in zip(lost, answers, strict=True) if not isinstance(answer, Problem)]
    refused = tuple(
        (each.member_id, type(answer).__name__)
        for each, answer in zip(lost, answers, strict=True)
        if isinstance(answer, Problem) and not isinstance(answer, MemberClosed | MemberMerged)
    )
    did = Step(
        len(members),
        len({each.member_id for each in back}),
        sum(each.points for each in back),
        refused,
        done=False,
    )
    run.last_member = members[-1]
    run.members, run.points = run.members + did.members, run.points + did.points
    run.refused += len(refused)
    return did


def next_members(session: Session, programme: Programme, after: int) -> list[int]:
    """The programme's next members in order."""
    found = session.connection().exec_driver_sql(
        "select member_id from member where programme_id = %s and member_id > %s order by member_id limit %s",
        (programme.programme_id, after, STEP),
    )
    return list(found.scalars())


def found(session: Session, members: Sequence[int], one: Extension) -> Iterator[Lapsed]:
    """What lapsed of the lots of an extension and has not come back."""
    row = PostingRow
    rows = session.execute(
        select(row.member_id, row.seq, row.kind, row.rev_of, row.contra, row.lots)
        .where(row.member_id.in_(members), row.kind.in_([Kind.EXPIRE, Kind.RESTORE]))
        .order_by(row.member_id, row.seq)
    ).all()
    back = {(r.member_id, r.rev_of, r.contra) for r in rows if r.kind == Kind.RESTORE}
    for r in rows:
        if r.kind == Kind.EXPIRE:
            for lot_key, points in zip(r.lots[0::3], r.lots[2::3], strict=True):
                if one.covers(lot_key) and (r.member_id, r.seq, lot_key) not in back:
                    yield Lapsed(r.member_id, r.seq, lot_key, points)


def total(lost: Iterable[Lapsed]) -> tuple[int, int]:
    """Members and points."""
    each = list(lost)
    return len({one.member_id for one in each}), sum(one.points for one in each)


def _run(session: Session, programme: Programme, one: Extension, at: datetime) -> ExpiryRun:
    """The walk's row, which is ours until the commit: two of the same walk never go side by side."""
    place = (programme.programme_id, RESTORE, str(one.extension_id))
    session.execute(
        insert(ExpiryRun)
        .values(
            programme_id=place[0], task=place[1], subject=place[2], last_member=0, members=0, points=0,
            refused=0, began_at=at, ended_at=None,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
    return session.get_one(ExpiryRun, place, with_for_update=True, populate_existing=True)


def _request(programme: Programme, one: Extension, lapsed: Lapsed, at: datetime) -> Request:
    """`contra` keeps the lot that the points lapsed in, `version_id` the extension."""
    return Request(
        member_id=lapsed.member_id,
        idem=ledger.key("restore", f"{lapsed.seq}:{lapsed.lot_key}"),
        kind=Kind.RESTORE,
        points=0,
        at=at,
        zone=programme.zone,
        lot_key=lapsed.lot_key,
        rev_of=lapsed.seq,
        contra=lapsed.lot_key,
        version_id=one.extension_id,
    )
