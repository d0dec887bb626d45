"""Visits: due and missed by area, department, person and class; and whose turn it is, the longest due first."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.care import rhythm, tasks, visits
from admin.care.visits import Asked, Due
from admin.console.care import words
from admin.console.http import PAGE, chosen, cut, page, position
from admin.console.sheets import http as sheets
from admin.staff.models import StaffRow
from admin.tickets import subjects
from base import clock, database, ids
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.web.i18n import both
from points.care import care
from points.members import areas
from points.members.models import Member

COLUMNS = ("customer_id", "class", "last_on", "due_on", "is_missed", "person", "department")
blueprint = Blueprint("care_visits", __name__)


@blueprint.route("/care/visits")
@needs(tasks.READS)
def visit_page() -> ResponseReturnValue:
    """The counts of one way to divide, of an area within one's own; the members below."""
    person = current()
    assert isinstance(person, Staff)
    area = areas.own(person.area, request.args.get("area"))
    way = request.args.get("by", visits.BY_AREA)
    way = way if way in visits.WAYS else visits.BY_AREA
    mine = request.args.get("mine") == "1"
    with database.begin() as session:
        choice = chosen(session)
        if choice["programme"] is None:
            return page("console/care_visits.html", counts=[], rows=[], words=words, way=way, **choice)
        programme = choice["programme"]
        on = clock.day(clock.now(), programme.zone)
        asked = Asked(programme, area, on, visits.own(person, mine))
        if sheets.is_asked():
            every = _all_shown(session, visits.due(session, asked, limit=sheets.MOST))
            return sheets.of_list(session, "visits", COLUMNS, [_line(one["row"], one, on) for one in every])
        name = f"visits {area} {mine}"
        place = position(name)
        after_row = (date.fromisoformat(place[0]), int(place[1])) if place else None
        rows, after = cut(
            name,
            visits.due(session, asked, after=after_row, limit=PAGE + 1),
            lambda row: [str(row.due_on), row.member_id],
        )
        shown = _all_shown(session, rows)
        counted = visits.counted(session, asked, way)
        names = _names(session, way, [one.scope for one in counted])
        return page(
            "console/care_visits.html",
            counts=[{"name": names[one.scope], "count": one} for one in counted],
            rows=shown,
            as_file=bool(shown),
            rules=rhythm.in_force(session, programme.programme_id, on),
            class_name=rhythm.name_of,
            area=area,
            area_name=both(areas.full_name(session, area)) or area if area else "",
            way=way,
            mine=mine,
            soon=visits.SOON_DAYS,
            departments=subjects.departments(session),
            words=words,
            on=on,
            as_of=visits.as_of(session, programme),
            after=after,
            **choice,
        )


def _names(session: Session, way: str, scopes: list[str]) -> dict[str, str]:
    """What the scopes of a way are called."""
    if way == visits.BY_PERSON:
        database.bring(session, StaffRow, (int(scope) for scope in scopes if scope))
        return {scope: (care.name_of(session, int(scope)) or scope) if scope else "" for scope in scopes}
    if way == visits.BY_CLASS:
        return {scope: both(rhythm.name_of(scope)) for scope in scopes}
    known = areas.full_names(session, scopes) if way == visits.BY_AREA else subjects.departments(session)
    return {scope: both(known.get(scope)) or scope for scope in scopes}


def _line(row: Due, shown: dict[str, Any], on: date) -> Sequence[Any]:
    is_missed = int(row.due_on < on)
    return (
        shown["customer_id"], row.visit_class, row.last_on, row.due_on, is_missed, shown["person"], row.department,
    )  # fmt: skip


def _all_shown(session: Session, rows: Sequence[Due]) -> list[dict[str, Any]]:
    database.bring(session, Member, (row.member_id for row in rows))
    database.bring(session, StaffRow, (row.staff_id for row in rows))
    return [_shown(session, row) for row in rows]


def _shown(session: Session, row: Due) -> dict[str, Any]:
    member = session.get(Member, row.member_id)
    assert member is not None
    return {
        "row": row,
        "member_ref": ids.public("mbr", row.member_id),
        "customer_id": member.customer_id,
        "person": care.name_of(session, row.staff_id) if row.staff_id else None,
    }
