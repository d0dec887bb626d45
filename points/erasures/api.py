"""HTTP: propose to erase a person who has left, look, decide. The checker is another person than the maker."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.approvals.api import deciding
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from points.erasures import erasures
from points.erasures.schemas import ErasureRequest, ErasuresView, ErasureView, erasure_view

blueprint = Blueprint(
    "erasures", __name__, description="The personal data of somebody who left, by two persons"
)


@blueprint.route("/erasures", methods=["POST"])
@blueprint.arguments(ErasureRequest)
@blueprint.response(201, ErasureView)
@blueprint.doc(**IDEMPOTENT)
@needs(erasures.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose that the person behind a member is forgotten; another person decides. Needs Idempotency-Key."""
    (member_id,) = ids.parse("mbr", asked["member"], parts=1)
    with database.begin() as session:
        return answer_once(session, member_id, asked, lambda: (201, _propose(session, asked)))


deciding(blueprint, "erasures", erasures, erasure_view, ErasureView, ErasuresView)


def _propose(session: Session, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    case = erasures.propose(session, current(), asked["member"], asked["reason"], asked["ticket"], at)
    return erasure_view(session, case, at)
