"""HTTP: what points can buy, with prices of today and the caller's own "can I have it"."""

from typing import Any

from flask import Response, current_app
from sqlalchemy.orm import Session

from base import clock, database, ids, pages
from base.auth.guard import current, needs
from base.auth.principals import Member
from base.channels import API, MEMBER_WEB
from base.errors import field_errors
from base.http.api import Blueprint
from base.http.settings import config
from catalog.offers import listing, offers
from catalog.offers.listing import Asked, Reader
from catalog.offers.schemas import OfferQuery, OffersQuery, OffersView, OfferView, offer_view, offers_json
from points import programmes

blueprint = Blueprint("offers", __name__, description="Offers")


@blueprint.route("/offers")
@blueprint.arguments(OffersQuery, location="query")
@blueprint.response(200, OffersView)
@needs("offers:read")
def list_offers(query: dict[str, Any]) -> Response:
    """Live offers of the caller's programme; `affordable=true` keeps those that the member has the points for."""
    sort = query["sort"]
    key = f"offers:{config().secret_key}" if sort == "kind" else f"offers:{sort}:{config().secret_key}"
    place = pages.position(key, query["cursor"])
    asked = Asked(
        query["kind"], query["category"], query["area"], query["q"] or "", query["affordable"], sort
    )
    with database.reading() as session:
        reader = _reader(session, query["programme"])
        after = (place[0], place[1]) if place else None
        page = listing.page(session, reader, asked, after=after, limit=query["limit"])
    cursor = pages.cursor(key, *page.next) if page.next else None
    body = offers_json(page, reader.catalogue.programme.currency, cursor)
    return current_app.response_class(body, mimetype="application/json")


@blueprint.route("/offers/<offer>")
@blueprint.arguments(OfferQuery, location="query")
@blueprint.response(200, OfferView)
@needs("offers:read")
def one_offer(query: dict[str, Any], offer: str) -> dict[str, Any]:
    """One offer as it is, or as it was at a moment: its version and the price of that day; what is closed is so now."""
    (offer_id,) = ids.parse("off", offer, parts=1)
    asked = query["at"]
    with database.reading() as session:
        reader = _reader(session, query["programme"])
        at = offers.moment_asked(asked, reader.at)
        shown = (
            listing.as_it_was(session, reader, offer_id, at)
            if asked
            else listing.one(session, reader, offer_id)
        )
        return offer_view(shown, reader.catalogue.programme.currency)


def _reader(session: Session, code: str | None) -> Reader:
    """The caller in the own programme; staff, who work for all of them, name one."""
    caller, at = current(), clock.now()
    if isinstance(caller, Member):
        return listing.reader(session, caller.programme_id, caller.member_id, at, MEMBER_WEB)
    return listing.reader(session, _programme(session, code), None, at, API)


def _programme(session: Session, code: str | None) -> int:
    own: int | None = getattr(current(), "programme_id", None)
    if own is not None:
        return own
    if code is None:
        choices = ", ".join(programme.code for programme in programmes.every(session))
        raise field_errors({"programme": f"name one of: {choices}"})
    return programmes.by_code(session, code).programme_id
