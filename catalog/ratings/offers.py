"""What the operator's people see of an offer's ratings: number and average of a year, of whole days that are over."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from base import clock
from catalog.ratings.models import Rating
from catalog.ratings.outlets import FEWEST, PERIOD


class OfferSum(NamedTuple):
    """How many rated what they had of an offer, and the average in tenths of a star."""

    number: int
    average_tenths: int


def of_offer(session: Session, offer_id: int, zone: str, at: datetime) -> OfferSum | None:
    """The sum of one offer; None while fewer than FEWEST rated it."""
    until = clock.start_of(clock.day(at, zone), zone)
    latest: Any = (
        select(Rating.stars)
        .ext(distinct_on(Rating.member_id, Rating.redemption_id))
        .where(Rating.offer_id == offer_id, Rating.at < until, Rating.first_at >= until - PERIOD)
        .order_by(Rating.member_id, Rating.redemption_id, Rating.no.desc())
    ).subquery()
    number, stars = session.execute(select(func.count(), func.sum(latest.c.stars))).one()
    if number < FEWEST:
        return None
    return OfferSum(number, (int(stars) * 20 + number) // (2 * number))
