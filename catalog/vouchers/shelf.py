"""A member's vouchers in three heaps - usable, used, past - each with its offer, its merchant and its state of now."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from base import clock, database
from catalog.offers import offers
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
    last_day, voucher_id = after or (None, None)
    values = {"member": member_id, "at": at, "last_day": last_day, "voucher": voucher_id, "limit": limit}
    rows = database.side_by_side(session, (Voucher, Merchant), _LISTED[heap], values)
    return [
        _kept(voucher, offers.version(session, voucher.version_id), merchant, at)
        for voucher, merchant in rows
    ]


def find(session: Session, member_id: int, voucher_id: int, at: datetime) -> Kept:
    """One voucher of a member; VoucherUnknown."""
    voucher, offer = life.of_member(session, member_id, voucher_id)
    return _kept(voucher, offer, session.get_one(Merchant, voucher.merchant_id), at)


def _kept(voucher: Voucher, offer: Offer, merchant: Merchant, at: datetime) -> Kept:
    return Kept(voucher, offer, merchant, life.state_now(voucher, at, clock.day(at, merchant.zone)))


# Asked with every look at the home page, so in words that need no compiling.
_WAITS, _TODAY = f"v.state in ('{ISSUED}', '{HELD}')", "(%(at)s::timestamptz at time zone m.zone)::date"
_IN = {
    USABLE: f"{_WAITS} and v.last_day >= {_TODAY}",
    USED: f"v.state = '{ACCEPTED}'",
    PAST: f"(v.state in ('{EXPIRED}', '{CANCELLED}', '{FROZEN}') or {_WAITS} and v.last_day < {_TODAY})",
}
_LISTED = {
    heap: f"""
select {database.columns(Voucher, "v")}, {database.columns(Merchant, "m")}
from voucher v join merchant m on m.merchant_id = v.merchant_id
where v.member_id = %(member)s and {which} and (%(last_day)s::date is null
  or (v.last_day, v.voucher_id) {">" if heap == USABLE else "<"} (%(last_day)s::date, %(voucher)s::bigint))
order by v.last_day {way}, v.voucher_id {way} limit %(limit)s
"""
    for heap, which in _IN.items()
    for way in ["asc" if heap == USABLE else "desc"]
}
