"""HTTP: a till gives a member the points of a purchase, and takes them back; the merchant looks at what was given."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import database, pages
from base.auth.guard import current, needs
from base.auth.principals import Clerk, Terminal
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from merchants import scope
from merchants.acceptances import Place
from merchants.earnings import listing, till
from merchants.earnings.earnings import Given
from merchants.earnings.listing import Listed
from merchants.earnings.models import EarningReversal
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

blueprint = Blueprint("merchant-earnings", __name__, description="Points that members earn at a merchant")


@blueprint.route("/earnings", methods=["POST"])
@blueprint.arguments(EarningRequest)
@blueprint.response(201, EarningView)
@blueprint.doc(**IDEMPOTENT)
@needs("earnings:give")
def give(asked: dict[str, Any]) -> Response:
    """Give a member the points of a purchase, by the member's number; signed by the till. Needs Idempotency-Key."""

    def answered(session: Session, member_id: int, effect: Callable[[], Given]) -> Response:
        return answer_once(session, member_id, asked, lambda: (201, earning_view(effect())))

    return till.give(
        config(), _place(asked), asked["phone"], asked["amount_fen"], asked["programme"], answered
    )


@blueprint.route("/earnings/<earning>/reverse", methods=["POST"])
@blueprint.arguments(EarningReversalRequest)
@blueprint.response(201, EarningReversalView)
@blueprint.doc(**IDEMPOTENT)
@needs("earnings:reverse")
def reverse(asked: dict[str, Any], earning: str) -> Response:
    """Take the points back before the cut-off, at the same till or by its manager. Needs Idempotency-Key."""
    said = asked | {"earning": earning}

    def answered(session: Session, member_id: int, effect: Callable[[], EarningReversal]) -> Response:
        return answer_once(session, member_id, said, lambda: (201, reversal_view(effect())))

    return till.reverse(_place(asked), earning, asked["reason"], answered)


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
