"""Vouchers on the course of redemptions: issued in the redemption's own transaction, cancelled with it while unused."""

from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from base import clock
from catalog.offers.models import VOUCHER, Offer
from catalog.rates import rates
from catalog.redemptions.courses import Course
from catalog.redemptions.models import Redemption
from catalog.vouchers import life
from catalog.vouchers.codes import Keys
from points import programmes


def course(keys: Keys) -> Course:
    """The course of vouchers, their codes under these keys."""
    return Course(VOUCHER, holds=False, begin=partial(_issue, keys), take_back=_take_back)


def _issue(keys: Keys, session: Session, redemption: Redemption, offer: Offer, at: datetime) -> None:
    programme = programmes.by_id(session, offer.programme_id)
    begun = rates.load(session, programme.programme_id, clock.day(at, programme.zone))
    booked = rates.worth(begun, redemption.price_points)
    place = (redemption.member_id, redemption.redemption_id)
    life.issue(session, keys, place, offer, booked, redemption.units, at, redemption.spender_id)


def _take_back(session: Session, redemption: Redemption, offer: Offer, new: str, at: datetime) -> None:
    life.cancel(session, redemption.member_id, redemption.redemption_id, at)
