"""HTTP: the operator's systems tell what happens to lines, and look at what was told."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, pages
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from points.lines import events, log
from points.lines.schemas import (
    LineEventRequest,
    LineEventsView,
    TakenView,
    event_view,
    taken_view,
    told,
)
from points.members import scope
from points.wallets.schemas import PageQuery

blueprint = Blueprint("lines", __name__, description="Lines and their events")


@blueprint.route("/members/<member>/line-events", methods=["POST"])
@blueprint.arguments(LineEventRequest)
@blueprint.response(201, TakenView)
@blueprint.doc(**IDEMPOTENT)
@needs("lines:write")
def tell(asked: dict[str, Any], member: str) -> Response:
    """Tell what happened to a line; an event id that is known answers 200 as it was kept. Needs Idempotency-Key."""
    with database.begin() as session:
        member_id = scope.find(session, current(), member).member_id
        return answer_once(session, member_id, _plain(asked), lambda: _take(session, member_id, asked))


@blueprint.route("/members/<member>/line-events")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, LineEventsView)
@needs("members:read")
def list_events(query: dict[str, Any], member: str) -> dict[str, Any]:
    """What was told about a line, the latest to arrive first."""
    key, limit = f"line-events:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        member_id = scope.find(session, current(), member).member_id
        rows = log.history(session, member_id, before=place[0] if place else None, limit=limit + 1)
    more = len(rows) > limit
    return {
        "data": [event_view(row) for row in rows[:limit]],
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1].nth) if more else None,
    }


def _take(session: Session, member_id: int, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    taken = events.take(session, config(), member_id, told(asked), current().actor, clock.now())
    return 200 if taken.repeated else 201, taken_view(taken)


def _plain(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if value is not None else None for name, value in asked.items()}
