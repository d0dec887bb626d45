"""HTTP: a till gives a member the points of a purchase, and takes them back; the merchant looks at what was given."""

from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, pages
from base.auth.guard import current, needs
from base.auth.principals import Clerk, Terminal
from base.errors import field_errors
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from merchants import scope
from merchants.acceptances import Place
from merchants.earnings import buyers, earnings, events, listing
from merchants.earnings.listing import Listed
from merchants.earnings.schemas import (
    EarningRequest,
    EarningReversalRequest,
    EarningReversalView,
    EarningsView,
    EarningView,
    earning_view,
    listed_view,
    reversal_view,
)
from merchants.schemas import PageQuery
from merchants.terminals import places
from points import programmes
from points.members import members
from points.models import Programme

blueprint = Blueprint("merchant-earnings", __name__, description="Points that members earn at a merchant")


@blueprint.route("/earnings", methods=["POST"])
@blueprint.arguments(EarningRequest)
@blueprint.response(201, EarningView)
@blueprint.doc(**IDEMPOTENT)
@needs("earnings:give")
def give(asked: dict[str, Any]) -> Response:
    """Give a member the points of a purchase, by the member's number; signed by the till. Needs Idempotency-Key."""
    place, at = _place(asked), clock.now()
    with buyers.counting(place), database.begin() as session:
        programme = _programme(session, asked["programme"])
        member = buyers.find(session, config(), programme.programme_id, asked["phone"], place, at)

        def effect() -> tuple[int, Any]:
            made = earnings.give(session, member, programme, place, asked["amount_fen"], at)
            events.given(session, made)
            return 201, earning_view(made)

        return answer_once(session, member.member_id, asked, effect)


@blueprint.route("/earnings/<earning>/reverse", methods=["POST"])
@blueprint.arguments(EarningReversalRequest)
@blueprint.response(201, EarningReversalView)
@blueprint.doc(**IDEMPOTENT)
@needs("earnings:reverse")
def reverse(asked: dict[str, Any], earning: str) -> Response:
    """Take the points back before the cut-off, at the same till or by its manager. Needs Idempotency-Key."""
    place, at = _place(asked), clock.now()
    with database.begin() as session:
        found = earnings.find(session, earning, place.merchant_id)
        _, programme = members.with_programme(session, found.member_id)

        def effect() -> tuple[int, Any]:
            made = earnings.reverse(session, found, programme, place, asked["reason"], at)
            events.reversed_(session, found, made)
            return 201, reversal_view(made)

        return answer_once(session, found.member_id, asked | {"earning": earning}, effect)


@blueprint.route("/merchant/earnings")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, EarningsView)
@needs("acceptances:merchant")
def list_own(query: dict[str, Any]) -> dict[str, Any]:
    """What members earned at the caller's outlets, the newest first."""
    with database.begin() as session:
        reach = scope.reach_of(session, current())
        key = f"earnings:{reach.merchant_id}:{reach.outlet_id}:{config().secret_key}"
        place = pages.position(key, query["cursor"])
        before = (datetime.fromisoformat(place[0]), int(place[1])) if place else None
        rows = listing.listed(session, reach, before=before, limit=query["limit"] + 1)
        return pages.page(key, rows, query["limit"], _position, listed_view)


def _position(one: Listed) -> list[Any]:
    return [one.earning.recorded_at.isoformat(), one.earning.earning_id]


def _place(asked: dict[str, Any]) -> Place:
    actor = current()
    assert isinstance(actor, Clerk | Terminal)
    return places.place_of(actor, asked.get("clerk"))


def _programme(session: Session, code: str | None) -> Programme:
    """The programme of a code, or the only one that takes writes; its code is needed where there are several."""
    if code is not None:
        return programmes.taking_writes(programmes.by_code(session, code))
    there = [one for one in programmes.every(session) if one.closed_at is None]
    if len(there) != 1:
        raise field_errors({"programme": f"name one of: {', '.join(one.code for one in there)}"})
    return there[0]
