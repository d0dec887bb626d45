"""Offers as the member sees them: the price of today, what it is worth, and what stands in the way."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy.orm import Session

from base.channels import MEMBER_WEB
from catalog.offers import categories, limits, listing
from catalog.offers.cards import Card
from catalog.offers.catalogue import Item, Place
from catalog.offers.listing import Asked, Reader
from catalog.offers.schemas import premium_percent
from catalog.rates.rates import NoRateInForce
from points.members import areas
from points.wallets.wallets import Shown

BATCH = 10
NEAR = 2
SORTS = ("price", "fen_per_100")


@dataclass(frozen=True)
class Shelf:
    """A page of cards, the place of the last one if there are more, and by what the list can be narrowed: codes with names."""

    cards: list[Card]
    next: Place | None
    categories: list[tuple[str, dict[str, str]]]
    areas: list[tuple[str, dict[str, str]]]


def page(
    session: Session, shown: Shown, at: datetime, asked: Asked, *, after: Place | None, limit: int
) -> Shelf:
    """Up to `limit` cards in the order asked for."""
    reader = reader_of(session, shown, at)
    found = listing.page(session, reader, asked, after=after, limit=limit)
    kept, codes = listing.choices(reader)
    named = {code: areas.full_name(session, code) for code in codes}
    return Shelf(
        [_card(shown, row) for row in found.rows],
        found.next,
        [(code, categories.names_of(code)) for code in kept],
        [(code, names) for code, names in named.items() if names],
    )


def one(session: Session, shown: Shown, at: datetime, offer_id: int) -> Card | None:
    """One card; None: the offer has no price. OfferUnknown."""
    try:
        return _card(shown, listing.one(session, reader_of(session, shown, at), offer_id))
    except NoRateInForce:
        return None


def near(session: Session, reader: Reader, shown: Shown) -> list[Card]:
    """The best that the member can have now, and what is nearest beyond that."""
    items = list(listing.fitting(reader, Asked(sort="price")))
    now = [item for item in items if item.price_points <= shown.spendable]
    now.sort(key=lambda item: (-(_premium(item) or 0), -item.price_points))
    soon = [item for item in items if item.price_points > shown.spendable]
    looked = listing.shown(session, reader, [*now[:BATCH], *soon[:BATCH]])  # which mostly is enough of both
    of_now = len(now[:BATCH])
    best = islice(_open(session, reader, looked[:of_now], now[BATCH:]), NEAR)
    next_ones = islice(_open(session, reader, looked[of_now:], soon[BATCH:]), NEAR)
    return [_card(shown, row) for row in (*best, *next_ones)]


def _open(
    session: Session, reader: Reader, begun: list[listing.Shown], rest: Iterable[Item]
) -> Iterator[listing.Shown]:
    """Those that the member can have at once: of the offers that were looked at, then batch by batch of the rest."""
    left = iter(rest)
    while begun:
        yield from (row for row in begun if row.closed is None)
        begun = listing.shown(session, reader, list(islice(left, BATCH)))


def reader_of(session: Session, shown: Shown, at: datetime) -> Reader:
    """The member as a reader of the list of offers."""
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
        fen_per_100=row.item.fen_per_100,
        limits=limits.said(row.item.entry.limits),
    )
