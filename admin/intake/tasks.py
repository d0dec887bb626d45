"""Dry runs and takings in of a file: asked for by a person, done by the worker, seen by whoever may, ended early by a click."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from admin.intake import intake as files
from admin.intake.kinds import BALANCES, BILLS, KINDS, MEMBERS, TotalsNotApproved
from admin.intake.models import (
    CANCELLED,
    COMMIT,
    DONE,
    RUNNING,
    TRY,
    UNDO,
    WAITING,
    Intake,
    IntakeJob,
)
from admin.intake.refusals import (
    ColumnsNotMapped,
    JobEnded,
    JobUnderWay,
    JobUnknown,
    NothingToTakeIn,
    NotTakenBack,
    RowsOfOthers,
    SecondPersonNeeded,
    TakenBack,
    TriedFirst,
)
from base import audit, ids, outbox, seals
from base.approvals.approvals import NO_MEMBER, Case
from base.approvals.models import APPROVED
from base.auth.principals import Principal
from base.config import Config
from base.errors import NotAllowed
from base.halts import halts
from points import programmes
from points.models import ImportRun
from points.opening import opening

TASK = "intake"
GIVEN_UP = timedelta(minutes=10)
CHECKING, POSTING, TRYING, READING, BACK = "checking", "posting", "trying", "reading", "back"
STOPPED_WITH = {MEMBERS: halts.ENROL, BILLS: halts.EARN}
Told = dict[str, Any]


def ask(session: Session, person: Principal, intake_id: int, deed: str, at: datetime) -> IntakeJob:
    """Have a file tried, taken in after it was tried, or taken back after that; the worker does it.

    EnrolmentStopped, EarningStopped, ColumnsNotMapped, TriedFirst, NothingToTakeIn, SecondPersonNeeded, TotalsNotApproved,
    NotTakenBack, RowsOfOthers, TakenBack, JobUnderWay, FileNotThere.
    """
    intake = files.there(session, person, intake_id, lock=True)
    programmes.open_one(session, intake.programme_id)
    if intake.names is None:
        raise ColumnsNotMapped(missing=list(KINDS[intake.kind].required))
    if deed == COMMIT:
        if intake.kind in STOPPED_WITH:
            halts.check(session, STOPPED_WITH[intake.kind], intake.programme_id)
        _may_be_taken_in(session, person, intake, at)
    if deed == UNDO:
        _may_be_taken_back(session, person, intake)
    job_id = session.scalar(
        insert(IntakeJob)
        .values(
            job_id=ids.new_id(), intake_id=intake_id, deed=deed, asked_at=at, asked_by=person.actor,
            state=WAITING, total=intake.lines,
        )
        .on_conflict_do_nothing()
        .returning(IntakeJob.job_id)
    )  # fmt: skip
    if job_id is None:
        raise JobUnderWay()
    audit.write(session, person.actor, f"import.{deed}", files.reference(intake_id), kind=intake.kind)
    promise(session, job_id)
    return session.get_one(IntakeJob, job_id)


def _may_be_taken_in(session: Session, person: Principal, intake: Intake, at: datetime) -> None:
    tried = latest(session, intake.intake_id, TRY)
    if tried is None or tried.state != DONE or intake.mapped_at is None or tried.asked_at < intake.mapped_at:
        raise TriedFirst()
    if intake.posting_at is None and not (tried.counts or {}).get("posted"):
        raise NothingToTakeIn()
    if taken_back(session, intake.intake_id):
        raise TakenBack()
    _by_whom(person, intake)
    if intake.kind == BALANCES:
        found = proposal(session, tried)
        if found is None or found.state(at) != APPROVED:
            raise TotalsNotApproved(file=intake.name)


def _may_be_taken_back(session: Session, person: Principal, intake: Intake) -> None:
    """As long as the file is kept, all that it brought is its own, and it was not done before."""
    if KINDS[intake.kind].back is None or intake.posting_at is None:
        raise NotTakenBack()
    if taken_back(session, intake.intake_id):
        raise TakenBack()
    if logged(session, intake, KINDS[intake.kind].named, first=True).get("already_there", 1):
        raise RowsOfOthers()
    _by_whom(person, intake)


def _by_whom(person: Principal, intake: Intake) -> None:
    if not KINDS[intake.kind].by_two:
        if files.SENDS not in person.permissions:
            raise NotAllowed(needs=files.SENDS)
    elif files.CONFIRMS not in person.permissions or person.actor == intake.sent_by:
        raise SecondPersonNeeded()


def taken_back(session: Session, intake_id: int) -> bool:
    """Whether the file was taken back whole."""
    last = latest(session, intake_id, UNDO)
    return last is not None and last.state == DONE


def logged(session: Session, intake: Intake, run: str, *, first: bool = False) -> dict[str, Any]:
    """The counts of the last (or first) run of a name over the file, as it was last tried; empty where there is none."""
    began = (ImportRun.began_at, ImportRun.import_id)
    tried = latest(session, intake.intake_id, TRY)
    sha256 = (tried.counts or {}).get("sha256") if tried else None
    found = session.scalar(
        select(ImportRun.counts)
        .where(
            ImportRun.programme_id == intake.programme_id,
            ImportRun.kind == run,
            ImportRun.file_hash == bytes.fromhex(sha256 or ""),
        )
        .order_by(*(began if first else [one.desc() for one in began]))
        .limit(1)
    )
    return found or {}


def proposal(session: Session, tried: IntakeJob) -> Case | None:
    """The latest proposal of the totals that a dry run of opening balances found."""
    sha256 = (tried.counts or {}).get("sha256")
    return next((one for one in opening.every(session) if one.proposal.said["sha256"] == sha256), None)


def promise(session: Session, job_id: int, due_at: datetime | None = None) -> None:
    """Have the worker do it, at once or at a moment."""
    outbox.put(session, NO_MEMBER, TASK, {"job_id": job_id}, due_at=due_at)


def cancel(session: Session, person: Principal, job_id: int, at: datetime) -> IntakeJob:
    """End a job between two of its parts, or at once where no worker is at it; what it did stays. JobEnded.

    Whoever asked for it may, and whoever may send files; NotAllowed.
    """
    job = by_id(session, person, job_id)
    alone = or_(
        IntakeJob.state == WAITING, func.coalesce(IntakeJob.stands_at, IntakeJob.asked_at) < at - GIVEN_UP
    )
    if files.SENDS not in person.permissions and job.asked_by != person.actor:
        raise NotAllowed(needs=files.SENDS)
    asked = session.scalar(
        update(IntakeJob)
        .where(IntakeJob.job_id == job_id, IntakeJob.ended_at.is_(None))
        .values(
            cancelled_at=func.coalesce(IntakeJob.cancelled_at, at),
            state=case((alone, CANCELLED), else_=IntakeJob.state),
            ended_at=case((alone, at), else_=None),
        )
        .returning(IntakeJob.job_id)
    )
    if asked is None:
        raise JobEnded()
    audit.write(session, person.actor, "import.cancelled", files.reference(job.intake_id), deed=job.deed)
    return by_id(session, person, job_id)


def begun(session: Session, job_id: int, at: datetime) -> IntakeJob | None:
    """The job, now running; None when it has ended already."""
    return session.scalar(
        update(IntakeJob)
        .where(_open(job_id))
        .values(
            state=RUNNING,
            began_at=func.coalesce(IntakeJob.began_at, at),
            phase=READING,
            done=0,
            from_at=None,
            from_done=0,
            stands_at=at,
        )
        .returning(IntakeJob)
        .execution_options(populate_existing=True)
    )


def stands(session: Session, job_id: int, phase: str, done: int, total: int, at: datetime) -> bool:
    """How far it is; False: somebody wants it to end."""
    row = session.execute(
        update(IntakeJob)
        .where(_open(job_id))
        .values(
            phase=phase,
            done=done,
            total=total,
            from_done=case((IntakeJob.from_at.is_(None), done), else_=IntakeJob.from_done),
            from_at=func.coalesce(IntakeJob.from_at, at),
            stands_at=at,
        )
        .returning(IntakeJob.cancelled_at)
    ).one_or_none()
    return row is not None and row.cancelled_at is None


def posting(session: Session, intake_id: int, at: datetime) -> None:
    """From here on rows of the file may be in."""
    session.execute(
        update(Intake)
        .where(Intake.intake_id == intake_id)
        .values(posting_at=func.coalesce(Intake.posting_at, at))
    )


def end(
    session: Session,
    config: Config,
    job_id: int,
    state: str,
    at: datetime,
    *,
    counts: Mapping[str, Any] | None = None,
    told: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """It is done, failed for a reason, or was cancelled; once ended it stays as it is."""
    sealed = (
        seals.seal(config.seal_key, json.dumps(told, ensure_ascii=False), _bound(job_id)) if told else None
    )
    session.execute(
        update(IntakeJob)
        .where(_open(job_id))
        .values(
            state=state,
            ended_at=at,
            done=IntakeJob.total if state == DONE else IntakeJob.done,
            counts=counts,
            told=sealed,
            reason=reason,
        )
    )


def told(config: Config, job: IntakeJob | None) -> Told:
    """The whole report of a job that is done; of one that failed what was said; empty before."""
    if job is None or job.told is None:
        return {}
    found: Told = json.loads(seals.opened(config.seal_key, job.told, _bound(job.job_id)))
    return found


def by_id(session: Session, person: Principal, job_id: int) -> IntakeJob:
    """One job; JobUnknown, ForHeadquarters."""
    files.for_all_areas(person)
    found = session.get(IntakeJob, job_id, populate_existing=True)
    if found is None:
        raise JobUnknown()
    return found


def latest(session: Session, intake_id: int, deed: str | None = None) -> IntakeJob | None:
    """The last job of a file, or its last of one sort."""
    mine = select(IntakeJob).where(IntakeJob.intake_id == intake_id)
    if deed is not None:
        mine = mine.where(IntakeJob.deed == deed)
    return session.scalar(mine.order_by(IntakeJob.job_id.desc()).limit(1))


def latest_of(session: Session, intake_ids: list[int]) -> dict[int, IntakeJob]:
    """The last job of each file that has one."""
    last = (
        select(func.max(IntakeJob.job_id))
        .where(IntakeJob.intake_id.in_(intake_ids))
        .group_by(IntakeJob.intake_id)
    )
    rows = session.scalars(select(IntakeJob).where(IntakeJob.job_id.in_(last)))
    return {row.intake_id: row for row in rows}


def running(session: Session, limit: int = 20) -> list[tuple[IntakeJob, Intake]]:
    """Jobs that wait or run, with their files, the newest first."""
    rows = session.execute(
        select(IntakeJob, Intake)
        .join(Intake, Intake.intake_id == IntakeJob.intake_id)
        .where(IntakeJob.ended_at.is_(None))
        .order_by(IntakeJob.job_id.desc())
        .limit(limit)
    )
    return [(job, intake) for job, intake in rows]


def reference(job_id: int) -> str:
    """The public id of a job."""
    return ids.public("job", job_id)


def parse(said: str) -> int:
    """The job of a public id; JobUnknown when it is none."""
    return ids.parse("job", said, parts=1, unknown=JobUnknown)[0]


def _open(job_id: int) -> ColumnElement[bool]:
    return (IntakeJob.job_id == job_id) & IntakeJob.ended_at.is_(None)


def _bound(job_id: int) -> str:
    return f"intake-job:{job_id}"
