"""HTTP: what points can buy, with prices of today and the caller's own "can I afford it"."""

from typing import Any

from sqlalchemy.orm import Session

from base import clock, database, ids, pages
from base.auth.guard import current, needs
from base.auth.principals import Member
from base.errors import field_errors
from base.http.api import Blueprint
from base.http.settings import config
from catalog.offers import offers
from catalog.offers.offers import Listed
from catalog.offers.schemas import OfferQuery, OffersQuery, OffersView, OfferView, offer_view
from catalog.rates import rates
from points import extensions, ledger, lots, programmes
from points.members import facts
from points.models import Programme

blueprint = Blueprint("offers", __name__, description="Offers")


@blueprint.route("/offers")
@blueprint.arguments(OffersQuery, location="query")
@blueprint.response(200, OffersView)
@needs("offers:read")
def list_offers(query: dict[str, Any]) -> dict[str, Any]:
    """Live offers of the caller's programme; `affordable=true` keeps those that the member has the points for."""
    key, limit, at = f"offers:{config().secret_key}", query["limit"], clock.now()
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        programme = _programme(session, query["programme"])
        rows = offers.listed(
            session,
            programme.programme_id,
            at,
            kind=query["kind"],
            after=(place[0], place[1]) if place else None,
            limit=limit + 1,
        )
        data = _views(session, programme, rows[:limit])
    more = len(rows) > limit
    last = rows[limit - 1].offer if more else None
    return {
        "data": [view for view in data if view["affordable"] or not query["affordable"]],
        "has_more": more,
        "next_cursor": pages.cursor(key, last.kind, last.offer_id) if last else None,
    }


@blueprint.route("/offers/<offer>")
@blueprint.arguments(OfferQuery, location="query")
@blueprint.response(200, OfferView)
@needs("offers:read")
def one_offer(query: dict[str, Any], offer: str) -> dict[str, Any]:
    """One offer."""
    (offer_id,) = ids.parse("off", offer, parts=1)
    with database.begin() as session:
        programme = _programme(session, query["programme"])
        views = _views(
            session, programme, [offers.find(session, offer_id, programme.programme_id, clock.now())]
        )
    if not views:
        raise rates.NoRateInForce()
    return views[0]


def _programme(session: Session, code: str | None) -> Programme:
    """The caller's own programme; staff, who work for all of them, name one."""
    own = getattr(current(), "programme_id", None)
    if own is not None:
        return programmes.by_id(session, own)
    if code is None:
        choices = ", ".join(programme.code for programme in programmes.every(session))
        raise field_errors({"programme": f"name one of: {choices}"})
    return programmes.by_code(session, code)


def _views(session: Session, programme: Programme, rows: list[Listed]) -> list[dict[str, Any]]:
    """Offers with their price of today; one without a rate has none and is left out."""
    at, caller = clock.now(), current()
    on = clock.day(at, programme.zone)
    begun = rates.load(session, programme.programme_id, on)
    who = None
    if isinstance(caller, Member) and begun.asks_who:
        who = facts.of(session, caller.member_id, on)
    calendar = extensions.of(session, programme.programme_id, at)
    spendable = (
        lots.live(ledger.read(session, caller.member_id).lots, on, calendar)
        if isinstance(caller, Member)
        else None
    )
    views = []
    for row in rows:
        rate = rates.find(begun, row.offer, who)
        if rate is not None:
            price = rates.price(rate, row.offer.value_fen)
            closed = offers.why_closed(row, at)
            views.append(offer_view(row, programme, price, rates.worth(begun, price), spendable, closed))
    return views
