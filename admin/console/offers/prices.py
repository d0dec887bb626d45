"""What an offer takes in points today, and what it is worth beside the same points as bill credit. Pure."""

from dataclasses import dataclass

from base.money import BASIS_POINTS
from catalog.offers.models import Offer
from catalog.rates import rates
from catalog.rates.scopes import Book


@dataclass(frozen=True)
class Priced:
    """`premium_bp`: worth against the same points as bill credit, basis points more; None where there is no rate."""

    price_points: int | None
    premium_bp: int | None
    fen_per_100: int | None
    credit_fen: int | None


def of(offer: Offer, book: Book) -> Priced:
    """An offer at the rates of a day."""
    rate = rates.find(book, offer)
    if rate is None:
        return Priced(None, None, None, None)
    points = rates.price(rate, offer.value_fen)
    credit = rates.worth(book, points)
    premium = offer.value_fen * BASIS_POINTS // credit - BASIS_POINTS if credit else None
    return Priced(points, premium, rates.fen_per_100(points, offer.value_fen), credit or None)
