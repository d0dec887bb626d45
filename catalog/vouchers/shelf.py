"""A member's vouchers in three heaps - usable, used, past - each with its offer, its merchant and its state of now."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Date, DateTime, and_, cast, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from base import clock
from catalog.offers.models import Offer
from catalog.vouchers import life
from catalog.vouchers.models import ACCEPTED, CANCELLED, EXPIRED, FROZEN, HELD, ISSUED, Voucher
from merchants.models import Merchant

USABLE, USED, PAST = "usable", "used", "past"
HEAPS = (USABLE, USED, PAST)


@dataclass(frozen=True)
class Kept:
    """A voucher as its member sees it; `state` is that of this moment."""

    voucher: Voucher
    offer: Offer
    merchant: Merchant
    state: str


def listed(
    session: Session,
    member_id: int,
    at: datetime,
    heap: str,
    *,
    after: tuple[date, int] | None = None,
    limit: int = 50,
) -> list[Kept]:
    """One heap from after a position (last day, id) on: usable ones soonest-lapsing first, the others latest first."""
    place = tuple_(Voucher.last_day, Voucher.voucher_id)
    upwards = heap == USABLE
    asked = (
        select(Voucher, Offer, Merchant)
        .join(Offer, Offer.version_id == Voucher.version_id)
        .join(Merchant, Merchant.merchant_id == Voucher.merchant_id)
        .where(Voucher.member_id == member_id, _in(heap, at))
        .order_by(
            *(column if upwards else column.desc() for column in (Voucher.last_day, Voucher.voucher_id))
        )
        .limit(limit)
    )
    if after:
        asked = asked.where(place > after if upwards else place < after)
    return [_kept(voucher, offer, merchant, at) for voucher, offer, merchant in session.execute(asked)]


def find(session: Session, member_id: int, voucher_id: int, at: datetime) -> Kept:
    """One voucher of a member; VoucherUnknown."""
    voucher, offer = life.of_member(session, member_id, voucher_id)
    return _kept(voucher, offer, session.get_one(Merchant, voucher.merchant_id), at)


def _kept(voucher: Voucher, offer: Offer, merchant: Merchant, at: datetime) -> Kept:
    return Kept(voucher, offer, merchant, life.state_now(voucher, at, clock.day(at, merchant.zone)))


def _in(heap: str, at: datetime) -> ColumnElement[bool]:
    today = cast(func.timezone(Merchant.zone, literal(at, DateTime(timezone=True))), Date)
    waiting = Voucher.state.in_([ISSUED, HELD])
    if heap == USABLE:
        return and_(waiting, Voucher.last_day >= today)
    if heap == USED:
        return Voucher.state == ACCEPTED
    return or_(Voucher.state.in_([EXPIRED, CANCELLED, FROZEN]), and_(waiting, Voucher.last_day < today))
