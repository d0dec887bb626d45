"""HTTP: propose to add or take points, look, decide. Makers and checkers are staff; the checker is another person."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database
from base.approvals.api import deciding
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from points.adjustments import adjustments
from points.adjustments.schemas import (
    AdjustmentRequest,
    AdjustmentsView,
    AdjustmentView,
    adjustment_view,
    wanted_of,
)
from points.members import scope

blueprint = Blueprint("adjustments", __name__, description="Points added or taken by hand, by two persons")


@blueprint.route("/adjustments", methods=["POST"])
@blueprint.arguments(AdjustmentRequest)
@blueprint.response(201, AdjustmentView)
@blueprint.doc(**IDEMPOTENT)
@needs(adjustments.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose to add points to a member or to take some; another person decides. Needs Idempotency-Key."""
    with database.begin() as session:
        member_id = scope.find(session, current(), asked["member"]).member_id
        return answer_once(session, member_id, asked, lambda: (201, _propose(session, member_id, asked)))


deciding(blueprint, "adjustments", adjustments, adjustment_view, AdjustmentView, AdjustmentsView)


def _propose(session: Session, member_id: int, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    case = adjustments.propose(session, current(), member_id, wanted_of(asked), at)
    return adjustment_view(session, case, at)
