"""Vouchers on the course of redemptions: issued in the redemption's own transaction, cancelled with it while unused."""

from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from base import clock
from catalog.offers.models import VOUCHER, Offer
from catalog.rates import rates
from catalog.redemptions.courses import Course
from catalog.redemptions.models import REVERSED, Redemption
from catalog.vouchers import freezing, life
from catalog.vouchers.codes import Keys
from catalog.vouchers.models import CANCELLED, Voucher
from points import programmes


def course(keys: Keys) -> Course:
    """The course of vouchers, their codes under these keys."""
    return Course(VOUCHER, holds=False, begin=partial(_issue, keys), take_back=take_back)


def issue_to(
    session: Session, keys: Keys, member_id: int, redemption: Redemption, offer: Offer, at: datetime
) -> Voucher:
    """The voucher of a redemption, for its member or for whom it was given to."""
    programme = programmes.by_id(session, offer.programme_id)
    begun = rates.load(session, programme.programme_id, clock.day(at, programme.zone))
    booked = rates.worth(begun, redemption.price_points) + redemption.cash_fen
    place = (member_id, redemption.redemption_id)
    paid = (redemption.spender_id, redemption.cash_fen)
    return life.issue(session, keys, place, offer, booked, redemption.units, at, *paid)


def _issue(keys: Keys, session: Session, redemption: Redemption, offer: Offer, at: datetime) -> None:
    voucher = issue_to(session, keys, redemption.member_id, redemption, offer, at)
    redemption.issued = voucher.voucher_id


def take_back(session: Session, redemption: Redemption, offer: Offer, new: str, at: datetime) -> None:
    """The voucher is cancelled with its redemption; a used one refuses, unless all of its uses were decided to be another's."""
    if new == REVERSED and _not_the_members(session, redemption):
        return
    life.cancel(session, redemption.member_id, redemption.redemption_id, at)


def _not_the_members(session: Session, redemption: Redemption) -> bool:
    voucher = life.of_redemption(session, redemption.member_id, redemption.redemption_id)
    return voucher is not None and voucher.state == CANCELLED and freezing.is_whole(session, voucher)
