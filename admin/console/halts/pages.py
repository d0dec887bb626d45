"""What is stopped, the form that stops more at once, the form that proposes to let it go on, and the last proof of the books."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, make_response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.console.http import PAGE, cut, once, page, position
from admin.console.sheets import http as sheets
from admin.console.words import HALTED
from admin.halts import resuming
from admin.staff.models import StaffRow
from base import clock, database
from base.approvals import approvals
from base.auth.guard import current, needs
from base.errors import Problem
from base.halts import halts
from base.halts.halts import BadHalt
from base.halts.models import Halt
from base.http.problems import body_of, status_of
from base.proving import proving
from points import programmes

COLUMNS = ("halt", "action", "programme", "reason", "began_at", "begun_by", "ended_at", "approval")
blueprint = Blueprint("halts", __name__)


@blueprint.route("/halts")
@needs(resuming.READS)
def listed() -> ResponseReturnValue:
    """What is and was stopped."""
    return _file() if sheets.is_asked() else _page()


@blueprint.route("/halts", methods=["POST"])
@needs(resuming.STOPS)
def stop() -> ResponseReturnValue:
    """Stop it, from the next one on."""
    typed = {name: request.form.get(name, "").strip() for name in ("action", "programme", "reason")}

    def effect(session: Session) -> str:
        made = resuming.stop(
            session, current(), typed["action"], typed["programme"] or None, typed["reason"], clock.now()
        )
        return halts.reference(made)

    once(effect)
    return redirect("/staff/halts", 303)


@blueprint.route("/halts/<halt>/resume", methods=["POST"])
@needs(resuming.PROPOSES)
def propose(halt: str) -> ResponseReturnValue:
    """Propose that it goes on; to the page of the proposal."""
    reason = request.form.get("reason", "").strip()

    def effect(session: Session) -> str:
        case = resuming.propose(session, current(), halts.parse(halt), reason, clock.now())
        return approvals.reference(case.proposal.proposal_id)

    return redirect(f"/staff/resumptions/{once(effect)}", 303)


@blueprint.errorhandler(BadHalt)
def again(problem: Problem) -> Response:
    """The page with what is wrong."""
    status = status_of(type(problem))
    return make_response(_page(body_of(problem, status)), status)


def _page(problem: dict[str, Any] | None = None) -> str:
    place, may = position("halts"), current().permissions
    with database.begin() as session:
        before = int(place[0]) if place else None
        found = halts.listed(session, before=before, limit=PAGE + 1)
        rows, after = cut("halts", found, lambda row: [row.halt_id])
        codes = {row.programme_id: resuming.code_of(session, row) for row in rows}
        names = _names(session, rows)
        every = [one.code for one in programmes.every(session)]
        last = proving.latest(session)
        missing = proving.is_missing(session, clock.now())
    return page(
        "console/halts.html",
        rows=rows,
        after=after,
        codes=codes,
        names=names,
        reference=halts.reference,
        actions=list(HALTED.items()),
        words=HALTED,
        every=[(code, code) for code in every],
        may_stop=resuming.STOPS in may,
        may_propose=resuming.PROPOSES in may,
        problem=problem,
        last=last,
        missing=missing,
        as_file=bool(rows),
        most=halts.MOST_REASON,
        fresh=lambda: str(uuid4()),
    )


def _file() -> Response:
    """All stops as a file, each with who began it: a person, or the hourly proof."""
    with database.begin() as session:
        rows = halts.listed(session, limit=sheets.MOST)
        names = _names(session, rows)
        lines = [
            (
                halts.reference(row), row.action, resuming.code_of(session, row), row.reason, row.began_at.isoformat(),
                names.get(row.begun_by, row.begun_by), row.ended_at.isoformat() if row.ended_at else None, row.approval,
            )
            for row in rows
        ]  # fmt: skip
        return sheets.of_list(session, "stops", COLUMNS, lines)


def _names(session: Session, rows: Sequence[Halt]) -> dict[str, str]:
    """Actor -> what the person who stopped it is called."""
    persons = [int(row.begun_by.removeprefix("staff:")) for row in rows if row.begun_by.startswith("staff:")]
    asked = select(StaffRow.staff_id, StaffRow.name).where(StaffRow.staff_id.in_(persons))
    return {f"staff:{row.staff_id}": row.name for row in session.execute(asked)}
