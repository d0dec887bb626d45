"""Planned work in the console: what is planned, the form to announce it, and the button that ends it."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, make_response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.console.http import PAGE, cut, once, page, position
from admin.console.sheets import http as sheets
from base import clock, database
from base.auth.guard import current, needs
from base.errors import Invalid, Problem, field_errors
from base.http.problems import body_of, status_of
from base.http.settings import config
from base.maintenance import maintenance
from base.web.i18n import gettext as _

COLUMNS = ("from_at", "until_at", "text_zh", "text_en", "read_only", "announced_at", "ended_at")
blueprint = Blueprint("maintenance", __name__)


@blueprint.route("/maintenance")
@needs(maintenance.READS)
def planned() -> ResponseReturnValue:
    """What is planned, was, and was called off."""
    return _file() if sheets.is_asked() else _page()


@blueprint.route("/maintenance", methods=["POST"])
@needs(maintenance.MANAGES)
def announce() -> ResponseReturnValue:
    """Tell everybody."""
    typed = request.form
    from_at, until_at = _moment("from_at"), _moment("until_at")
    texts = {"zh-CN": typed.get("text_zh", ""), "en": typed.get("text_en", "")}
    read_only = typed.get("read_only") == "1"

    def effect(session: Session) -> str:
        made = maintenance.announce(
            session, current(), from_at, until_at, texts, read_only=read_only, at=clock.now()
        )
        return maintenance.reference(made)

    once(effect)
    maintenance.forget()
    return redirect("/staff/maintenance", 303)


@blueprint.route("/maintenance/<planned>/end", methods=["POST"])
@needs(maintenance.MANAGES)
def end(planned: str) -> ResponseReturnValue:
    """It is over, or does not take place."""
    with database.begin() as session:
        maintenance.end(session, current(), planned, clock.now())
    maintenance.forget()
    return redirect("/staff/maintenance", 303)


@blueprint.errorhandler(Invalid)
def again(problem: Problem) -> Response:
    """The form with what is wrong."""
    status = status_of(type(problem))
    return make_response(_page(body_of(problem, status)), status)


def _page(problem: dict[str, Any] | None = None) -> str:
    place, at = position("maintenance"), clock.now()
    with database.begin() as session:
        before = int(place[0]) if place else None
        found = maintenance.listed(session, before=before, limit=PAGE + 1)
        rows, after = cut("maintenance", found, lambda row: [row.maintenance_id])
    return page(
        "console/maintenance.html",
        rows=rows,
        after=after,
        as_file=bool(rows),
        at=at,
        reference=maintenance.reference,
        may=maintenance.MANAGES in current().permissions,
        problem=problem,
        key=uuid4(),
        zone=config().zone,
        most=maintenance.LONGEST_TEXT,
    )


def _file() -> Response:
    """All planned work as a file."""
    with database.begin() as session:
        lines = [
            (
                row.from_at.isoformat(), row.until_at.isoformat(), row.texts["zh-CN"], row.texts["en"], int(row.read_only),
                row.announced_at.isoformat(), row.ended_at.isoformat() if row.ended_at else None,
            )
            for row in maintenance.listed(session, limit=sheets.MOST)
        ]  # fmt: skip
        return sheets.of_list(session, "planned-work", COLUMNS, lines)


def _moment(name: str) -> datetime:
    try:
        found = datetime.fromisoformat(request.form.get(name, "").strip())
    except ValueError:
        raise field_errors({name: _("a day and a time are needed")}) from None
    return found if found.tzinfo else found.replace(tzinfo=clock.zone(config().zone))
