"""JSON of the retention report, of stored runs and of what was asked for."""

from typing import Any

import marshmallow as ma

from admin.analytics import runs, tasks
from admin.analytics.models import AnalysisRun, AnalysisTask
from base.http.api import QueryNumber, Request, Text, View


class RetentionQuery(Request):
    """Which programme."""

    programme = Text(required=True, most=40, metadata={"description": "the programme's code"})


class RetentionView(View):
    """The newest stored run: raw gap and its caution beside the description over time."""

    programme = ma.fields.String()
    at = ma.fields.AwareDateTime()
    report = ma.fields.Dict()


class RetentionRunRequest(RetentionQuery):
    """Which programme is to be analysed as it stands."""


class RetentionTaskView(View):
    """A run that was asked for, and how far it is."""

    id = ma.fields.String()
    programme = ma.fields.String()
    state = ma.fields.String(metadata={"description": "waiting, running, done, failed"})
    progress_percent = ma.fields.Integer()
    asked_at = ma.fields.String()
    ended_at = ma.fields.String(allow_none=True)
    place = ma.fields.String(metadata={"description": "where to ask how far it is"})
    run = ma.fields.String(allow_none=True, metadata={"description": "the stored run, once it is done"})
    reason = ma.fields.String(
        allow_none=True, metadata={"description": "why there is none: a problem's type"}
    )


class RetentionRunsQuery(RetentionQuery):
    """Of which programme, and from where on."""

    limit = QueryNumber(least=1, most=100, load_default=20)
    cursor = ma.fields.String(load_default=None)


class RetentionRunView(View):
    """A stored run without its report."""

    id = ma.fields.String()
    at = ma.fields.String()
    as_of = ma.fields.String(allow_none=True, metadata={"description": "the moment of the snapshot"})
    code_version = ma.fields.String()
    input_sha256 = ma.fields.String()
    protocol_sha256 = ma.fields.String()
    seed = ma.fields.Integer()
    verdict = ma.fields.String(allow_none=True)
    refusals = ma.fields.List(ma.fields.Dict(), metadata={"description": "blocks without a number, and why"})


class RetentionRunsView(View):
    """Stored runs, the newest first."""

    data = ma.fields.List(ma.fields.Nested(RetentionRunView))
    has_more = ma.fields.Boolean()
    next_cursor = ma.fields.String(allow_none=True)


class RetentionWholeRunView(RetentionRunView):
    """A stored run with its protocol and its report."""

    protocol = ma.fields.Dict()
    report = ma.fields.Dict()


def task_view(task: AnalysisTask, programme: str) -> dict[str, Any]:
    """A task as RetentionTaskView: plain JSON, for it is stored with the idempotency key."""
    name = tasks.reference(task.task_id)
    return {
        "id": name,
        "programme": programme,
        "state": task.state,
        "progress_percent": task.progress_percent,
        "asked_at": task.asked_at.isoformat(),
        "ended_at": task.ended_at.isoformat() if task.ended_at else None,
        "place": f"/v1/retention/tasks/{name}",
        "run": runs.reference(task.run_id) if task.run_id else None,
        "reason": task.reason,
    }


def run_view(run: AnalysisRun) -> dict[str, Any]:
    """A run as RetentionRunView."""
    return {
        "id": runs.reference(run.run_id),
        "at": run.at.isoformat(),
        "as_of": run.snapshot_at.isoformat() if run.snapshot_at else None,
        "code_version": run.code_version,
        "input_sha256": run.input_hash.hex(),
        "protocol_sha256": run.protocol_hash.hex(),
        "seed": run.seed,
        "verdict": run.report.get("verdict", {}).get("code"),
        "refusals": run.refusals,
    }


def whole_run_view(run: AnalysisRun) -> dict[str, Any]:
    """A run as RetentionWholeRunView."""
    return run_view(run) | {"protocol": run.protocol, "report": run.report}
