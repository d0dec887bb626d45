"""HTTP: a member rates what was used; a merchant's people see averages by outlet."""

from typing import Any

from flask import Response

from base import clock, database, ids, seals
from base.auth.guard import current, needs
from base.auth.principals import Member
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from catalog.ratings import outlets, ratings
from catalog.ratings.schemas import (
    GivenRatingView,
    OutletSumsView,
    RatingRequest,
    RatingView,
    given_view,
    outlet_view,
    rating_view,
)
from merchants import scope

blueprint = Blueprint("ratings", __name__, description="Ratings of what was redeemed and used")


@blueprint.route("/redemptions/<redemption>/rating")
@blueprint.response(200, RatingView)
@needs("redemptions:own")
def one_rating(redemption: str) -> dict[str, Any]:
    """What was said of a redemption, and whether something may be said."""
    place = ids.parse("red", redemption)
    with database.begin() as session:
        return rating_view(
            ratings.standing(session, config().seal_key, _me(), (place[0], place[1]), clock.now())
        )


@blueprint.route("/redemptions/<redemption>/rating", methods=["POST"])
@blueprint.arguments(RatingRequest)
@blueprint.response(201, GivenRatingView)
@blueprint.doc(**IDEMPOTENT)
@needs("redemptions:own")
def rate(asked: dict[str, Any], redemption: str) -> Response:
    """Rate what was used, or say it anew within a week. Needs Idempotency-Key."""
    member_id, redemption_id = ids.parse("red", redemption)
    said = ratings.checked(asked["stars"], asked["reasons"], asked["words"])
    kept = asked | {"words": seals.blind(config().secret_key, "rating", said.words).hex()}
    with database.begin() as session:

        def effect() -> tuple[int, dict[str, Any]]:
            place = (member_id, redemption_id)
            return 201, given_view(ratings.rate(session, config().seal_key, _me(), place, said, clock.now()))

        return answer_once(session, member_id, kept, effect)


@blueprint.route("/merchant/ratings")
@blueprint.response(200, OutletSumsView)
@needs("ratings:merchant")
def of_outlets() -> dict[str, Any]:
    """Average and number of ratings by outlet in reach, over a year until today; outlets rated less than five times are left out."""
    with database.begin() as session:
        found = outlets.sums(session, scope.reach_of(session, current()), clock.now())
    return {"data": [outlet_view(one) for one in found], "fewest": outlets.FEWEST}


def _me() -> int:
    principal = current()
    assert isinstance(principal, Member)
    return principal.member_id
