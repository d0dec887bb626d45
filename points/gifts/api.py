"""HTTP: give points to another member, undo it, look."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids, pages
from base.auth.guard import current, needs
from base.auth.principals import Member
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from points.gifts import gifts
from points.gifts.schemas import GiftRequest, GiftsView, GiftView, gift_view
from points.wallets.schemas import PageQuery

blueprint = Blueprint("gifts", __name__, description="Gifts between members")


@blueprint.route("/gifts", methods=["POST"])
@blueprint.arguments(GiftRequest)
@blueprint.response(201, GiftView)
@blueprint.doc(**IDEMPOTENT)
@needs("gifts:own")
def give(asked: dict[str, Any]) -> Response:
    """Set points aside for another member of the programme; they leave after ten minutes. Needs Idempotency-Key."""
    member_id = _me()
    with gifts.counting_wrong_numbers(member_id), database.begin() as session:
        return answer_once(session, member_id, asked, lambda: (201, _give(session, member_id, asked)))


@blueprint.route("/gifts")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, GiftsView)
@needs("gifts:own")
def list_gifts(query: dict[str, Any]) -> dict[str, Any]:
    """What the member gave and what arrived from others, newest first."""
    member_id, at, limit = _me(), clock.now(), query["limit"]
    key = f"gifts:{config().secret_key}"
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        rows = gifts.all_of(session, member_id, before=place[0] if place else None, limit=limit + 1)
    more = len(rows) > limit
    return {
        "data": [gift_view(row, member_id, at) for row in rows[:limit]],
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1].gift_id) if more else None,
    }


@blueprint.route("/gifts/<gift>/undo", methods=["POST"])
@blueprint.response(200, GiftView)
@blueprint.doc(**IDEMPOTENT)
@needs("gifts:own")
def undo(gift: str) -> Response:
    """Take a gift back while it waits: the points return to the lots they came from. Needs Idempotency-Key."""
    member_id = _me()
    (gift_id,) = ids.parse("gft", gift, parts=1)
    with database.begin() as session:
        return answer_once(session, member_id, None, lambda: (200, _undo(session, member_id, gift_id)))


def _me() -> int:
    principal = current()
    assert isinstance(principal, Member)
    return principal.member_id


def _give(session: Session, member_id: int, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    gift = gifts.give(session, config(), member_id, asked["to"], asked["points"], at)
    return gift_view(gift, member_id, at)


def _undo(session: Session, member_id: int, gift_id: int) -> dict[str, Any]:
    at = clock.now()
    return gift_view(gifts.undo(session, member_id, gift_id, at), member_id, at)
