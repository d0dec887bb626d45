"""HTTP: stop an action at once, look at what is stopped, and let it go on by two persons."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from admin.halts import resuming
from admin.halts.schemas import (
    HaltRequest,
    HaltsQuery,
    HaltsView,
    HaltView,
    ResumptionRequest,
    ResumptionsView,
    ResumptionView,
    halt_view,
    resumption_view,
)
from base import clock, database, pages
from base.approvals.api import deciding
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.halts import halts
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config

blueprint = Blueprint("halts", __name__, description="What is stopped for the time being")


@blueprint.route("/halts")
@blueprint.arguments(HaltsQuery, location="query")
@blueprint.response(200, HaltsView)
@needs(resuming.READS)
def list_them(query: dict[str, Any]) -> dict[str, Any]:
    """What is and was stopped, the latest first."""
    key, limit = f"halts:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        rows = halts.listed(session, before=place[0] if place else None, limit=limit + 1)
        data = [halt_view(session, row) for row in rows[:limit]]
    more = len(rows) > limit
    return {
        "data": data,
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1].halt_id) if more else None,
    }


@blueprint.route("/halts", methods=["POST"])
@blueprint.arguments(HaltRequest)
@blueprint.response(201, HaltView)
@blueprint.doc(**IDEMPOTENT)
@needs(resuming.STOPS)
def stop(asked: dict[str, Any]) -> Response:
    """Stop an action, from the next one on; checks, voids, balances and statements go on. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        made = resuming.stop(
            session, current(), asked["action"], asked["programme"], asked["reason"], clock.now()
        )
        return halt_view(session, made)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (201, effect(session)))


@blueprint.route("/resumptions", methods=["POST"])
@blueprint.arguments(ResumptionRequest)
@blueprint.response(201, ResumptionView)
@blueprint.doc(**IDEMPOTENT)
@needs(resuming.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose that something goes on; another person decides. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        at = clock.now()
        case = resuming.propose(session, current(), halts.parse(asked["halt"]), asked["reason"], at)
        return resumption_view(session, case, at)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (201, effect(session)))


deciding(blueprint, "resumptions", resuming, resumption_view, ResumptionView, ResumptionsView)
