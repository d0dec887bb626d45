"""Personal data in clear, once, for a reason and a case; and the log of who looked at whom."""

from collections.abc import Sequence

from flask import Blueprint, Response, make_response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.console import words
from admin.console.http import PAGE, cut, page, position
from admin.console.sheets import http as sheets
from admin.staff.models import StaffRow
from base import clock, database, ids
from base.auth.guard import current, needs
from base.errors import Invalid, Problem, TooMany
from base.http.problems import body_of, status_of
from base.http.settings import config
from base.models import AuditRow
from points.members import members, scope
from points.members.models import Member
from points.people import looking
from points.people.looking import FIELDS, REASONS

COLUMNS = ("at", "who", "what", "customer_id", "fields", "reason", "case")
blueprint = Blueprint("looks", __name__)


@blueprint.route("/members/<member>/reveal")
@needs("members:reveal")
def form(member: str) -> ResponseReturnValue:
    """What to see, why, and for which case."""
    return _form(member)


@blueprint.route("/members/<member>/reveal", methods=["POST"])
@needs("members:reveal")
def reveal(member: str) -> ResponseReturnValue:
    """The values, on this page alone: nothing keeps them, and to load it again is another look."""
    typed = request.form
    with database.begin() as session:
        scope.find(
            session, current(), member
        )  # before the form is: what is wrong with it is shown beside the member
    wanted = looking.Wanted(
        tuple(typed.getlist("fields")), typed.get("reason", ""), typed.get("case", "").strip()
    )
    with looking.telling_of_too_many(current()), database.begin() as session:
        values = looking.reveal(session, config(), current(), member, wanted, clock.now())
    answer = make_response(_form(member, values=values))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.route("/view-log")
@needs("audit:read")
def view_log() -> ResponseReturnValue:
    """Who looked at whom, newest first; of one member, or by one person of the staff."""
    asked, place = request.args.get("member", "").strip(), position("view-log")
    person = request.args.get("person", "").strip()
    with database.begin() as session:
        member_id = scope.find(session, current(), asked).member_id if asked else None
        bound = bool(getattr(current(), "area", "")) and member_id is None
        as_file = sheets.is_asked()
        found = (
            []
            if bound
            else looking.log(
                session,
                member_id=member_id,
                person=person or None,
                before=int(place[0]) if place and not as_file else None,
                limit=sheets.MOST if as_file else PAGE + 1,
            )
        )
        if as_file:
            return _file(session, found)
        rows, after = cut("view-log", found, lambda row: [row.audit_id])
        names, customers = names_of(session, rows), _customers(session, rows)
    return page(
        "console/view_log.html",
        rows=rows,
        names=names,
        customers=customers,
        asked=asked,
        person=person,
        bound=bound,
        after=after,
        as_file=bool(rows),
        words=words,
    )


def _file(session: Session, rows: Sequence[AuditRow]) -> Response:
    """The looks that the filter shows as a file: which fields, why and for which case; nothing that was seen."""
    names, customers = names_of(session, rows), _customers(session, rows)
    lines = (
        (
            row.at.isoformat(), names.get(row.actor, row.actor), row.action, customers.get(row.subject),
            " ".join(row.facts.get("fields", ())), row.facts.get("reason"), row.facts.get("case"),
        )
        for row in rows
    )  # fmt: skip
    return sheets.of_list(session, "view-log", COLUMNS, lines)


@blueprint.errorhandler(Invalid)
@blueprint.errorhandler(TooMany)
def again(problem: Problem) -> Response:
    """The form with what is wrong."""
    status = status_of(type(problem))
    assert request.view_args is not None
    answer = make_response(_form(request.view_args["member"], problem=body_of(problem, status)), status)
    if problem.retry_after_s is not None:
        answer.headers["Retry-After"] = str(problem.retry_after_s)
    return answer


def names_of(session: Session, rows: Sequence[AuditRow]) -> dict[str, str]:
    """Actor -> what the person of the staff is called."""
    actors = {row.actor for row in rows if row.actor.startswith("staff:")}
    numbers = [int(actor.removeprefix("staff:")) for actor in actors]
    asked = select(StaffRow.staff_id, StaffRow.name).where(StaffRow.staff_id.in_(numbers))
    return {f"staff:{row.staff_id}": row.name for row in session.execute(asked)}


def _customers(session: Session, rows: Sequence[AuditRow]) -> dict[str, str]:
    """Public member id -> customer number."""
    subjects = {row.subject for row in rows if row.subject.startswith("mbr_")}
    looked_at = {subject: ids.parse("mbr", subject, parts=1)[0] for subject in subjects}
    database.bring(session, Member, looked_at.values())
    return {
        subject: members.by_id(session, member_id).customer_id for subject, member_id in looked_at.items()
    }


def _form(
    member: str, *, values: dict[str, str | None] | None = None, problem: dict[str, object] | None = None
) -> str:
    with database.begin() as session:
        row = scope.find(session, current(), member)
    return page(
        "console/reveal.html",
        member=row,
        member_ref=member,
        values=values,
        problem=problem,
        fields=FIELDS,
        reasons=[(reason, words.REVEAL_REASONS[reason]) for reason in REASONS],
        words=words,
    )
