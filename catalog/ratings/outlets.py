"""What a merchant's own people see of ratings: average and number by outlet, of whole days that are over, and never who.

An outlet with fewer than five is left out; days that are not over are left out too, so that nobody at the till can tell which
guest of today said what.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from base import clock
from catalog.ratings.models import Rating
from merchants import merchants, scope
from merchants.models import Outlet
from merchants.scope import Reach

FEWEST = 5
PERIOD = timedelta(days=365)


class OutletSum(NamedTuple):
    """An outlet, how many rated what they used there, and the average in tenths of a star."""

    outlet: Outlet
    number: int
    average_tenths: int


def sums(session: Session, reach: Reach, at: datetime) -> list[OutletSum]:
    """The outlets in reach that were rated at least FEWEST times in a year, in the order in which they came."""
    zone = merchants.zone_of(session, reach.merchant_id)
    until = clock.start_of(clock.day(at, zone), zone)
    newest: Any = (
        select(Rating.outlet_id, Rating.stars)
        .ext(distinct_on(Rating.member_id, Rating.redemption_id))
        .where(Rating.at < until, Rating.first_at >= until - PERIOD, Rating.outlet_id.is_not(None))
        .order_by(Rating.member_id, Rating.redemption_id, Rating.no.desc())
    )
    latest = scope.ours(reach, newest, Rating.merchant_id, Rating.outlet_id).subquery()
    asked = (
        select(Outlet, func.count(), func.sum(latest.c.stars))
        .join(latest, latest.c.outlet_id == Outlet.outlet_id)
        .group_by(Outlet.outlet_id)
        .having(func.count() >= FEWEST)
        .order_by(Outlet.outlet_id)
    )
    return [
        OutletSum(outlet, number, (int(stars) * 20 + number) // (2 * number))
        for outlet, number, stars in session.execute(asked)
    ]
