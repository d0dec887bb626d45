"""The audit log in the console: asked by who, what, about what and when; its chains checked; exported as it is shown."""

from datetime import date
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from admin.audit import trail
from admin.audit.trail import Asked
from admin.console.http import PAGE, cut, page, position
from admin.console.looks.pages import names_of
from base import audit, clock, database
from base.auth.guard import current, needs
from base.errors import Invalid, Problem
from base.http.problems import body_of, status_of
from base.http.settings import config

blueprint = Blueprint("audit", __name__)
BYTE_ORDER_MARK = "\ufeff"  # spreadsheets read UTF-8 by it


class NotADay(Invalid):
    """A day is written as year-month-day: 2026-09-01."""

    zh = "日期请写成 年-月-日，例如 2026-09-01。"


@blueprint.route("/audit")
@needs(trail.READS)
def log() -> ResponseReturnValue:
    """The rows that the address asks for; with ?csv=1 the same as a file."""
    try:
        asked = _asked()
    except Invalid as problem:
        return _page(problem=problem), status_of(type(problem))
    if request.args.get("csv"):
        return _file(asked)
    place = position("audit")
    try:
        with database.begin() as session:
            found = trail.rows(
                session,
                current(),
                asked,
                config().zone,
                before=int(place[0]) if place else None,
                limit=PAGE + 1,
            )
            rows, after = cut("audit", found, lambda row: [row.audit_id])
            names = names_of(session, rows)
    except trail.MemberMustBeNamed as problem:
        return _page(problem=problem)
    return _page(asked=asked, rows=rows, names=names, after=after)


@blueprint.route("/audit/check", methods=["POST"])
@needs(trail.READS)
def check() -> ResponseReturnValue:
    """Whether the chains of one actor are whole, from the first row to the last."""
    actor = request.form.get("actor", "").strip()
    with database.begin() as session:
        count, wrong = trail.check(session, actor)
        audit.write(session, current().actor, "audit.checked", actor, rows=count, wrong=len(wrong))
    return _page(checked=(actor, count, wrong))


def _file(asked: Asked) -> Response:
    with database.begin() as session:
        content = trail.export(session, current(), asked, config().zone)
        said = {name: str(value) for name, value in vars(asked).items() if value}
        audit.write(session, current().actor, "audit.exported", "audit", asked=said)
    answer = Response(BYTE_ORDER_MARK + content, mimetype="text/csv")
    name = f"audit-{clock.day(clock.now(), config().zone)}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _page(**values: Any) -> str:
    problem: Problem | None = values.pop("problem", None)
    with database.begin() as session:
        actions = list(trail.actions(session))
    return page(
        "console/audit.html",
        typed={
            name: request.args.get(name, "")
            for name in ("actor", "action", "subject", "request_id", "from_day", "to_day")
        },
        actions=[(one, one) for one in actions],
        most=trail.MOST_EXPORTED,
        problem=body_of(problem, status_of(type(problem))) if problem else None,
        **({"asked": None, "rows": [], "names": {}, "after": None, "checked": None} | values),
    )


def _asked() -> Asked:
    typed = {
        name: request.args.get(name, "").strip() for name in ("actor", "action", "subject", "request_id")
    }
    return Asked(**typed, from_day=_day("from_day"), to_day=_day("to_day"))


def _day(name: str) -> date | None:
    typed = request.args.get(name, "").strip()
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        raise NotADay() from None
