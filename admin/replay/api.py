"""HTTP: what a proposed change would have done to the months before; the work is the worker's."""

from typing import Any

from flask import Response

from admin.replay import asking, runs
from admin.replay.schemas import ReplayedView, ReplayingRequest
from base import clock, database
from base.approvals import approvals
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once

blueprint = Blueprint("replays", __name__, description="Proposals replayed over past months")


@blueprint.route("/replays", methods=["POST"])
@blueprint.arguments(ReplayingRequest)
@blueprint.response(202, ReplayedView)
@blueprint.doc(**IDEMPOTENT)
@needs(asking.RUNS)
def ask(asked: dict[str, Any]) -> Response:
    """Have a proposal of rates, of an offer or of earn rules replayed; look at the replay until it is done. Needs Idempotency-Key."""
    number, months = approvals.parse(asked["proposal"]), asked["months"]
    with database.begin() as session:
        return answer_once(
            session,
            NO_MEMBER,
            asked,
            lambda: (202, asking.view(asking.ask(session, current(), number, months, clock.now()))),
        )


@blueprint.route("/replays/<replay>")
@blueprint.response(200, ReplayedView)
@needs(asking.READS)
def one(replay: str) -> dict[str, Any]:
    """A replay: how far it is, and the report once it is done."""
    with database.begin() as session:
        return asking.view(asking.find(session, current(), runs.parse(replay)))
