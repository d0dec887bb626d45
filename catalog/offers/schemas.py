"""JSON of offers."""

from typing import Any

import marshmallow as ma

from base import ids
from base.errors import Problem
from base.http.api import MoneyView, Request, View
from base.web.i18n import current_language
from catalog.offers.offers import Listed
from catalog.rates import rates
from points.models import Programme
from points.wallets.schemas import PageQuery

KINDS = ("bill_credit", "voucher", "perk", "event", "gift")


class OfferQuery(Request):
    """Whose offer."""

    programme = ma.fields.String(load_default=None, metadata={"description": "its code; needed by staff"})


class OffersQuery(PageQuery):
    """Which offers."""

    kind = ma.fields.String(load_default=None, validate=ma.validate.OneOf(KINDS))
    affordable = ma.fields.Boolean(load_default=False)
    programme = ma.fields.String(load_default=None, metadata={"description": "its code; needed by staff"})


class OfferView(View):
    """An offer with its price of today and, where it is closed to the caller, why."""

    id = ma.fields.String()
    code = ma.fields.String()
    kind = ma.fields.String()
    category = ma.fields.String()
    city = ma.fields.String(allow_none=True)
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    texts = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    value = ma.fields.Nested(MoneyView)
    price_points = ma.fields.Integer()
    fen_per_100_points = ma.fields.Integer(metadata={"description": "what 100 points buy here"})
    premium_percent = ma.fields.Integer(
        allow_none=True,
        metadata={"description": "what a point is worth here above bill credit; may be negative"},
    )
    most_units = ma.fields.Integer()
    left_over = ma.fields.Integer(allow_none=True)
    cancellable = ma.fields.Boolean()
    event_at = ma.fields.AwareDateTime(allow_none=True)
    affordable = ma.fields.Boolean(allow_none=True)
    closed = ma.fields.Dict(allow_none=True, metadata={"description": "type and title, where it is not open"})


class OffersView(View):
    """A page of offers."""

    data = ma.fields.List(ma.fields.Nested(OfferView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def offer_view(
    listed: Listed,
    programme: Programme,
    price_points: int,
    own_worth_fen: int,
    spendable: int | None,
    closed: Problem | None,
) -> dict[str, Any]:
    """The offer as OfferView. `own_worth_fen`: what its price is worth as bill credit."""
    offer = listed.offer
    return {
        "id": ids.public("off", offer.offer_id),
        "code": offer.code,
        "kind": offer.kind,
        "category": offer.category,
        "city": offer.city,
        "names": offer.names,
        "texts": offer.texts,
        "value": {"amount_fen": offer.value_fen, "currency": programme.currency},
        "price_points": price_points,
        "fen_per_100_points": rates.fen_per_100(price_points, offer.value_fen),
        "premium_percent": premium_percent(offer.value_fen, own_worth_fen),
        "most_units": offer.most_units,
        "left_over": listed.left_over,
        "cancellable": offer.cancellable,
        "event_at": offer.event_at,
        "affordable": None if spendable is None else spendable >= price_points,
        "closed": {"type": f"/problems/{closed.type_name()}", "title": closed.title(current_language())}
        if closed
        else None,
    }


def premium_percent(value_fen: int, own_worth_fen: int) -> int | None:
    """How much more (or less) the points are worth here than as bill credit, whole percent, rounded down."""
    return (value_fen - own_worth_fen) * 100 // own_worth_fen if own_worth_fen else None
