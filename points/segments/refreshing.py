"""Refreshing segments: who meets the rule comes in, who no longer does goes out, the others' rows are not touched.

Members are walked in parts by their ids, each part one statement in a transaction with the run's own counts: a run that
was broken off goes on with the next part. The rule is read against the facts as they are now; the day decides which
version counts, and tenure, birthdays and granted tiers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import (
    CTE,
    ColumnElement,
    ScalarSelect,
    Select,
    exists,
    false,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from base import clock, ids
from base.database import StillRunning
from base.errors import Conflict
from points.members.models import MemberFacts
from points.segments import rules
from points.segments.models import Segment, SegmentMember, SegmentRun, SegmentVersion
from points.segments.segments import in_force

PART = 50_000
LAST = 2**63 - 1


class LaterDayRefreshed(Conflict):
    """This segment was refreshed for a later day already."""

    zh = "该分群已按更晚的日期刷新。"
    next_en, next_zh = "Refresh it for today.", "请按今天的日期刷新。"


@dataclass(frozen=True, slots=True)
class Work:
    """A segment that is to be refreshed, with the version that counts; None: it has ended and is emptied."""

    segment: Segment
    version: SegmentVersion | None


def due(session: Session, on: date) -> list[Work]:
    """All segments with a rule in force on a day, and ended ones that somebody is still in."""
    return [
        Work(segment, version)
        for segment, version in in_force(session, on)
        if version is not None or session.scalar(select(exists().where(*_now(segment.segment_id))))
    ]


def parts(session: Session) -> list[int]:
    """The last member of each part; the last part has no end, so that whoever joins meanwhile lies in it."""
    numbered = select(
        MemberFacts.member_id, func.row_number().over(order_by=MemberFacts.member_id).label("nth")
    ).subquery()
    asked = select(numbered.c.member_id).where(numbered.c.nth % PART == 0).order_by(numbered.c.member_id)
    return [*session.scalars(asked), LAST]


def begin(session: Session, work: Work, on: date, at: datetime) -> SegmentRun:
    """The run to go on with: one of this day and version that was broken off, else a fresh one. LaterDayRefreshed."""
    segment_id, version_id = work.segment.segment_id, work.version.version_id if work.version else None
    mine = select(SegmentRun).where(SegmentRun.segment_id == segment_id)
    latest = session.scalar(select(func.max(SegmentRun.as_of)).where(SegmentRun.segment_id == segment_id))
    if latest is not None and latest > on:
        raise LaterDayRefreshed(segment=work.segment.code, day=str(latest))
    fresh = {
        "version_id": version_id,
        "as_of": on,
        "began_at": at,
        "last_member": 0,
        "came": 0,
        "went": 0,
        "stayed": 0,
    }
    run = session.scalar(mine.where(SegmentRun.ended_at.is_(None)).with_for_update())
    if run is None:
        made: SegmentRun | None = session.scalar(
            insert(SegmentRun)
            .values(segment_id=segment_id, run_id=ids.new_id(), **fresh)
            .on_conflict_do_nothing(index_elements=["segment_id"], index_where=SegmentRun.ended_at.is_(None))
            .returning(SegmentRun)
        )
        if made is None:
            raise StillRunning(retry_after_s=1)
        return made
    if (run.version_id, run.as_of) != (version_id, on):
        # It is counted afresh: of one that was broken off for another day, those who came count as staying.
        for name, value in fresh.items():
            setattr(run, name, value)
        session.flush()
    return run


def step(session: Session, before: SegmentRun, version: SegmentVersion | None, upto: int) -> SegmentRun:
    """Refresh the members after the run's last one up to another; commit after each. The run as it is then.

    StillRunning: another process has done this part, or is doing it.
    """
    key = before.segment_id, before.run_id
    run = session.get(SegmentRun, key, populate_existing=True, with_for_update=True)
    if run is None or run.ended_at is not None or run.last_member != before.last_member:
        raise StillRunning(retry_after_s=1)
    # The same statement means other parts and other rules: a plan that fits all of them would fit none.
    session.execute(text("set local plan_cache_mode = force_custom_plan"))
    found, came, went = tuple(session.execute(_statement(run, version, upto)).one())
    run.came, run.went, run.stayed = run.came + came, run.went + went, run.stayed + found - came
    run.last_member, run.ended_at = upto, clock.now() if upto == LAST else None
    session.flush()
    return run


def _statement(run: SegmentRun, version: SegmentVersion | None, upto: int) -> Select[int, int, int]:
    """Who meets the rule is written down, who no longer does is ended: how many meet it, came and went."""
    member, there, span = SegmentMember, aliased(SegmentMember), (run.last_member, upto)
    wanted = (
        select(MemberFacts.member_id)
        .where(_rule(version, run.as_of, span))
        .cte("wanted")
        .prefix_with("materialized", dialect="postgresql")
    )
    is_there = exists().where(
        *_now(run.segment_id, there),
        *rules.in_span(there.member_id, span),
        there.member_id == wanted.c.member_id,
    )
    new = select(wanted.c.member_id, literal(run.segment_id), literal(run.began_at)).where(~is_there)
    came = insert(member).from_select(["member_id", "segment_id", "since"], new)
    went = (
        update(member)
        .where(
            *_now(run.segment_id),
            *rules.in_span(member.member_id, span),
            ~exists().where(wanted.c.member_id == member.member_id),
        )
        .values(until=run.began_at)
    )
    gone = went.returning(member.member_id).cte("went")
    return select(_counted(wanted), _counted(came.returning(member.member_id).cte("came")), _counted(gone))


def _counted(rows: CTE) -> ScalarSelect[int]:
    return select(func.count()).select_from(rows).scalar_subquery()


def left(run: SegmentRun, ends: Sequence[int]) -> list[int]:
    """The parts that a run has not done yet."""
    return [end for end in ends if end > run.last_member]


def _rule(version: SegmentVersion | None, on: date, span: tuple[int, int]) -> ColumnElement[bool]:
    return false() if version is None else rules.where(rules.read(version.rule), on, span)


def _now(segment_id: int, member: type[SegmentMember] = SegmentMember) -> tuple[ColumnElement[bool], ...]:
    return member.segment_id == segment_id, member.until.is_(None)
