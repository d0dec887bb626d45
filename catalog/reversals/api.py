"""HTTP: propose that a redemption is undone, look, decide. The checker is another person than the maker."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.approvals.api import deciding
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from catalog.reversals import reversals
from catalog.reversals.schemas import ReversalRequest, ReversalsView, ReversalView, reversal_view

blueprint = Blueprint("reversals", __name__, description="Redemptions undone by two persons")


@blueprint.route("/reversals", methods=["POST"])
@blueprint.arguments(ReversalRequest)
@blueprint.response(201, ReversalView)
@blueprint.doc(**IDEMPOTENT)
@needs(reversals.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose to undo a redemption that was given; another person decides. Needs Idempotency-Key."""
    member_id, redemption_id = ids.parse("red", asked["redemption"])
    with database.begin() as session:
        return answer_once(
            session, member_id, asked, lambda: (201, _propose(session, member_id, redemption_id, asked))
        )


deciding(blueprint, "reversals", reversals, reversal_view, ReversalView, ReversalsView)


def _propose(session: Session, member_id: int, redemption_id: int, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    case = reversals.propose(
        session,
        current(),
        member_id,
        redemption_id,
        asked["text"],
        asked["ticket"],
        at,
        claw_back=asked["clawback"],
    )
    return reversal_view(session, case, at)
