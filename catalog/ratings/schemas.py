"""JSON of ratings."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import Request, View, WholeNumber
from catalog.ratings.outlets import OutletSum
from catalog.ratings.ratings import Standing
from catalog.ratings.words import MOST_WORDS, REASONS, STARS


class RatingRequest(Request):
    """What is said of a redemption that was used."""

    stars = WholeNumber(least=min(STARS), most=max(STARS), required=True)
    reasons = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(list(REASONS))),
        load_default=list,
        validate=ma.validate.Length(max=len(REASONS)),
        metadata={"description": "what made the difference"},
    )
    words = ma.fields.String(
        load_default="",
        metadata={"description": f"up to {MOST_WORDS} characters; kept under the rater's own key"},
    )


class GivenRatingView(View):
    """A rating as it was given; words are never said again here."""

    redemption = ma.fields.String()
    stars = ma.fields.Integer()
    reasons = ma.fields.List(ma.fields.String())
    at = ma.fields.String()
    first_at = ma.fields.String()
    may_change_until = ma.fields.String()
    complaint = ma.fields.String(
        allow_none=True, metadata={"description": "after few stars with words: where one can complain"}
    )


class RatingView(View):
    """Whether a redemption may be rated, until when, or why not; and what was said, null where nothing was."""

    redemption = ma.fields.String()
    may_rate = ma.fields.Boolean()
    why_not = ma.fields.String(allow_none=True, metadata={"description": "type of the refusal"})
    used_at = ma.fields.AwareDateTime(allow_none=True)
    until = ma.fields.AwareDateTime(allow_none=True)
    stars = ma.fields.Integer(allow_none=True)
    reasons = ma.fields.List(ma.fields.String())
    words = ma.fields.String(allow_none=True)
    at = ma.fields.AwareDateTime(allow_none=True)


class OutletSumView(View):
    """An outlet: how often it was rated, the average in tenths of a star."""

    outlet = ma.fields.String()
    count = ma.fields.Integer()
    average_tenths = ma.fields.Integer()


class OutletSumsView(View):
    """The outlets in reach that were rated often enough, over a year until today."""

    data = ma.fields.List(ma.fields.Nested(OutletSumView))
    fewest = ma.fields.Integer(metadata={"description": "an outlet with fewer ratings is left out"})


def given_view(now: Standing) -> dict[str, Any]:
    """What was given as GivenRatingView; plain JSON, for it is stored with the idempotency key (never the words)."""
    row = now.rating
    assert row is not None
    assert now.until is not None
    public = ids.public("red", row.member_id, row.redemption_id)
    return {
        "redemption": public,
        "stars": row.stars,
        "reasons": list(row.reasons),
        "at": row.at.isoformat(),
        "first_at": row.first_at.isoformat(),
        "may_change_until": now.until.isoformat(),
        "complaint": complaint_url(public) if now.may_complain else None,
    }


def rating_view(now: Standing) -> dict[str, Any]:
    """Where it stands as RatingView."""
    row = now.redemption
    return {
        "redemption": ids.public("red", row.member_id, row.redemption_id),
        "may_rate": now.refusal is None,
        "why_not": now.refusal.type_name() if now.refusal else None,
        "used_at": now.use.used_at if now.use else None,
        "until": now.until,
        "stars": now.said.stars if now.said else None,
        "reasons": list(now.said.reasons) if now.said else [],
        "words": now.said.words or None if now.said else None,
        "at": now.rating.at if now.rating else None,
    }


def outlet_view(one: OutletSum) -> dict[str, Any]:
    """An outlet as OutletSumView."""
    return {
        "outlet": ids.public("out", one.outlet.outlet_id),
        "count": one.number,
        "average_tenths": one.average_tenths,
    }


def complaint_url(redemption: str) -> str:
    """Where a member complains about a redemption."""
    return f"/help/new?about={redemption}"
