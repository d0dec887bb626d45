"""HTTP: what redemption has to do with staying. Stored runs are read, new ones are asked for; nothing is computed here."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from admin.analytics import runs, tasks
from admin.analytics.schemas import (
    RetentionQuery,
    RetentionRunRequest,
    RetentionRunsQuery,
    RetentionRunsView,
    RetentionTaskView,
    RetentionView,
    RetentionWholeRunView,
    run_view,
    task_view,
    whole_run_view,
)
from base import clock, database, pages
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.auth.principals import Service
from base.errors import NotFound
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from points import programmes
from points.models import Programme
from points.programmes import ProgrammeUnknown

blueprint = Blueprint("retention", __name__, description="Redemption and retention")


class NoRunYet(NotFound):
    """No analysis was run for this programme yet."""

    zh = "该积分计划还没有分析结果。"
    next_en, next_zh = "Run: jifen retention", "请运行：jifen retention"


@blueprint.route("/retention")
@blueprint.arguments(RetentionQuery, location="query")
@blueprint.response(200, RetentionView)
@needs(tasks.READS)
def retention(query: dict[str, Any]) -> dict[str, Any]:
    """Raw gap, its caution, and the description with redemption as a time-varying exposure. Nothing is computed here."""
    with database.begin() as session:
        programme = _own(session, query["programme"])
        run = runs.latest(session, programme.programme_id)
    if run is None:
        raise NoRunYet()
    return {"programme": programme.code, "at": run.at, "report": run.report}


@blueprint.route("/retention/runs", methods=["POST"])
@blueprint.arguments(RetentionRunRequest)
@blueprint.response(202, RetentionTaskView)
@blueprint.doc(**IDEMPOTENT)
@needs(tasks.RUNS)
def ask(asked: dict[str, Any]) -> Response:
    """Have a programme analysed as it stands; the worker does it, `place` says how far it is. Needs Idempotency-Key."""
    with database.begin() as session:
        programme = _own(session, asked["programme"])
        return answer_once(
            session,
            NO_MEMBER,
            asked,
            lambda: (202, task_view(tasks.ask(session, current(), programme, clock.now()), programme.code)),
        )


@blueprint.route("/retention/tasks/<task>")
@blueprint.response(200, RetentionTaskView)
@needs(tasks.READS)
def under_way(task: str) -> dict[str, Any]:
    """A run that was asked for: how far it is, and the stored run once it is done."""
    with database.begin() as session:
        found = tasks.by_id(session, tasks.parse(task))
        programme = programmes.by_id(session, found.programme_id)
        _refuse_stranger(programme, tasks.TaskUnknown)
        return task_view(found, programme.code)


@blueprint.route("/retention/runs")
@blueprint.arguments(RetentionRunsQuery, location="query")
@blueprint.response(200, RetentionRunsView)
@needs(tasks.READS)
def list_runs(query: dict[str, Any]) -> dict[str, Any]:
    """Stored runs of a programme without their reports, the newest first."""
    limit = query["limit"]
    with database.begin() as session:
        programme = _own(session, query["programme"])
        key = f"retention-runs:{programme.programme_id}:{config().secret_key}"
        place = pages.position(key, query["cursor"])
        found = runs.listed(
            session, programme.programme_id, before=int(place[0]) if place else None, limit=limit + 1
        )
        more = len(found) > limit
        return {
            "data": [run_view(run) for run in found[:limit]],
            "has_more": more,
            "next_cursor": pages.cursor(key, found[limit - 1].run_id) if more else None,
        }


@blueprint.route("/retention/runs/<run>")
@blueprint.response(200, RetentionWholeRunView)
@needs(tasks.READS)
def one(run: str) -> dict[str, Any]:
    """A stored run with its protocol and its whole report."""
    with database.begin() as session:
        found = runs.by_id(session, runs.parse(run))
        _refuse_stranger(programmes.by_id(session, found.programme_id), runs.RunUnknown)
        return whole_run_view(found)


def _own(session: Session, code: str) -> Programme:
    """A programme by its code, for a system its own alone; ProgrammeUnknown."""
    programme = programmes.by_code(session, code)
    caller = current()
    if isinstance(caller, Service) and caller.programme_id != programme.programme_id:
        raise ProgrammeUnknown(programme=programme.code)
    return programme


def _refuse_stranger(programme: Programme, refusal: type[NotFound]) -> None:
    caller = current()
    if isinstance(caller, Service) and caller.programme_id != programme.programme_id:
        raise refusal()
