"""Rates: the most specific one in force wins - offer, then kind, then programme. Never edited; a change is a later row."""

from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from base import ids
from base.errors import Conflict
from catalog.offers.models import Offer
from catalog.rates.models import Rate


class NoRateInForce(Conflict):
    """No rate is in force for this offer."""

    zh = "该权益没有生效的兑换比例。"


class RateOverlaps(Conflict):
    """There is an equally specific rate from this day already; rates are never edited."""

    zh = "该日期已有同级别的兑换比例；比例不可修改，请选择其他生效日期。"


def add(
    session: Session,
    programme_id: int,
    from_day: date,
    *,
    points: int,
    per_fen: int,
    kind: str | None = None,
    offer_id: int | None = None,
) -> Rate:
    """A further version; RateOverlaps when one of the same breadth begins on that day."""
    same = select(Rate.rate_id).where(
        Rate.programme_id == programme_id,
        Rate.from_day == from_day,
        Rate.kind.is_not_distinct_from(kind),
        Rate.offer_id.is_not_distinct_from(offer_id),
    )
    if session.scalar(same) is not None:
        raise RateOverlaps(from_day=str(from_day))
    rate = Rate(
        rate_id=ids.new_id(),
        programme_id=programme_id,
        offer_id=offer_id,
        kind=kind,
        from_day=from_day,
        points=points,
        per_fen=per_fen,
    )
    session.add(rate)
    session.flush()
    return rate


def load(session: Session, programme_id: int, on: date) -> list[Rate]:
    """All versions of a programme begun by a day."""
    return list(session.scalars(select(Rate).where(Rate.programme_id == programme_id, Rate.from_day <= on)))


def for_offer(session: Session, offer: Offer, on: date) -> Rate:
    """The rate in force for one offer on a day; NoRateInForce."""
    wide = Rate.offer_id.is_(None) & or_(Rate.kind.is_(None), Rate.kind == offer.kind)
    begun = session.scalars(
        select(Rate).where(
            Rate.programme_id == offer.programme_id,
            Rate.from_day <= on,
            or_(Rate.offer_id == offer.offer_id, wide),
        )
    )
    return resolve(list(begun), offer)


def resolve(begun: list[Rate], offer: Offer) -> Rate:
    """The most specific, then the latest, of rates that have begun; NoRateInForce."""
    found = find(begun, offer)
    if found is None:
        raise NoRateInForce(offer=offer.code)
    return found


def find(begun: list[Rate], offer: Offer) -> Rate | None:
    """The rate that `resolve` gives; None where there is none: such an offer has no price and is not listed."""
    fitting = [
        r
        for r in begun
        if r.offer_id == offer.offer_id or (r.offer_id is None and r.kind in (None, offer.kind))
    ]
    return max(fitting, key=lambda r: (r.offer_id is not None, r.kind is not None, r.from_day), default=None)


def price(rate: Rate, value_fen: int) -> int:
    """Points for a value: rounded up to whole points, at least one."""
    return max(1, -(-value_fen * rate.points // rate.per_fen))


def worth(begun: list[Rate], points: int) -> int:
    """What points are worth at the programme's own rate, in fen, rounded down; 0 when there is none."""
    own = [r for r in begun if r.offer_id is None and r.kind is None]
    if not own:
        return 0
    rate = max(own, key=lambda r: r.from_day)
    return points * rate.per_fen // rate.points


def fen_per_100(price_points: int, value_fen: int) -> int:
    """What 100 points buy here, in fen, rounded down."""
    return value_fen * 100 // price_points
