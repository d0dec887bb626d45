"""A seat that was offered: its member is told, and when the time is over it goes to the next; who did not come is noted."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from base import clock, database, outbox
from base.config import Config
from catalog.events import seats
from catalog.events.models import MISSED, OFFERED, TAKEN, WAITING, Seat
from catalog.offers import offers
from catalog.offers.models import EVENT, Offer
from catalog.redemptions import course, redemptions
from catalog.redemptions.models import CANCELLED, PENDING
from points import programmes
from points.notices import telling

AFTER = timedelta(hours=24)  # so long after its beginning people may still be checked in
BATCH = 500


def run(config: Config, member_id: int, redemption_id: int) -> None:
    """Tell of an offered seat, or take it back after its time; safe to run twice and at any time."""
    with database.begin() as session:
        step(session, config, member_id, redemption_id, clock.now())


def step(session: Session, config: Config, member_id: int, redemption_id: int, at: datetime) -> None:
    """What is due with a seat at a moment."""
    redemption = redemptions.find(session, member_id, redemption_id)
    seat = seats.of_redemption(session, member_id, redemption_id)
    if redemption.state != PENDING or seat is None or seat.state != OFFERED or seat.offered_until is None:
        return
    if at >= seat.offered_until:
        reason = "the offered place was not confirmed in time"
        course.give_back(session, redemption, CANCELLED, course.JOB, at, reason)
        return
    if not outbox.promised_later(session, **seats.promise(seat)):
        outbox.put(session, **seats.promise(seat), due_at=seat.offered_until)
    offer = offers.version(session, redemption.version_id)
    zone = programmes.by_id(session, offer.programme_id).zone
    until = f"{seat.offered_until.astimezone(clock.zone(zone)):%Y-%m-%d %H:%M}"
    whom = member_id if seat.spender_id is None else seat.spender_id
    telling.tell(session, config, whom, "seat-offered", {"event": offer.names, "until": until})


def sweep(at: datetime) -> bool:
    """What falls due with events whether or not anybody asks: free places are offered, who waited in vain gets the points
    back, who did not come is noted. Whether there is more; opens its own transactions.
    """
    with database.begin() as session:
        more = note_missed(session, at)
        to_fill, in_vain = _with_a_line(session, at)
    for offer_id in to_fill:
        with database.begin() as session:
            seats.fill(session, offer_id, at)
    for member_id, redemption_id in in_vain:
        with database.begin() as session:
            redemption = redemptions.find(session, member_id, redemption_id)
            if redemption.state == PENDING:
                course.give_back(session, redemption, CANCELLED, course.JOB, at, "no place came free")
    return more or len(in_vain) == BATCH


def _with_a_line(session: Session, at: datetime) -> tuple[list[int], list[tuple[int, int]]]:
    """Events to come with people in line, and (member, redemption) of those in line for an event that has begun."""
    waits = (
        select(Seat.offer_id, Seat.member_id, Seat.redemption_id)
        .join(Offer, Offer.offer_id == Seat.offer_id)
        .where(Seat.state == WAITING, Offer.kind == EVENT, offers.in_force(at))
    )
    to_come = {row.offer_id for row in session.execute(waits.where(Offer.event_at > at))}
    begun = session.execute(waits.where(Offer.event_at <= at).limit(BATCH))
    return sorted(to_come), [(row.member_id, row.redemption_id) for row in begun]


def note_missed(session: Session, at: datetime) -> bool:
    """Seats of events that are long over and that nobody was let in on; whether there may be more."""
    over = (
        select(Seat.member_id, Seat.seat_id)
        .join(Offer, Offer.offer_id == Seat.offer_id)
        .where(Seat.state == TAKEN, Offer.kind == EVENT, offers.in_force(at), Offer.event_at <= at - AFTER)
        .limit(BATCH)
        .with_for_update(of=Seat, skip_locked=True)
    )
    rows = session.execute(over).all()
    for member_id, seat_id in rows:
        session.execute(
            update(Seat)
            .where(Seat.member_id == member_id, Seat.seat_id == seat_id, Seat.state == TAKEN)
            .values(state=MISSED, changed_at=at)
        )
    return len(rows) == BATCH
