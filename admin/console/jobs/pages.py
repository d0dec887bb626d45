"""Background work: long jobs with their bars, what waits or runs in the queue, what failed and can be tried again."""

import re
import uuid
from typing import Any

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.analytics import tasks as analyses
from admin.analytics.models import AnalysisTask
from admin.console.http import once, page
from admin.console.intake import words as import_words
from admin.console.words import JOB_STATES
from admin.intake import intake, tasks
from admin.replay import asking, runs
from admin.replay.models import ReplayRun
from base import audit, clock, database, jobs
from base.auth.guard import current, needs
from base.errors import Conflict
from base.web.i18n import gettext as _

RETRIES = "jobs:retry"
SHOWN = 20

blueprint = Blueprint("jobs", __name__)


class JobNotFailed(Conflict):
    """No failed job has this number: it was tried again already, or is done."""

    zh = "没有该编号的失败任务：可能已重试，或已完成。"
    next_en, next_zh = "Load the list of jobs again.", "请刷新任务列表。"


@blueprint.route("/jobs")
@needs("console")
def listed() -> ResponseReturnValue:
    """What waits, runs or failed in the background."""
    with database.begin() as session:
        promised = jobs.waiting(session)
        counts = jobs.counts(session)
        failed = jobs.failed(session)
        long = [*_imports(session), *_analyses(session), *_replays(session)]
    return page(
        "console/jobs.html",
        promised=promised,
        counts=counts,
        failed=failed,
        long=long,
        states=JOB_STATES,
        retries=RETRIES in current().permissions,
        fresh=lambda: str(uuid.uuid4()),
        at=clock.now(),
    )


@blueprint.route("/jobs/<said>/retry", methods=["POST"])
@needs(RETRIES)
def retry(said: str) -> ResponseReturnValue:
    """Try a failed job once more; every task is safe to run twice."""
    number = int(said) if re.fullmatch("[0-9]{1,18}", said, re.ASCII) else 0

    def effect(session: Session) -> str:
        task = jobs.again(session, number)
        if task is None:
            raise JobNotFailed(job=number)
        audit.write(session, current().actor, "job.retried", f"job:{number}", task=task)
        return task

    once(effect)
    return redirect("/staff/jobs", 303)


def _imports(session: Session) -> list[dict[str, Any]]:
    may = intake.READS in current().permissions
    return [
        {
            "title": _("%(deed)s of a file", deed=import_words.DEEDS[job.deed]),
            "about": import_words.KINDS[file.kind],
            "asked_at": job.asked_at,
            "done": job.done,
            "total": job.total,
            "seconds_left": job.seconds_left,
            "href": f"/staff/imports/{intake.reference(file.intake_id)}" if may else None,
        }
        for job, file in tasks.running(session, SHOWN)
    ]


def _analyses(session: Session) -> list[dict[str, Any]]:
    mine = select(AnalysisTask).where(AnalysisTask.ended_at.is_(None)).limit(SHOWN)
    may = analyses.READS in current().permissions
    return [
        {
            "title": _("Redemption and staying"),
            "about": _("analysed each night") if task.night else _("asked for"),
            "asked_at": task.asked_at,
            "done": task.steps_done,
            "total": task.steps,
            "href": "/staff/retention/runs" if may else None,
        }
        for task in session.scalars(mine.order_by(AnalysisTask.task_id.desc()))
    ]


def _replays(session: Session) -> list[dict[str, Any]]:
    mine = select(ReplayRun).where(ReplayRun.ended_at.is_(None)).limit(SHOWN)
    may = asking.READS in current().permissions
    return [
        {
            "title": _("Replay of a proposal"),
            "about": "",
            "asked_at": run.asked_at,
            "done": run.parts_done,
            "total": len(run.ends or ()),
            "href": f"/staff/replays/{runs.reference(run.replay_id)}" if may else None,
        }
        for run in session.scalars(mine.order_by(ReplayRun.replay_id.desc()))
    ]
