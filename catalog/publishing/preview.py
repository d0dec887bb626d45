"""What members would see of a draft, and what it comes to: points, worth beside bill credit, cost of all there are. Nothing is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from base import clock
from base.errors import Problem
from catalog.bundles import parts
from catalog.offers import forms, limits
from catalog.offers.cards import Card
from catalog.offers.models import PERK, VOUCHER, Offer
from catalog.perks import forms as perks
from catalog.publishing import costs, matching
from catalog.publishing.costs import Concern
from catalog.rates import rates
from catalog.services.orders import Service
from catalog.stock.models import Stock
from catalog.vouchers import conditions
from merchants import merchants
from merchants.models import Merchant, Outlet
from points.models import Programme

One = TypeVar("One")


@dataclass(frozen=True)
class Preview:
    """The offer as its page shows it, for nobody in particular. `card` None: it has no price.

    `credit_fen`: what its points are worth as bill credit; `credit_per_100`: what 100 points are; `units`: how many there are
    (None: no limit, or not said yet); `whole_cost_fen`: what all of them cost.
    """

    offer: Offer
    card: Card | None
    merchant: Merchant | None
    outlets: list[Outlet]
    conditions: list[dict[str, str]]
    services: list[tuple[Offer, Service]]
    closed_days: list[date]
    credit_fen: int | None
    credit_per_100: int | None
    units: int | None
    whole_cost_fen: int | None
    concerns: list[Concern]


def of(session: Session, programme: Programme, kind: str, content: dict[str, Any], at: datetime, *, offer_id: int | None = None) -> Preview:  # fmt: skip
    """A content as members would see it; what cannot be read of it is left out."""
    values, _unknown = matching.values(session, content)
    offer = Offer(kind=kind, code="", programme_id=programme.programme_id, offer_id=offer_id or 0, **values)
    known = session.get(Stock, offer_id) if offer_id is not None else None
    units = known.total if known else content.get("stock")
    left_over = known.left_over if known else units
    book = rates.load(session, programme.programme_id, clock.day(at, programme.zone))
    rate = rates.find(book, offer) if offer.value_fen and offer.value_fen > 0 else None
    points = rates.price(rate, offer.value_fen) if rate else None
    credit = rates.worth(book, points) if points is not None else None
    merchant = merchants.by_id(session, offer.merchant_id) if offer.merchant_id is not None else None
    cost = content.get("cost_fen")
    return Preview(
        offer=offer,
        card=_card(offer, left_over, points, credit) if points is not None else None,
        merchant=merchant,
        outlets=_read(lambda: conditions.outlets(session, offer)) if merchant else [],
        conditions=_read(lambda: conditions.said(session, offer)) if kind == VOUCHER else [],
        services=_read(lambda: _sound(session, offer, lambda: parts.services_in(session, offer, at))),
        closed_days=_read(
            lambda: _sound(session, offer, lambda: _closed(offer, clock.day(at, programme.zone)))
        ),
        credit_fen=credit,
        credit_per_100=rates.worth(book, 100) or None,
        units=units,
        whole_cost_fen=units * cost if units is not None and cost is not None else None,
        concerns=costs.concerns(kind, content, credit),
    )


def _card(offer: Offer, left_over: int | None, points: int, credit: int | None) -> Card:
    return Card(
        offer=offer,
        left_over=left_over,
        price_points=points,
        premium=(offer.value_fen - credit) * 100 // credit if credit else None,
        missing=0,
        closed=None,
        fen_per_100=rates.fen_per_100(points, offer.value_fen),
        limits=_read(lambda: limits.said(limits.of(offer.limits))),
    )


def _closed(offer: Offer, today: date) -> list[date]:
    return sorted(day for day in perks.of(offer).blackout_days if day >= today) if offer.kind == PERK else []


def _sound(session: Session, offer: Offer, what: Callable[[], list[One]]) -> list[One]:
    forms.check(offer, session)
    return what()


def _read(what: Callable[[], list[One]]) -> list[One]:
    """Nothing, where a part of a draft cannot be read yet."""
    try:
        return what()
    except Problem:
        return []
