"""HTTP: propose to merge a member into another, look, decide. The checker is another person than the maker."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database
from base.approvals.api import deciding
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from points.members import scope
from points.merges import merges
from points.merges.schemas import MergeRequest, MergesView, MergeView, merge_view

blueprint = Blueprint("merges", __name__, description="Two memberships become one")


@blueprint.route("/merges", methods=["POST"])
@blueprint.arguments(MergeRequest)
@blueprint.response(201, MergeView)
@blueprint.doc(**IDEMPOTENT)
@needs(merges.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose that a member's points, debt and later earnings go to another one. Needs Idempotency-Key."""
    with database.begin() as session:
        member_id = scope.find(session, current(), asked["member"]).member_id
        return answer_once(session, member_id, asked, lambda: (201, _propose(session, member_id, asked)))


deciding(blueprint, "merges", merges, merge_view, MergeView, MergesView)


def _propose(session: Session, member_id: int, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    into_id = scope.find(session, current(), asked["into"]).member_id
    case = merges.propose(session, current(), member_id, into_id, asked["text"], asked["ticket"], at)
    return merge_view(session, case, at)
