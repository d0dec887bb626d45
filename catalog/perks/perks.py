"""Club perks on the course of redemptions: given in the redemption's own transaction."""

from datetime import datetime

from sqlalchemy.orm import Session

from catalog.offers.models import PERK, Offer
from catalog.redemptions.courses import Course
from catalog.redemptions.models import Redemption


def _give(session: Session, redemption: Redemption, offer: Offer, at: datetime) -> None:
    """The redemption itself is the right to one use."""


def _take_back(session: Session, redemption: Redemption, offer: Offer, new: str, at: datetime) -> None:
    """The right ends with the redemption."""


COURSE = Course(PERK, holds=False, begin=_give, take_back=_take_back)
