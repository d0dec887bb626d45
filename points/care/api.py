"""HTTP: who looks after a member; departments by tier; important members whom nobody looks after."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, pages
from base.auth.guard import current, needs
from base.auth.principals import Service
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from points import programmes
from points.care import care
from points.care.schemas import (
    AssignRequest,
    CareRuleRequest,
    CareView,
    DepartmentView,
    WithoutPersonQuery,
    WithoutPersonsView,
    care_view,
    department_view,
    without_view,
)
from points.members import scope
from points.members.models import Member
from points.programmes import ProgrammeUnknown

blueprint = Blueprint("care", __name__, description="Who looks after a member")


@blueprint.route("/members/<member>/care")
@blueprint.response(200, CareView)
@needs(care.READS)
def member_care(member: str) -> dict[str, Any]:
    """The department that looks after a member, and the named person, if there is one."""
    with database.begin() as session:
        return _shown(session, scope.find(session, current(), member))


@blueprint.route("/members/<member>/care/manager", methods=["POST"])
@blueprint.arguments(AssignRequest)
@blueprint.response(201, CareView)
@blueprint.doc(**IDEMPOTENT)
@needs(care.ASSIGNS)
def assign(asked: dict[str, Any], member: str) -> Response:
    """Name the person who looks after a member from a day on, or nobody. Needs Idempotency-Key."""
    with database.begin() as session:
        row = scope.find(session, current(), member)

        def effect() -> tuple[int, dict[str, Any]]:
            staff_id = care.person(session, asked["person"]).staff_id if asked["person"] else None
            at = clock.now()
            care.assign(session, row, staff_id, asked["reason"], current().actor, at, asked["from_day"])
            return 201, _shown(session, row)

        return answer_once(session, row.member_id, asked, effect)


@blueprint.route("/care/rules", methods=["POST"])
@blueprint.arguments(CareRuleRequest)
@blueprint.response(201, DepartmentView)
@blueprint.doc(**IDEMPOTENT)
@needs(care.RULES)
def add_rule(asked: dict[str, Any]) -> Response:
    """From a day on, members with a tier belong to a department. Needs Idempotency-Key."""

    def effect() -> tuple[int, dict[str, Any]]:
        programme = programmes.by_code(session, asked["programme"])
        names = {"zh-CN": asked["name_zh"], "en": asked["name_en"]}
        tier = asked["tier"] or care.NO_TIER
        care.add_rule(
            session, programme, tier, asked["from_day"], asked["department"], names, current().actor
        )
        return 201, department_view(care.Department(asked["department"], names, tier))

    with database.begin() as session:
        return answer_once(session, 0, asked, effect)


@blueprint.route("/care/without-person")
@blueprint.arguments(WithoutPersonQuery, location="query")
@blueprint.response(200, WithoutPersonsView)
@needs(care.READS)
def without_person(query: dict[str, Any]) -> dict[str, Any]:
    """Important members (gold, diamond) of one's own scope whom nobody looks after.

    A page looks at some thousands of them: it may be short, even empty, while `has_more` says that there are others.
    """
    key, limit, principal = f"care:{config().secret_key}", query["limit"], current()
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        programme = programmes.by_code(session, query["programme"])
        if isinstance(principal, Service) and principal.programme_id != programme.programme_id:
            raise ProgrammeUnknown()
        on = clock.day(clock.now(), programme.zone)
        rows, on_from = care.without_a_person(
            session, principal, programme, on, place[0] if place else 0, limit
        )
        data = [without_view(row) for row in rows]
    return {
        "data": data,
        "has_more": on_from is not None,
        "next_cursor": None if on_from is None else pages.cursor(key, on_from),
    }


def _shown(session: Session, member: Member) -> dict[str, Any]:
    programme = programmes.by_id(session, member.programme_id)
    return care_view(session, care.of(session, member, clock.day(clock.now(), programme.zone)))
