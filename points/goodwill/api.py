"""HTTP: propose points of goodwill, look, decide. The checker is another person than the maker."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.approvals.api import deciding
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from points.goodwill import goodwill
from points.goodwill.goodwill import Asked
from points.goodwill.schemas import GoodwillRequest, GoodwillsView, GoodwillView, goodwill_view

blueprint = Blueprint("goodwill", __name__, description="Points of goodwill under a budget, by two persons")


@blueprint.route("/goodwill", methods=["POST"])
@blueprint.arguments(GoodwillRequest)
@blueprint.response(201, GoodwillView)
@blueprint.doc(**IDEMPOTENT)
@needs(goodwill.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose points of goodwill for a member; another person decides, and only then they are given. Needs
    Idempotency-Key.
    """
    (member_id,) = ids.parse("mbr", asked["member"], parts=1)
    with database.begin() as session:
        return answer_once(session, member_id, asked, lambda: (201, _propose(session, member_id, asked)))


deciding(blueprint, "goodwill", goodwill, goodwill_view, GoodwillView, GoodwillsView)


def _propose(session: Session, member_id: int, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    wanted = Asked(**{name: value for name, value in asked.items() if name != "member"})
    return goodwill_view(session, goodwill.propose(session, current(), member_id, wanted, at), at)
