"""HTTP: what the outlets in reach of a merchant's person accepted on a day."""

from datetime import datetime
from typing import Any

from base import clock, database, pages
from base.auth.guard import current, needs
from base.http.api import Blueprint
from base.http.settings import config
from merchants import scope
from merchants.takings import takings
from merchants.takings.schemas import DayQuery, SumsView, TakingsQuery, TakingsView, sum_view, taken_view
from merchants.takings.takings import Wanted

blueprint = Blueprint("takings", __name__, description="What a merchant's outlets accepted")


@blueprint.route("/merchant/acceptances")
@blueprint.arguments(TakingsQuery, location="query")
@blueprint.response(200, TakingsView)
@needs("acceptances:merchant")
def list_them(query: dict[str, Any]) -> dict[str, Any]:
    """The acceptances of a day in the caller's outlets, the newest first; those that were undone say so."""
    with database.begin() as session:
        reach = scope.reach_of(session, current())
        key = f"takings:{reach.merchant_id}:{config().secret_key}"
        place = pages.position(key, query["cursor"])
        before = (datetime.fromisoformat(place[0]), int(place[1])) if place else None
        on = query["on"] or takings.today(session, reach, clock.now())
        rows = takings.listed(session, reach, Wanted(on, on), before=before, limit=query["limit"] + 1)
    return pages.page(
        key,
        rows,
        query["limit"],
        lambda one: [one.acceptance.recorded_at.isoformat(), one.acceptance.acceptance_id],
        taken_view,
    )


@blueprint.route("/merchant/sums")
@blueprint.arguments(DayQuery, location="query")
@blueprint.response(200, SumsView)
@needs("acceptances:merchant")
def sums(query: dict[str, Any]) -> dict[str, Any]:
    """A day added up, clerk by clerk, in the caller's outlets."""
    with database.begin() as session:
        reach = scope.reach_of(session, current())
        on = query["on"] or takings.today(session, reach, clock.now())
        return {"on": on, "data": [sum_view(one) for one in takings.by_clerk(session, reach, on)]}
