"""The merchant's page for points: the packs it bought with what is left of each, and what members earned at its outlets."""

from datetime import datetime

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.merchant.frame import PAGE, cut, errors_on, page, position, reach
from base import clock, database
from base.auth.guard import current, needs
from merchants import merchants
from merchants.earnings import earnings, listing
from merchants.outlets import outlets
from merchants.outlets.outlets import MOST_OUTLETS
from merchants.packs import packs

MOST_PACKS = 20

blueprint = Blueprint("merchant_points", __name__, template_folder="templates", url_prefix="/merchant")
errors_on(blueprint)


@blueprint.route("/points")
@needs("acceptances:merchant")
def points() -> ResponseReturnValue:
    """Earnings, the newest first; above them, for finance and owners, the latest packs."""
    place = position()
    before = (datetime.fromisoformat(place[0]), int(place[1])) if place else None
    with database.begin() as session:
        mine = reach(session)
        found = listing.listed(session, mine, before=before, limit=PAGE + 1)
        rows, after = cut(found, lambda one: [one.earning.recorded_at.isoformat(), one.earning.earning_id])
        names = {one.outlet_id: one.names for one in outlets.listed(session, mine, limit=MOST_OUTLETS)}
        bought = "packs:own" in current().permissions
        shown = packs.listed(session, mine.merchant_id, limit=MOST_PACKS) if bought else []
        today = clock.day(clock.now(), merchants.zone_of(session, mine.merchant_id))
    return page(
        "merchant/points.html",
        rows=[(one, earnings.public_id(one.earning), names.get(one.earning.outlet_id)) for one in rows],
        after=after,
        bought=bought,
        packs=[(one, packs.standing(one, today)) for one in shown],
    )
