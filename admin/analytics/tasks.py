"""Runs that were asked for: by a person over HTTP, or for a night; the worker does them, anybody who may can look how far."""

from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from admin.analytics.models import DONE, FAILED, RUNNING, WAITING, AnalysisTask
from base import ids, outbox
from base.approvals.approvals import NO_MEMBER, ForHeadquarters
from base.auth.principals import Principal, Staff
from base.errors import NotFound
from points.models import Programme

RUNS, READS = "retention:run", "retention:read"
TASK = "retention"
GIVEN_UP = timedelta(days=1)
NIGHT = "night"


class TaskUnknown(NotFound):
    """There is no such analysis under way."""

    zh = "没有该分析任务。"


def ask(session: Session, person: Principal, programme: Programme, at: datetime) -> AnalysisTask:
    """Have a programme analysed as it stands; while one is under way, it is that one. ForHeadquarters."""
    if not isinstance(person, Staff) or person.area:
        raise ForHeadquarters()
    session.execute(
        update(AnalysisTask)
        .where(_open(programme.programme_id), AnalysisTask.asked_at < at - GIVEN_UP)
        .values(state=FAILED, reason="given-up", ended_at=at)
    )
    put(session, programme.programme_id, person.actor, at)
    return session.scalars(select(AnalysisTask).where(_open(programme.programme_id))).one()


def put(session: Session, programme_id: int, asked_by: str, at: datetime, night: date | None = None) -> bool:
    """Write down that a run is wanted and promise it; False: one is under way, or the night has had its own."""
    task_id = session.scalar(
        insert(AnalysisTask)
        .values(
            task_id=ids.new_id(), programme_id=programme_id, asked_at=at, asked_by=asked_by,
            night=night, state=WAITING, steps=0, steps_done=0,
        )
        .on_conflict_do_nothing()
        .returning(AnalysisTask.task_id)
    )  # fmt: skip
    if task_id is not None:
        promise(session, task_id)
    return task_id is not None


def promise(session: Session, task_id: int, due_at: datetime | None = None) -> None:
    """Have the worker do it, at once or at a moment."""
    outbox.put(session, NO_MEMBER, TASK, {"task_id": task_id}, due_at=due_at)


def begun(session: Session, task_id: int, at: datetime) -> AnalysisTask | None:
    """The task, now running; None when it has ended already. TaskUnknown."""
    task = by_id(session, task_id)
    if task.ended_at is not None:
        return None
    task.state, task.began_at = RUNNING, task.began_at or at
    return task


def stands(session: Session, task_id: int, done: int, of: int, snapshot: str | None) -> None:
    """How far it is, and with which snapshot it would go on."""
    digest = bytes.fromhex(snapshot) if snapshot else AnalysisTask.snapshot_hash
    session.execute(
        update(AnalysisTask)
        .where(AnalysisTask.task_id == task_id, AnalysisTask.ended_at.is_(None))
        .values(steps_done=min(done, of), steps=of, snapshot_hash=digest)
    )


def end(
    session: Session, task_id: int, at: datetime, *, run_id: int | None = None, reason: str | None = None
) -> None:
    """It is done with a run, or there is none for a reason; once ended it stays as it is."""
    session.execute(
        update(AnalysisTask)
        .where(AnalysisTask.task_id == task_id, AnalysisTask.ended_at.is_(None))
        .values(state=FAILED if run_id is None else DONE, run_id=run_id, reason=reason, ended_at=at)
    )


def by_id(session: Session, task_id: int) -> AnalysisTask:
    """One task; TaskUnknown."""
    found = session.get(AnalysisTask, task_id, populate_existing=True)
    if found is None:
        raise TaskUnknown()
    return found


def recent(session: Session, programme_id: int, limit: int) -> list[AnalysisTask]:
    """What was asked for last, the newest first."""
    asked = select(AnalysisTask).where(AnalysisTask.programme_id == programme_id)
    return list(session.scalars(asked.order_by(AnalysisTask.task_id.desc()).limit(limit)))


def reference(task_id: int) -> str:
    """The public id of a task."""
    return ids.public("rtk", task_id)


def parse(said: str) -> int:
    """The task of a public id; NotFound when it is none."""
    return ids.parse("rtk", said, parts=1)[0]


def _open(programme_id: int) -> ColumnElement[bool]:
    return (AnalysisTask.programme_id == programme_id) & AnalysisTask.ended_at.is_(None)
