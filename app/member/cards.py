"""Offers as the member sees them: the price of today, what it is worth, and what stands in the way."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from base import ids
from base.errors import Problem
from catalog.offers import offers
from catalog.offers.models import Offer
from catalog.offers.offers import Listed
from catalog.offers.schemas import premium_percent
from catalog.rates import rates
from catalog.rates.rates import NoRateInForce
from catalog.rates.scopes import Book
from points.members import facts
from points.members.facts import Facts
from points.wallets.wallets import Shown

BATCH = 60
NEAR = 2
LAST_ID = 2**63 - 1


@dataclass(frozen=True)
class Card:
    """An offer for one member. `missing`: points still needed; `premium`: percent above bill credit."""

    offer: Offer
    left_over: int | None
    price_points: int
    premium: int | None
    missing: int
    closed: Problem | None

    @property
    def id(self) -> str:
        return ids.public("off", self.offer.offer_id)

    @property
    def is_open(self) -> bool:
        return self.closed is None

    @property
    def affordable(self) -> bool:
        return self.missing == 0


def of(session: Session, shown: Shown, rows: Iterable[Listed], at: datetime) -> list[Card]:
    """Offers with their prices for this wallet; one without a price is left out."""
    begun = rates.load(session, shown.programme.programme_id, shown.on)
    who = facts.of(session, shown.wallet.member_id, shown.on) if begun.asks_who else None
    return [card for row in rows if (card := _card(begun, who, shown, row, at))]


def page(
    session: Session,
    shown: Shown,
    at: datetime,
    *,
    kind: str | None,
    affordable: bool,
    after: tuple[int, int] | None,
    limit: int,
) -> list[Card]:
    """Up to `limit` cards, cheapest first; reads on until the page is full or the offers are at their end."""
    found: list[Card] = []
    while len(found) < limit:
        rows = offers.cheapest(session, shown.programme.programme_id, at, kind=kind, after=after, limit=BATCH)
        found += [card for card in of(session, shown, rows, at) if card.affordable or not affordable]
        if len(rows) < BATCH:
            break
        after = place(rows[-1].offer)
    return found[:limit]


def near(session: Session, shown: Shown, at: datetime, worth_fen: int) -> list[Card]:
    """The best that the member can have now, and what is nearest beyond that."""
    programme_id = shown.programme.programme_id
    rows = offers.cheapest(session, programme_id, at, limit=BATCH)
    rows += offers.cheapest(session, programme_id, at, after=(worth_fen, LAST_ID), limit=BATCH)
    seen = {row.offer.offer_id: row for row in rows}
    cards = [card for card in of(session, shown, seen.values(), at) if card.is_open]
    now = sorted((c for c in cards if c.affordable), key=lambda c: (-(c.premium or 0), -c.price_points))
    soon = sorted((c for c in cards if not c.affordable), key=lambda c: c.missing)
    return now[:NEAR] + soon[:NEAR]


def place(offer: Offer) -> tuple[int, int]:
    """An offer's position in the list, cheapest first."""
    return offer.value_fen, offer.offer_id


def _card(begun: Book, who: Facts | None, shown: Shown, row: Listed, at: datetime) -> Card | None:
    try:
        price = rates.price(rates.resolve(begun, row.offer, who), row.offer.value_fen)
    except NoRateInForce:
        return None
    return Card(
        offer=row.offer,
        left_over=row.left_over,
        price_points=price,
        premium=premium_percent(row.offer.value_fen, rates.worth(begun, price)),
        missing=max(0, price - shown.spendable),
        closed=offers.why_closed(row, at),
    )
