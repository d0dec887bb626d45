"""Imports: a file is sent, its columns are mapped, a dry run says what it would bring, then it is taken in.

What happens in the worker is shown by one panel, which asks for itself again and again until there is nothing to wait for;
without a script the page loads itself.
"""

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, redirect, request, stream_with_context
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.console.approvals import pages as approvals
from admin.console.http import PAGE, chosen, cut, page, position
from admin.console.intake import words
from admin.console.sheets import http as sheets
from admin.intake import intake as files
from admin.intake import parts, tasks, totals
from admin.intake.intake import CONFIRMS, READS, SENDS
from admin.intake.kinds import BALANCES, KINDS
from admin.intake.models import COMMIT, DONE, ERRORS, TRY, UNDO, Intake, IntakeJob
from admin.intake.refusals import DataMoved, ImportUnknown, TouchedSince
from admin.staff.models import StaffRow
from base import clock, csv_files, database, idempotency
from base.approvals.approvals import NO_MEMBER, Case
from base.auth.guard import current, needs
from base.errors import Problem, every_problem, field_errors
from base.http.settings import config
from base.http.uploads import takes_files
from base.web.i18n import current_language
from base.web.i18n import gettext as _
from points import programmes
from points.opening import opening

FORM_BYTES = 100_000  # what a form has beside its file

COLUMNS = ("import", "file", "kind", "rows", "sent_at", "sent_by", "deed", "state", "percent")
blueprint = Blueprint("imports", __name__)


@blueprint.route("/imports")
@needs(READS)
def listed() -> ResponseReturnValue:
    """What was sent for a programme, the newest first, and where it stands."""
    place = position("imports")
    with database.begin() as session:
        choice = chosen(session)
        programme = choice["programme"]
        if programme and sheets.is_asked():
            return _file(session, files.recent(session, current(), programme.programme_id, sheets.MOST))
        rows = (
            files.recent(session, current(), programme.programme_id, PAGE + 1, place[0] if place else None)
            if programme
            else []
        )
        shown, after = cut("imports", rows, lambda row: [row.intake_id])
        jobs = tasks.latest_of(session, [row.intake_id for row in shown])
        senders = {row.sent_by: _name(session, row.sent_by) for row in shown}
    return page(
        "console/intake/list.html",
        **choice,
        rows=shown,
        jobs=jobs,
        senders=senders,
        after=after,
        as_file=bool(shown),
        words=words,
        kinds=KINDS,
        reference=files.reference,
        sends=SENDS in current().permissions,
        most_rows=files.MOST_LINES,
        most_mb=files.MOST_BYTES // 1_000_000,
        kept_days=files.KEPT.days,
    )


def _file(session: Session, rows: Sequence[Intake]) -> Response:
    """What was sent and where each stands as a file; nothing that stood in one."""
    jobs = tasks.latest_of(session, [row.intake_id for row in rows])
    senders = {actor: _name(session, actor) for actor in {row.sent_by for row in rows}}
    lines = []
    for row in rows:
        job = jobs.get(row.intake_id)
        stands = (job.deed, job.state, job.percent) if job else (None,) * 3
        sent = (row.sent_at.isoformat(), senders[row.sent_by])
        lines.append((files.reference(row.intake_id), row.name, row.kind, row.lines, *sent, *stands))
    return sheets.of_list(session, "imports", COLUMNS, lines)


@blueprint.route("/imports", methods=["POST"])
@needs(SENDS)
@takes_files(files.MOST_BYTES + FORM_BYTES)
def send() -> ResponseReturnValue:
    """Keep a file; then its columns are to be mapped."""
    file = request.files.get("file")
    if file is None or not file.filename:
        raise field_errors({"file": _("choose a file")})
    intake_id = files.receive(
        config(),
        current(),
        request.form.get("programme", ""),
        request.form.get("kind", ""),
        file.filename,
        file.stream,
    )
    return _to(intake_id)


@blueprint.route("/imports/template/<kind>.csv")
@needs(READS)
def template(kind: str) -> ResponseReturnValue:
    """A file of a kind with nothing but the names of its columns."""
    if kind not in KINDS:
        raise ImportUnknown()
    made = Response(",".join(KINDS[kind].columns) + "\r\n", mimetype="text/csv")
    made.headers["Content-Disposition"] = f'attachment; filename="{kind}.csv"'
    return made


@blueprint.route("/imports/<said>")
@needs(READS)
def one(said: str) -> ResponseReturnValue:
    """A file: its columns, its dry run, its taking in."""
    shown = _shown(said)
    mapping = request.args.get("columns") is not None and shown["may_map"]
    return page("console/intake/one.html", **shown, mapping=mapping or shown["intake"].names is None)


@blueprint.route("/imports/<said>/progress")
@needs(READS)
def progress(said: str) -> ResponseReturnValue:
    """The panel of the file alone, for a page that waits for its job."""
    return page("console/intake/_panel.html", **_shown(said))


@blueprint.route("/imports/<said>/columns", methods=["POST"])
@needs(SENDS)
def columns(said: str) -> ResponseReturnValue:
    """Map the columns, and have a dry run."""
    at, typed = clock.now(), request.form

    def deed(session: Session, intake_id: int) -> IntakeJob:
        heads = files.there(session, current(), intake_id).heads
        names = {head: typed.get(f"column-{place}", "") for place, head in enumerate(heads)}
        files.mapped(session, current(), intake_id, names, at)
        return tasks.ask(session, current(), intake_id, TRY, at)

    return _done(said, deed)


@blueprint.route("/imports/<said>/try", methods=["POST"])
@needs(SENDS)
def try_it(said: str) -> ResponseReturnValue:
    """Another dry run."""
    return _done(said, lambda session, number: tasks.ask(session, current(), number, TRY, clock.now()))


@blueprint.route("/imports/<said>/commit", methods=["POST"])
@needs(SENDS)
def commit(said: str) -> ResponseReturnValue:
    """Take the file in, or go on with what is left of it."""
    return _done(said, lambda session, number: tasks.ask(session, current(), number, COMMIT, clock.now()))


@blueprint.route("/imports/<said>/confirm", methods=["POST"])
@needs(CONFIRMS)
def confirm(said: str) -> ResponseReturnValue:
    """The same by a second person, of a file that brings points."""
    return _done(said, lambda session, number: tasks.ask(session, current(), number, COMMIT, clock.now()))


@blueprint.route("/imports/<said>/undo", methods=["POST"])
@needs(CONFIRMS)
def undo(said: str) -> ResponseReturnValue:
    """Take all of a file back, as long as nobody touched what it brought."""
    return _done(said, lambda session, number: tasks.ask(session, current(), number, UNDO, clock.now()))


@blueprint.route("/imports/<said>/propose", methods=["POST"])
@needs(opening.PROPOSES)
def propose(said: str) -> ResponseReturnValue:
    """Propose the totals of opening balances, and go to the proposal."""
    key, number = idempotency.checked(request.form.get("key")), files.parse(said)
    with database.begin() as session:
        answer = idempotency.once(
            session,
            NO_MEMBER,
            current().actor,
            key,
            {"page": request.path},
            lambda: (
                303,
                totals.propose(session, config(), current(), number, clock.now()).proposal.proposal_id,
            ),
        )
    return redirect(approvals.url_of(opening.KIND, answer.body), 303)


@blueprint.route("/imports/<said>/cancel", methods=["POST"])
@needs(READS)
def cancel(said: str) -> ResponseReturnValue:
    """End the job that is under way; whoever asked for it may, and whoever sends files."""

    def deed(session: Session, intake_id: int) -> IntakeJob:
        return tasks.cancel(session, current(), tasks.parse(request.form.get("job", "")), clock.now())

    return _done(said, deed)


@blueprint.route("/imports/<said>/errors.csv")
@needs(SENDS)
def errors(said: str) -> ResponseReturnValue:
    """The rows that were refused, each with its line and the reason; noted, for rows are about people."""
    with database.begin() as session:
        intake = files.with_errors(session, current(), files.parse(said))
    name = csv_files.ErrorFile.beside(Path(intake.name)).name
    made = Response(
        stream_with_context(parts.read(config(), intake.intake_id, ERRORS)),
        mimetype="text/csv; charset=utf-8",
    )
    made.headers.set("Content-Disposition", "attachment", filename=name)
    return made


def _done(said: str, deed: Callable[[Session, int], IntakeJob]) -> ResponseReturnValue:
    """Do a form's deed once, and come back to the file."""
    key, intake_id = idempotency.checked(request.form.get("key")), files.parse(said)
    form = {name: value for name, value in request.form.items() if name != "csrf_token"}
    with database.begin() as session:
        idempotency.once(
            session,
            NO_MEMBER,
            current().actor,
            key,
            {"page": request.path, "form": form},
            lambda: (303, tasks.reference(deed(session, intake_id).job_id)),
        )
    return _to(intake_id)


def _to(intake_id: int) -> ResponseReturnValue:
    return redirect(f"/staff/imports/{files.reference(intake_id)}", 303)


def _shown(said: str) -> dict[str, Any]:
    """All that the page of a file and its panel say."""
    may = current().permissions
    with database.begin() as session:
        intake = files.one(session, current(), files.parse(said))
        job = tasks.latest(session, intake.intake_id)
        tried = tasks.latest(session, intake.intake_id, TRY)
        names, remembered = files.proposed_names(session, current(), intake)
        case = tasks.proposal(session, tried) if intake.kind == BALANCES and tried else None
        found: dict[str, Any] = {
            "programme": programmes.by_id(session, intake.programme_id),
            "sender": _name(session, intake.sent_by),
            "asker": _name(session, job.asked_by) if job else "",
            "before": files.taken_in_before(session, intake),
            "taken_back": tasks.taken_back(session, intake.intake_id),
            "has_errors": parts.there(session, intake.intake_id, ERRORS),
            "case": case,
            "case_state": case.state(clock.now()) if case else "",
            "differences": _differences(session, case, job),
        }
    kind, told = KINDS[intake.kind], tasks.told(config(), job)
    return found | {
        "intake": intake,
        "kind": kind,
        "public_id": files.reference(intake.intake_id),
        "reference": files.reference,
        "job": job,
        "job_id": tasks.reference(job.job_id) if job else "",
        "tried": tried,
        "told": told,
        "failure": _failure(job.reason, told) if job and job.reason else None,
        "names": names,
        "remembered": remembered,
        "case_href": approvals.url_of(opening.KIND, case.proposal.proposal_id) if case else "",
        "sends": SENDS in may,
        "may_map": SENDS in may
        and intake.posting_at is None
        and intake.emptied_at is None
        and not _open(job),
        "may_take_in": _may_take_in(intake, kind.by_two),
        "proposes": opening.PROPOSES in may,
        "key": str(uuid.uuid4()),
        "words": words,
        "deeds": {"try": TRY, "commit": COMMIT, "undo": UNDO},
        "kept_days": files.KEPT.days,
    }


def _differences(session: Session, case: Case | None, job: IntakeJob | None) -> list[str]:
    """Where opening balances that were posted are not what was approved."""
    if case is None or job is None or (job.deed, job.state) != (COMMIT, DONE):
        return []
    return opening.differences(case.proposal.said, opening.posted(session, case.proposal.proposal_id))


def _failure(reason: str, told: dict[str, Any]) -> dict[str, Any]:
    """Why a job did not come to its end, in the reader's language."""
    kind, language = (
        next((k for k in every_problem() if k.type_name() == reason), Problem),
        current_language(),
    )
    return {
        "title": kind.title(language),
        "next": kind.next_step(language),
        "detail": told.get("detail", ""),
        "moved": _moved(kind, told.get("facts", {})),
    }


def _moved(kind: type[Problem], facts: dict[str, str]) -> dict[str, str]:
    if kind is TouchedSince:
        return words.touched(facts)
    return facts if kind is DataMoved else {}


def _may_take_in(intake: Intake, by_two: bool) -> bool:
    """Whether this person's button takes such a file in."""
    if by_two:
        return CONFIRMS in current().permissions and intake.sent_by != current().actor
    return SENDS in current().permissions


def _open(job: IntakeJob | None) -> bool:
    return job is not None and job.ended_at is None


def _name(session: Session, actor: str) -> str:
    """Who stands behind an actor of the staff."""
    number = actor.partition(":")[2]
    row = session.get(StaffRow, int(number)) if actor.startswith("staff:") and number.isdigit() else None
    return row.name if row else actor
