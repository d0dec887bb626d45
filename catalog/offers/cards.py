"""What is shown of an offer wherever a member sees it; the pages that draw it are in base/web/templates/offers.html. Pure."""

from dataclasses import dataclass

from base import ids
from base.errors import Problem
from catalog.offers.models import Offer


@dataclass(frozen=True)
class Card:
    """An offer for one member, or for nobody in particular. `missing`: points still needed; `premium`: percent above bill credit;
    `fen_per_100`: what 100 points buy; `limits`: how many there may be, in sentences.
    """

    offer: Offer
    left_over: int | None
    price_points: int
    premium: int | None
    missing: int
    closed: Problem | None
    fen_per_100: int
    limits: list[dict[str, str]]

    @property
    def id(self) -> str:
        return ids.public("off", self.offer.offer_id)

    @property
    def is_open(self) -> bool:
        return self.closed is None

    @property
    def affordable(self) -> bool:
        return self.missing == 0
