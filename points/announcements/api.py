"""HTTP: propose that points last longer, look, decide. The checker is another person than the maker."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database
from base.approvals.api import deciding
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from points.announcements import announcements
from points.announcements.announcements import NO_MEMBER, Wanted
from points.announcements.schemas import ExtensionRequest, ExtensionsView, ExtensionView, extension_view

blueprint = Blueprint("extensions", __name__, description="Points that last longer, by two persons")


@blueprint.route("/extensions", methods=["POST"])
@blueprint.arguments(ExtensionRequest)
@blueprint.response(201, ExtensionView)
@blueprint.doc(**IDEMPOTENT)
@needs(announcements.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose that points of a class last longer; it counts five minutes after the approval. Needs Idempotency-Key."""
    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (201, _propose(session, asked)))


deciding(blueprint, "extensions", announcements, extension_view, ExtensionView, ExtensionsView)


def _propose(session: Session, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    return extension_view(session, announcements.propose(session, current(), Wanted(**asked), at), at)
