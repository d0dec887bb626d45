"""JSON of offers."""

import json
from datetime import datetime
from typing import Any

import marshmallow as ma

from base import ids
from base.errors import Problem
from base.http.api import MoneyView, Request, Text, View
from base.web.i18n import current_language
from catalog.offers.catalogue import ORDERS, Item
from catalog.offers.listing import Page, Shown
from points.members.areas import AREA
from points.wallets.schemas import PageQuery

KINDS = ("bill_credit", "voucher", "perk", "event", "goods", "service", "bundle", "gift")


class OfferQuery(Request):
    """Whose offer, and as of when."""

    programme = ma.fields.String(load_default=None, metadata={"description": "its code; needed by staff"})
    at = ma.fields.AwareDateTime(
        load_default=None,
        metadata={"description": "the version and the price of that moment; left out: of now"},
    )


class OffersQuery(PageQuery):
    """Which offers."""

    kind = ma.fields.String(load_default=None, validate=ma.validate.OneOf(KINDS))
    category = Text(most=64, load_default=None)
    area = ma.fields.String(
        load_default=None,
        validate=ma.validate.Regexp(AREA),
        metadata={"description": "code of an area in which it is to be had"},
    )
    q = Text(most=100, load_default=None, metadata={"description": "words that names or texts hold"})
    affordable = ma.fields.Boolean(load_default=False)
    sort = ma.fields.String(
        load_default="kind",
        validate=ma.validate.OneOf(tuple(ORDERS)),
        metadata={"description": "fen_per_100: the most valuable first; price: the cheapest first"},
    )
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
    is_worth_less = ma.fields.Boolean(
        metadata={"description": "the points would be worth more as bill credit; show it with the price"}
    )
    cash_choices_fen = ma.fields.List(
        ma.fields.Integer(), metadata={"description": "how much of a unit may be paid in money instead"}
    )
    most_units = ma.fields.Integer()
    left_over = ma.fields.Integer(allow_none=True)
    cancellable = ma.fields.Boolean()
    event_at = ma.fields.AwareDateTime(allow_none=True)
    affordable = ma.fields.Boolean(allow_none=True)
    closed = ma.fields.Dict(
        allow_none=True,
        metadata={
            "description": "where it is not open to the caller: type, title, detail, maybe possible_from"
        },
    )
    version = ma.fields.String()
    from_at = ma.fields.AwareDateTime(metadata={"description": "since when it is like that"})
    until_at = ma.fields.AwareDateTime(allow_none=True)
    terms = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    form = ma.fields.Dict(
        metadata={"description": "what only its kind knows: places, days, shares, prices by the month"}
    )
    pictures = ma.fields.List(ma.fields.String(), metadata={"description": "where each one is"})


class OffersView(View):
    """A page of offers."""

    data = ma.fields.List(ma.fields.Nested(OfferView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def offer_view(shown: Shown, currency: str) -> dict[str, Any]:
    """The offer as OfferView."""
    return _for_all(shown.item, currency) | {
        "left_over": shown.left_over,
        "affordable": shown.affordable,
        "closed": closed_view(shown.closed, current_language()),
    }


def offers_json(page: Page, currency: str, next_cursor: str | None) -> str:
    """A page as OffersView, as JSON at once: what is the same for all readers is made once and kept with the offer."""
    language = current_language()
    rows = ",".join(_row(shown, currency, language) for shown in page.rows)
    more = json.dumps({"next_cursor": next_cursor, "has_more": next_cursor is not None})
    return f'{{"data":[{rows}],{more[1:]}'


def _row(shown: Shown, currency: str, language: str) -> str:
    kept = shown.item.kept
    if "json" not in kept:
        kept["json"] = _dumped(_for_all(shown.item, currency))[:-1]
    left = "null" if shown.left_over is None else shown.left_over
    affordable = "null" if shown.affordable is None else "true" if shown.affordable else "false"
    closed = _dumped(closed_view(shown.closed, language)) if shown.closed else "null"
    return f'{kept["json"]},"left_over":{left},"affordable":{affordable},"closed":{closed}}}'


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=datetime.isoformat)


def _for_all(item: Item, currency: str) -> dict[str, Any]:
    """What of an offer is the same for all who have this price."""
    offer = item.offer
    return {
        "id": ids.public("off", offer.offer_id),
        "code": offer.code,
        "kind": offer.kind,
        "category": offer.category,
        "city": offer.city,
        "names": offer.names,
        "texts": offer.texts,
        "value": {"amount_fen": offer.value_fen, "currency": currency},
        "price_points": item.price_points,
        "fen_per_100_points": item.fen_per_100,
        "premium_percent": premium_percent(offer.value_fen, item.worth_fen),
        "is_worth_less": offer.value_fen < item.worth_fen,
        "cash_choices_fen": offer.cash_choices,
        "most_units": offer.most_units,
        "cancellable": offer.cancellable,
        "event_at": offer.event_at,
        "version": ids.public("ofv", offer.version_id),
        "from_at": offer.from_at,
        "until_at": offer.until_at,
        "terms": offer.terms,
        "form": offer.form,
        "pictures": [f"/pictures/{name}" for name in offer.pictures],
    }


def closed_view(closed: Problem | None, language: str) -> dict[str, Any] | None:
    """Why it is closed to the caller, in a language, and from when it will be open if that is known."""
    if closed is None:
        return None
    title, said = closed.title(language), closed.facts.get("explanation", {})
    view = {"type": f"/problems/{closed.type_name()}", "title": title, "detail": said.get(language, title)}
    moment = closed.facts.get("possible_from")
    return view | ({"possible_from": moment} if moment else {})


def premium_percent(value_fen: int, own_worth_fen: int) -> int | None:
    """How much more (or less) the points are worth here than as bill credit, whole percent, rounded down."""
    return (value_fen - own_worth_fen) * 100 // own_worth_fen if own_worth_fen else None
