"""At the door: who has a seat, and who came."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from base.auth.principals import Principal
from base.errors import Conflict, NotFound
from catalog.events import forms, seats
from catalog.events.job import AFTER
from catalog.events.models import ATTENDED, TAKEN, Seat
from catalog.offers.models import Offer
from points.members import scope


class NoSeat(NotFound):
    """There is no seat of this redemption at this event."""

    zh = "该兑换在此活动中没有名额。"


class NotCheckInTime(Conflict):
    """People are let in from shortly before an event begins until a day after."""

    zh = "尚未到签到时间，或签到已结束。"


class SeatNotTaken(Conflict):
    """This seat was not confirmed, or was given back."""

    zh = "该名额未确认或已退回。"


def check_in(session: Session, offer: Offer, member_id: int, redemption_id: int, at: datetime) -> Seat:
    """Somebody came; the same once more changes nothing."""
    seat = seats.of_redemption(session, member_id, redemption_id)
    if seat is None or seat.offer_id != offer.offer_id or offer.event_at is None:
        raise NoSeat()
    opens = offer.event_at - timedelta(minutes=forms.of(offer).check_in_minutes)
    if not opens <= at < offer.event_at + AFTER:
        raise NotCheckInTime(from_at=opens.isoformat(), until=(offer.event_at + AFTER).isoformat())
    session.execute(
        update(Seat)
        .where(Seat.member_id == member_id, Seat.seat_id == seat.seat_id, Seat.state == TAKEN)
        .values(state=ATTENDED, changed_at=at)
    )
    session.refresh(seat)
    if seat.state != ATTENDED:
        raise SeatNotTaken(state=seat.state)
    return seat


def listed(
    session: Session,
    offer_id: int,
    *,
    person: Principal,
    state: str | None = None,
    after: int | None = None,
    limit: int = 50,
) -> Sequence[Seat]:
    """Seats of an event, of the members whom a person may see, in the order of asking, from after one on."""
    asked = select(Seat).where(Seat.offer_id == offer_id).order_by(Seat.seat_id).limit(limit)
    asked = scope.within(person, asked, Seat.member_id)
    if state is not None:
        asked = asked.where(Seat.state == state)
    if after is not None:
        asked = asked.where(Seat.seat_id > after)
    return session.scalars(asked).all()
