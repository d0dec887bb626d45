"""Offers as the member sees them: the price of today, what it is worth, and what stands in the way."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy.orm import Session

from base import ids
from base.channels import MEMBER_WEB
from base.errors import Problem
from catalog.offers import listing
from catalog.offers.catalogue import Item, Place
from catalog.offers.listing import Asked, Reader
from catalog.offers.models import Offer
from catalog.offers.schemas import premium_percent
from catalog.rates.rates import NoRateInForce
from points.wallets.wallets import Shown

BATCH = 10
NEAR = 2
SORTS = ("price", "fen_per_100")


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


def page(
    session: Session, shown: Shown, at: datetime, asked: Asked, *, after: Place | None, limit: int
) -> tuple[list[Card], Place | None]:
    """Up to `limit` cards in the order asked for, and the place of the last one if there are more."""
    reader = _reader(session, shown, at)
    found = listing.page(session, reader, asked, after=after, limit=limit)
    return [_card(shown, row) for row in found.rows], found.next


def one(session: Session, shown: Shown, at: datetime, offer_id: int) -> Card | None:
    """One card; None: the offer has no price. OfferUnknown."""
    try:
        return _card(shown, listing.one(session, _reader(session, shown, at), offer_id))
    except NoRateInForce:
        return None


def near(session: Session, shown: Shown, at: datetime) -> list[Card]:
    """The best that the member can have now, and what is nearest beyond that."""
    reader = _reader(session, shown, at)
    items = list(listing.fitting(reader, Asked(sort="price")))
    now = [item for item in items if item.price_points <= shown.spendable]
    now.sort(key=lambda item: (-(_premium(item) or 0), -item.price_points))
    soon = [item for item in items if item.price_points > shown.spendable]
    return [card for part in (now, soon) for card in islice(_open(session, shown, reader, part), NEAR)]


def _open(session: Session, shown: Shown, reader: Reader, items: Iterable[Item]) -> Iterator[Card]:
    left = iter(items)
    while batch := list(islice(left, BATCH)):
        cards = [_card(shown, row) for row in listing.shown(session, reader, batch)]
        yield from (card for card in cards if card.is_open)


def _reader(session: Session, shown: Shown, at: datetime) -> Reader:
    return listing.reader(session, shown.programme.programme_id, shown.wallet.member_id, at, MEMBER_WEB)


def _premium(item: Item) -> int | None:
    return premium_percent(item.offer.value_fen, item.worth_fen)


def _card(shown: Shown, row: listing.Shown) -> Card:
    return Card(
        offer=row.item.offer,
        left_over=row.left_over,
        price_points=row.item.price_points,
        premium=_premium(row.item),
        missing=max(0, row.item.price_points - shown.spendable),
        closed=row.closed,
    )
