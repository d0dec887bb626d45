"""HTTP: the operator's systems tell what happened to a member; rules of occasions and of visits."""

from datetime import timedelta
from typing import Any

from flask import Response

from admin.care import occasions, opening, rhythm, tasks
from admin.care.occasions import Rule
from admin.care.rhythm import Rhythm
from admin.care.schemas import (
    OccasionRequest,
    OccasionRuleRequest,
    OccasionRuleView,
    OccasionToldView,
    VisitRuleRequest,
    VisitRuleView,
    rule_view,
    visit_view,
)
from base import clock, database
from base.auth.guard import current, needs
from base.errors import field_errors
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from points import programmes
from points.members import scope

NO_MEMBER = 0
OLDEST = timedelta(days=30)

blueprint = Blueprint("care_occasions", __name__, description="Occasions of care and the rhythm of visits")


@blueprint.route("/members/<member>/care/occasions", methods=["POST"])
@blueprint.arguments(OccasionRequest)
@blueprint.response(201, OccasionToldView)
@blueprint.doc(**IDEMPOTENT)
@needs(tasks.TELLS)
def tell(asked: dict[str, Any], member: str) -> Response:
    """Tell an occasion, for example that a member is back from roaming: a task once for each day. Needs Idempotency-Key."""
    at, on = clock.now(), asked["on_day"]
    with database.begin() as session:
        row = scope.find(session, current(), member)
        programme = programmes.by_id(session, row.programme_id)
        today = clock.day(at, programme.zone)
        if not today - OLDEST <= on <= today:
            raise field_errors({"on_day": "is today, or up to 30 days ago"})

        def effect() -> tuple[int, dict[str, Any]]:
            day = opening.day_of(session, programme, today)
            has_task = opening.told(session, day, row.member_id, asked["occasion"], on, current().actor, at)
            return 201, {"occasion": asked["occasion"], "on_day": str(on), "has_task": has_task}

        return answer_once(session, row.member_id, asked, effect)


@blueprint.route("/care/occasions", methods=["POST"])
@blueprint.arguments(OccasionRuleRequest)
@blueprint.response(201, OccasionRuleView)
@blueprint.doc(**IDEMPOTENT)
@needs(occasions.RULES)
def add_rule(asked: dict[str, Any]) -> Response:
    """From a day on an occasion opens tasks by another rule, or none. Needs Idempotency-Key."""
    rule = Rule(
        is_on=asked["is_on"],
        tiers=tuple(asked["tiers"]),
        days_ahead=asked["days_ahead"],
        days=asked["days"],
        in_working_days=asked["in_working_days"],
        holidays=tuple(asked["holidays"]),
    )

    def effect() -> tuple[int, dict[str, Any]]:
        programme = programmes.by_code(session, asked["programme"])
        occasions.add_rule(session, programme, asked["occasion"], asked["from_day"], rule, current().actor)
        return 201, rule_view(asked["occasion"], rule)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, effect)


@blueprint.route("/care/visit-rules", methods=["POST"])
@blueprint.arguments(VisitRuleRequest)
@blueprint.response(201, VisitRuleView)
@blueprint.doc(**IDEMPOTENT)
@needs(rhythm.RULES)
def add_visit_rule(asked: dict[str, Any]) -> Response:
    """From a day on a class of members is visited so often. Needs Idempotency-Key."""
    rule = Rhythm(asked["times"], asked["months"])

    def effect() -> tuple[int, dict[str, Any]]:
        programme = programmes.by_code(session, asked["programme"])
        rhythm.add_rule(session, programme, asked["visit_class"], asked["from_day"], rule, current().actor)
        return 201, visit_view(asked["visit_class"], rule)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, effect)
