"""Seats on the course of redemptions: points are held until the seat is sure, who finds none waits in the order of asking.

All that changes who sits or waits is done under the lock of the event's one row, taken after the member's own wallet:
fifty who sign up at once come one after the other, and no two wait for each other.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import clock, ids, outbox
from base.errors import Conflict, NotAllowed
from catalog.events import forms
from catalog.events.models import (
    ATTENDED,
    GIVEN_BACK,
    MISSED,
    OFFERED,
    TAKEN,
    WAITING,
    EventPlaces,
    Seat,
)
from catalog.offers import offers
from catalog.offers.models import EVENT, Offer
from catalog.offers.offers import EventBegan
from catalog.redemptions import course
from catalog.redemptions.courses import Asked, Course
from catalog.redemptions.models import CANCELLED, Redemption
from points import programmes

TASK = "offered_seat"
SURE = (OFFERED, TAKEN, ATTENDED, MISSED)  # what the event's row counts


class SeatTaken(Conflict):
    """You have a place at this event already."""

    zh = "您已报名该活动。"
    next_en, next_zh = "Your place is under your redemptions.", "可在兑换记录中查看您的名额。"


class EventFull(Conflict):
    """All places are taken, and the waiting list is full."""

    zh = "名额已满，候补名单也已满。"
    next_en, next_zh = (
        "Choose another event; your points were not touched.",
        "请选择其他活动，您的积分没有变动。",
    )


class SeatUsed(Conflict):
    """The event has begun, or the seat was used: it cannot be handed back any more."""

    zh = "活动已开始或已签到，名额不能退回。"
    next_en, next_zh = "Support can help where something went wrong.", "如有问题请联系客服。"


class BarredFromEvents(NotAllowed):
    """You did not come to an event that you had a place at."""

    zh = "您上次报名后未到场，暂不能报名活动。"
    next_en, next_zh = "You can sign up again from the day that is named.", "可从所示日期起再次报名。"


def _check(session: Session, asked: Asked) -> None:
    """Nobody signs up for a while who kept a place from others and did not come."""
    quote, days = asked.quote, forms.of(asked.offer).bar_days
    if not days:
        return
    missed_at = session.scalar(
        select(func.max(Seat.changed_at)).where(
            Seat.member_id == quote.member_id,
            Seat.spender_id.is_not_distinct_from(quote.spender_id),
            Seat.state == MISSED,
        )
    )
    if missed_at is not None and missed_at + timedelta(days=days) > asked.at:
        zone = programmes.by_id(session, asked.offer.programme_id).zone
        raise BarredFromEvents(from_day=str(clock.day(missed_at + timedelta(days=days), zone)))


def _sign_up(session: Session, redemption: Redemption, offer: Offer, at: datetime) -> None:
    """A seat where one is free and nobody waits for it; else a number in the line. EventFull, SeatTaken, EventBegan.

    Places and beginning are those of the event as it is now, whatever was quoted.
    """
    places, offer = _locked(session, offer.offer_id), offers.by_id(session, offer.offer_id, at)
    form = forms.of(offer)
    if offer.event_at is not None and offer.event_at <= at:
        raise EventBegan(began_at=offer.event_at.isoformat())
    _fill(session, places, form, offer, at)
    waiting = _waiting(session, offer.offer_id)
    seat = _seat(session, redemption, at)
    if places.taken < form.capacity and not waiting:
        places.taken, seat.state = places.taken + 1, TAKEN
        session.flush()
        course.fulfil(session, redemption, course.JOB, at)
        return
    if waiting >= form.waiting:
        raise EventFull(capacity=form.capacity)
    places.line_no += 1
    seat.line_no = places.line_no
    _fill(session, places, form, offer, at)


def _give_back(session: Session, redemption: Redemption, offer: Offer, new: str, at: datetime) -> None:
    """The seat is free for the first who waits; a place in the line is simply left."""
    places, current = _locked(session, offer.offer_id), offers.by_id(session, offer.offer_id, at)
    seat = of_redemption(session, redemption.member_id, redemption.redemption_id)
    if seat is None:
        return
    begun = current.event_at is not None and current.event_at <= at
    if new == CANCELLED and (seat.state in (ATTENDED, MISSED) or (seat.state == TAKEN and begun)):
        raise SeatUsed()
    if seat.state in SURE:
        places.taken -= 1
    seat.state, seat.changed_at, seat.offered_until = GIVEN_BACK, at, None
    session.flush()
    _fill(session, places, forms.of(current), current, at)


COURSE = Course(EVENT, holds=True, begin=_sign_up, take_back=_give_back, check=_check, counts_stock=False)


def _fill(session: Session, places: EventPlaces, form: forms.Form, offer: Offer, at: datetime) -> None:
    """Offer what is free to those who wait, first come first; each has a stated time to confirm."""
    until = at + timedelta(hours=form.offer_hours)
    if offer.event_at is not None:
        if offer.event_at <= at:
            return
        until = min(until, offer.event_at)
    while places.taken < form.capacity:
        first = session.scalar(
            select(Seat)
            .where(Seat.offer_id == offer.offer_id, Seat.state == WAITING)
            .order_by(Seat.line_no)
            .limit(1)
        )
        if first is None:
            return
        first.state, first.changed_at, first.offered_until = OFFERED, at, until
        places.taken += 1
        session.flush()
        promised = promise(first)
        outbox.put(session, **promised)  # to be told
        outbox.put(session, **promised, due_at=until)


def is_full(session: Session, offer: Offer) -> bool:
    """Whether somebody who signs up now would wait, as far as can be said without locking anything; no event: no."""
    if offer.kind != EVENT:
        return False
    places = session.get(EventPlaces, offer.offer_id)
    return places is not None and places.taken >= forms.of(offer).capacity


def fill(session: Session, offer_id: int, at: datetime) -> None:
    """Offer what has become free without anybody leaving: a change of the event may have more places."""
    places, offer = _locked(session, offer_id), offers.by_id(session, offer_id, at)
    _fill(session, places, forms.of(offer), offer, at)


def promise(seat: Seat) -> dict[str, Any]:
    """The outbox row of a seat that was offered."""
    args = {"member_id": seat.member_id, "redemption_id": seat.redemption_id}
    return {"member_id": seat.member_id, "task": TASK, "args": args}


def of_redemption(session: Session, member_id: int, redemption_id: int) -> Seat | None:
    """The seat of a redemption, as it is in the database."""
    return session.scalar(
        select(Seat).where(Seat.member_id == member_id, Seat.redemption_id == redemption_id),
        execution_options={"populate_existing": True},
    )


def standing(session: Session, member_id: int, offer_id: int) -> Seat | None:
    """A member's own seat at an event, sure, offered or in the line; none that was given back, none of a group."""
    return session.scalar(
        select(Seat).where(
            Seat.member_id == member_id,
            Seat.offer_id == offer_id,
            Seat.spender_id.is_(None),
            Seat.state != GIVEN_BACK,
        )
    )


def of_member(session: Session, member_id: int, *, limit: int = 50) -> list[Seat]:
    """A member's own seats that are still to come, sure or not, the newest first."""
    asked = select(Seat).where(
        Seat.member_id == member_id,
        Seat.spender_id.is_(None),
        Seat.state.in_((WAITING, OFFERED, TAKEN)),
    )
    return list(session.scalars(asked.order_by(Seat.seat_id.desc()).limit(limit)))


def ahead(session: Session, seat: Seat) -> int:
    """How many wait before this seat."""
    return int(
        session.scalar(
            select(func.count()).where(
                Seat.offer_id == seat.offer_id, Seat.state == WAITING, Seat.line_no < seat.line_no
            )
        )
        or 0
    )


def _locked(session: Session, offer_id: int) -> EventPlaces:
    session.execute(
        insert(EventPlaces).values(offer_id=offer_id, taken=0, line_no=0).on_conflict_do_nothing()
    )
    found = select(EventPlaces).where(EventPlaces.offer_id == offer_id).with_for_update()
    return session.scalars(found, execution_options={"populate_existing": True}).one()


def _waiting(session: Session, offer_id: int) -> int:
    return int(
        session.scalar(select(func.count()).where(Seat.offer_id == offer_id, Seat.state == WAITING)) or 0
    )


def _seat(session: Session, redemption: Redemption, at: datetime) -> Seat:
    """A seat in the line; SeatTaken where the person has one that stands."""
    seat_id = session.scalar(
        insert(Seat)
        .values(
            member_id=redemption.member_id,
            seat_id=ids.new_id(),
            offer_id=redemption.offer_id,
            redemption_id=redemption.redemption_id,
            spender_id=redemption.spender_id,
            at=at,
            changed_at=at,
            state=WAITING,
        )
        .on_conflict_do_nothing()
        .returning(Seat.seat_id)
    )
    if seat_id is None:
        raise SeatTaken()
    return session.get_one(Seat, (redemption.member_id, seat_id))


def confirm(session: Session, member_id: int, redemption_id: int, by: course.By, at: datetime) -> Seat:
    """Take the seat that was offered: now the points are spent. OfferLapsed after its time."""
    redemption = session.get(Redemption, (member_id, redemption_id), populate_existing=True)
    seat = of_redemption(session, member_id, redemption_id)
    if redemption is None or seat is None or seat.state != OFFERED:
        raise NothingOffered()
    course.fulfil(session, redemption, by, at)
    taken = session.scalar(
        update(Seat)
        .where(
            Seat.member_id == member_id,
            Seat.seat_id == seat.seat_id,
            Seat.state == OFFERED,
            Seat.offered_until > at,
        )
        .values(state=TAKEN, changed_at=at, offered_until=None)
        .returning(Seat)
        .execution_options(populate_existing=True)
    )
    if taken is None:
        raise OfferLapsed()
    return taken


class NothingOffered(Conflict):
    """No seat is offered to you here."""

    zh = "目前没有可确认的名额。"
    next_en, next_zh = "Wait for our message; your points stay set aside.", "请等待通知，您的积分仍为您保留。"


class OfferLapsed(Conflict):
    """The time to confirm this seat is over."""

    zh = "确认名额的时间已过。"
    next_en, next_zh = "Your points are back; you may sign up again.", "积分已退回，您可以重新报名。"
