"""HTTP: files of rows, tried before they are taken in, and the jobs that do it; the same rules as behind the pages."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Response, request, stream_with_context
from sqlalchemy.orm import Session

from admin.intake import intake as files
from admin.intake import parts, tasks
from admin.intake.intake import CONFIRMS, READS, SENDS
from admin.intake.models import COMMIT, DONE, ERRORS, TRY, UNDO, IntakeJob
from admin.intake.schemas import ImportQuery, ImportView, JobView
from base import clock, database
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.errors import Problem, field_errors
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from base.http.uploads import takes_files
from points import programmes

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string", "format": "binary", "maxLength": files.MOST_BYTES}}
        },
    }
}

blueprint = Blueprint("imports", __name__, description="Files of rows, and the jobs that take them in")


@blueprint.route("/imports", methods=["POST"])
@blueprint.arguments(ImportQuery, location="query")
@blueprint.response(202, JobView)
@blueprint.doc(**BODY, **IDEMPOTENT)
@needs(SENDS)
@takes_files(files.MOST_BYTES)
def send(query: dict[str, Any]) -> Response:
    """Keep a file, whose bytes are the body, and have a dry run of it; look at the job until it is done. Needs Idempotency-Key."""
    names = _names(query["columns"])
    intake_id = files.receive(
        config(), current(), query["programme"], query["kind"], query["name"], request.stream
    )
    try:
        with database.begin() as session:
            intake = files.one(session, current(), intake_id)
            assert intake.sha256 is not None
            answer = answer_once(
                session,
                NO_MEMBER,
                query | {"sha256": intake.sha256.hex()},
                lambda: (202, _tried(session, intake_id, names)),
            )
    except Problem:
        files.drop(intake_id)
        raise
    if answer.headers.get("Idempotency-Replayed"):
        files.drop(intake_id)  # it is there already
    return _with_place(answer)


@blueprint.route("/imports/<said>")
@blueprint.response(200, ImportView)
@needs(READS)
def one(said: str) -> dict[str, Any]:
    """A file, its last job, and what a dry run or the taking in of it found."""
    with database.begin() as session:
        intake = files.one(session, current(), files.parse(said))
        job = tasks.latest(session, intake.intake_id)
        told = tasks.told(config(), job) if job and job.state == DONE else None
        assert intake.sha256 is not None
        return {
            "id": said,
            "programme": programmes.by_id(session, intake.programme_id).code,
            "kind": intake.kind,
            "name": intake.name,
            "rows": intake.lines,
            "sha256": intake.sha256.hex(),
            "sent_at": intake.sent_at.isoformat(),
            "columns": intake.names or {},
            "job": _view(session, job) if job else None,
            "report": _report(told) if told else None,
        }


@blueprint.route("/imports/<said>/commit", methods=["POST"])
@blueprint.response(202, JobView)
@blueprint.doc(**IDEMPOTENT)
@needs(SENDS)
def commit(said: str) -> Response:
    """Take a file in that was tried; refused where the data have moved since. Needs Idempotency-Key."""
    return _asked(said, COMMIT)


@blueprint.route("/imports/<said>/confirm", methods=["POST"])
@blueprint.response(202, JobView)
@blueprint.doc(**IDEMPOTENT)
@needs(CONFIRMS)
def confirm(said: str) -> Response:
    """The same by another person than the sender, of a file that brings points. Needs Idempotency-Key."""
    return _asked(said, COMMIT)


@blueprint.route("/imports/<said>/undo", methods=["POST"])
@blueprint.response(202, JobView)
@blueprint.doc(**IDEMPOTENT)
@needs(CONFIRMS)
def undo(said: str) -> Response:
    """Take a file of bill lines back, by another person than the sender, as long as none of its rows was touched since: all
    of it or nothing. Needs Idempotency-Key.
    """
    return _asked(said, UNDO)


@blueprint.route("/imports/<said>/errors")
@blueprint.response(200, content_type="text/csv")
@needs(SENDS)
def errors(said: str) -> Response:
    """The refused rows as CSV: the input and two columns, `line` and `error`."""
    with database.begin() as session:
        intake = files.with_errors(session, current(), files.parse(said))
    rows = parts.read(config(), intake.intake_id, ERRORS)
    return Response(stream_with_context(rows), mimetype="text/csv; charset=utf-8")


@blueprint.route("/jobs/<said>")
@blueprint.response(200, JobView)
@needs(READS)
def job(said: str) -> dict[str, Any]:
    """A job: how far it is, how long it will take yet, and where to find what came of it."""
    with database.begin() as session:
        return _view(session, tasks.by_id(session, current(), tasks.parse(said)))


@blueprint.route("/jobs/<said>/cancel", methods=["POST"])
@blueprint.response(200, JobView)
@blueprint.doc(**IDEMPOTENT)
@needs(READS)
def cancel(said: str) -> Response:
    """End a job between two of its parts; what it did stays, and another commit does the rest. Needs Idempotency-Key."""
    with database.begin() as session:
        return answer_once(
            session,
            NO_MEMBER,
            {},
            lambda: (
                200,
                _view(session, tasks.cancel(session, current(), tasks.parse(said), clock.now())),
            ),
        )


def _asked(said: str, deed: str) -> Response:
    number = files.parse(said)
    with database.begin() as session:
        answer = answer_once(
            session,
            NO_MEMBER,
            {},
            lambda: (202, _view(session, tasks.ask(session, current(), number, deed, clock.now()))),
        )
    return _with_place(answer)


def _tried(session: Session, intake_id: int, names: Mapping[str, str] | None) -> dict[str, Any]:
    at, person = clock.now(), current()
    if names is None:
        names, _ = files.proposed_names(session, person, files.one(session, person, intake_id))
    files.mapped(session, person, intake_id, names, at)
    return _view(session, tasks.ask(session, person, intake_id, TRY, at))


def _names(said: str | None) -> dict[str, str] | None:
    """The mapping that was sent; field errors where it is no object of texts."""
    if said is None:
        return None
    try:
        found = json.loads(said)
    except (RecursionError, ValueError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(column, str) for column in found.values()):
        raise field_errors({"columns": "must be a JSON object of texts"})
    return found


def _with_place(answer: Response) -> Response:
    answer.headers["Location"] = f"/v1/jobs/{answer.get_json()['id']}"
    return answer


def _view(session: Session, job: IntakeJob) -> dict[str, Any]:
    intake = files.one(session, current(), job.intake_id)
    public_id = files.reference(job.intake_id)
    refused = bool((job.counts or {}).get("refused"))
    warnings = {
        "rows-refused": refused,
        "same-file-taken-in-before": bool(files.taken_in_before(session, intake)),
    }
    return {
        "id": tasks.reference(job.job_id),
        "what": job.deed,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "eta_seconds": job.seconds_left if job.ended_at is None else None,
        "rows_per_second": job.per_second,
        "warnings": [name for name, holds in warnings.items() if holds],
        "problem": job.reason,
        "result_url": f"/v1/imports/{public_id}",
        "error_file_url": f"/v1/imports/{public_id}/errors" if refused and job.state == DONE else None,
        "asked_at": job.asked_at.isoformat(),
        "ended_at": job.ended_at.isoformat() if job.ended_at else None,
    }


def _report(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "read": told["read"],
        "new": told["posted"] - told["changed"],
        "changed": told["changed"],
        "same": told["already_there"],
        "bad": told["refused"],
        "differences": told["differences"],
        "errors": told["errors"],
        "control_totals": {"points": told["points"], **told["sums"]},
    }
