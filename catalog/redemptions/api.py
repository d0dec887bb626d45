"""HTTP: quote, redeem, look, cancel."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids, pages
from base.auth.guard import current, needs
from base.auth.principals import Member
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from catalog.offers.models import Offer
from catalog.redemptions import quotes, redemptions
from catalog.redemptions.models import Redemption
from catalog.redemptions.schemas import (
    QuoteRequest,
    QuoteView,
    RedemptionRequest,
    RedemptionsView,
    RedemptionView,
    quote_view,
    redemption_view,
)
from catalog.vouchers import life
from catalog.vouchers.codes import Keys
from points import programmes
from points.wallets.schemas import PageQuery

blueprint = Blueprint("redemptions", __name__, description="Quotes and redemptions")


@blueprint.route("/quotes", methods=["POST"])
@blueprint.arguments(QuoteRequest)
@blueprint.response(201, QuoteView)
@needs("redemptions:own")
def make_quote(asked: dict[str, Any]) -> dict[str, Any]:
    """The exact price, lots and balance after; nothing is set aside."""
    me = _me()
    (offer_id,) = ids.parse("off", asked["offer"], parts=1)
    with database.begin() as session:
        priced = quotes.make(
            session, me.member_id, offer_id, asked["units"], clock.now(), config().quote_life_s
        )
        return quote_view(priced, programmes.by_id(session, me.programme_id).currency)


@blueprint.route("/redemptions", methods=["POST"])
@blueprint.arguments(RedemptionRequest)
@blueprint.response(201, RedemptionView)
@blueprint.doc(**IDEMPOTENT)
@needs("redemptions:own")
def redeem(asked: dict[str, Any]) -> Response:
    """Confirm a quote. Needs Idempotency-Key; the same key gives the same answer for good."""
    me = _me()
    member_id, quote_id = ids.parse("quo", asked["quote"])
    if member_id != me.member_id:
        raise quotes.QuoteUnknown()
    with database.begin() as session:
        return answer_once(
            session, me.member_id, asked, lambda: (201, _redeem(session, me.member_id, quote_id))
        )


@blueprint.route("/redemptions")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, RedemptionsView)
@needs("redemptions:own")
def list_redemptions(query: dict[str, Any]) -> dict[str, Any]:
    """The member's redemptions, newest first."""
    key, limit = f"redemptions:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        rows = redemptions.all_of(
            session, _me().member_id, before=place[0] if place else None, limit=limit + 1
        )
        data = [_view(session, row, offer) for row, offer in rows[:limit]]
    more = len(rows) > limit
    return {
        "data": data,
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1][0].redemption_id) if more else None,
    }


@blueprint.route("/redemptions/<redemption>")
@blueprint.response(200, RedemptionView)
@needs("redemptions:own")
def one_redemption(redemption: str) -> dict[str, Any]:
    """One redemption and where it stands."""
    with database.begin() as session:
        row = redemptions.find(session, *_mine(redemption))
        return _view(session, row, session.get_one(Offer, row.offer_id))


@blueprint.route("/redemptions/<redemption>/cancel", methods=["POST"])
@blueprint.response(200, RedemptionView)
@blueprint.doc(**IDEMPOTENT)
@needs("redemptions:own")
def cancel(redemption: str) -> Response:
    """Hand it back where the offer allows it: the points return to the lots they came from. Needs Idempotency-Key."""
    member_id, redemption_id = _mine(redemption)
    with database.begin() as session:
        return answer_once(
            session, member_id, None, lambda: (200, _cancel(session, member_id, redemption_id))
        )


def _me() -> Member:
    principal = current()
    assert isinstance(principal, Member)
    return principal


def _mine(text: str) -> tuple[int, int]:
    """The key of the caller's own redemption; anybody else's is unknown."""
    member_id, redemption_id = ids.parse("red", text)
    if member_id != _me().member_id:
        raise redemptions.RedemptionUnknown()
    return member_id, redemption_id


def _redeem(session: Session, member_id: int, quote_id: int) -> dict[str, Any]:
    row = redemptions.redeem(session, Keys.of(config()), member_id, quote_id, clock.now())
    return _view(session, row, session.get_one(Offer, row.offer_id))


def _cancel(session: Session, member_id: int, redemption_id: int) -> dict[str, Any]:
    row = redemptions.cancel(session, member_id, redemption_id, clock.now())
    return _view(
        session, redemptions.find(session, member_id, redemption_id), session.get_one(Offer, row.offer_id)
    )


def _view(session: Session, row: Redemption, offer: Offer) -> dict[str, Any]:
    voucher = life.of_redemption(session, row.member_id, row.redemption_id) if row.kind == "voucher" else None
    return redemption_view(row, offer, voucher)
