"""Seats on the course of redemptions: one for each member, or of a group for each spender; given back with it."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import ids
from base.errors import Conflict
from catalog.offers.models import PERK, Offer
from catalog.redemptions.courses import Course
from catalog.redemptions.models import Redemption, Seat

TAKEN, GIVEN_BACK = "taken", "given_back"


class SeatTaken(Conflict):
    """You have a place at this event already."""

    zh = "您已报名该活动。"
    next_en, next_zh = "Your place is under your redemptions.", "可在兑换记录中查看您的名额。"


def _take(session: Session, redemption: Redemption, offer: Offer, at: datetime) -> None:
    seat = session.scalar(
        insert(Seat)
        .values(
            member_id=redemption.member_id,
            seat_id=ids.new_id(),
            offer_id=redemption.offer_id,
            redemption_id=redemption.redemption_id,
            spender_id=redemption.spender_id,
            state=TAKEN,
            at=at,
        )
        .on_conflict_do_nothing()
        .returning(Seat.seat_id)
    )
    if seat is None:
        raise SeatTaken()


def _give_back(session: Session, redemption: Redemption, offer: Offer, new: str, at: datetime) -> None:
    session.execute(
        update(Seat)
        .where(
            Seat.member_id == redemption.member_id,
            Seat.redemption_id == redemption.redemption_id,
            Seat.state == TAKEN,
        )
        .values(state=GIVEN_BACK)
    )


COURSE = Course(PERK, holds=False, begin=_take, take_back=_give_back)
