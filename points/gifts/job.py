"""A gift after its time to undo: it leaves the giver, then arrives at the receiver or comes back.

Each step is one transaction that holds the gift's row: of two workers the second finds the step done. A step that ends
with more to do promises the next one in the same transaction, so a worker may die anywhere. Between the two steps the
points are in TRANSIT.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, database, outbox
from base.config import Config
from base.errors import Problem
from base.failpoints import failpoint
from base.notices.templates import Facts
from points import ledger
from points.deeds import Request
from points.gifts import gifts
from points.gifts.models import RECEIVED, RETURNED, SENT, WAITING, Gift
from points.kinds import Kind
from points.ledger import WalletUnknown
from points.lines import standing
from points.lines.matrix import Action
from points.lots import Interval
from points.models import PostingRow
from points.notices import telling
from points.refusals import LotsFull, MemberClosed, MemberMerged

NOT_TAKEN = (MemberClosed, MemberMerged, LotsFull, WalletUnknown)


def run(config: Config, member_id: int, gift_id: int) -> None:
    """The next step of a gift; safe to run twice and at any time."""
    with database.begin() as session:
        if send(session, config, member_id, gift_id, clock.now()):
            return  # arriving was promised with it
    try:
        with database.begin() as session:
            arrive(session, config, member_id, gift_id, clock.now())
    except NOT_TAKEN as refusal:  # its transaction is gone, and with it any lock on the receiver
        with database.begin() as session:
            come_back(session, config, member_id, gift_id, clock.now(), refusal)


def send(session: Session, config: Config, member_id: int, gift_id: int, at: datetime) -> bool:
    """The points leave the giver; back to the lots instead when either line is barred by now. Whether this did anything."""
    gift = gifts.locked(session, member_id, gift_id)
    if gift.state != WAITING:
        return False
    if at < gift.send_at:  # too early: the promise stands, or is made again
        if not outbox.promised_later(session, **gifts.promise(gift)):
            outbox.put(session, **gifts.promise(gift), due_at=gift.send_at)
        return True
    barred = _barred(session, gift, at)
    if barred:
        _back(session, config, gift, Kind.RELEASE, barred, at)
        return True
    gift.sent_seq = ledger.post(session, gifts.of_giver(session, gift, Kind.GIFT_OUT, at)).seq
    gift.state, gift.changed_at = SENT, at
    failpoint("gift_sent")
    outbox.put(session, **gifts.promise(gift))
    return True


def arrive(session: Session, config: Config, member_id: int, gift_id: int, at: datetime) -> None:
    """The points reach the receiver and keep their last days; one of NOT_TAKEN when the receiver's line refuses them."""
    gift = gifts.locked(session, member_id, gift_id)
    if gift.state != SENT:
        return
    asked = Request(
        member_id=gift.receiver_id,
        idem=ledger.key("gift", f"{gift_id}:in"),
        kind=Kind.GIFT_IN,
        points=gift.points,
        at=at,
        zone=gifts.zone_of(session, gift.receiver_id),
        quoted=_sent(session, gift),
        ref=gifts.reference(gift_id),
    )
    gift.end_seq = ledger.post(session, asked).seq
    gift.state, gift.changed_at = RECEIVED, at
    failpoint("gift_arrived")
    said: Facts = {"points": gift.points, "giver": gift.giver_masked, "receiver": gift.receiver_masked}
    telling.tell(session, config, gift.receiver_id, "gift-received", said)
    telling.tell(session, config, gift.member_id, "gift-arrived", said)


def come_back(
    session: Session, config: Config, member_id: int, gift_id: int, at: datetime, refusal: Problem
) -> None:
    """The points that the receiver did not take return to the giver's own lots."""
    gift = gifts.locked(session, member_id, gift_id)
    if gift.state == SENT:
        _back(session, config, gift, Kind.GIFT_RETURN, type(refusal).__name__, at)


def take_back(session: Session, config: Config, member_id: int, reason: str, at: datetime) -> int:
    """Gifts of a giver that still wait go back into the giver's lots; how many."""
    waiting = session.scalars(
        select(Gift)
        .where(Gift.member_id == member_id, Gift.state == WAITING)
        .order_by(Gift.gift_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for gift in waiting:
        _back(session, config, gift, Kind.RELEASE, reason, at)
        outbox.withdraw(session, **gifts.promise(gift))
    return len(waiting)


def _back(session: Session, config: Config, gift: Gift, kind: Kind, reason: str, at: datetime) -> None:
    gift.end_seq = ledger.post(session, gifts.of_giver(session, gift, kind, at)).seq
    gift.state, gift.changed_at, gift.reason = RETURNED, at, reason
    telling.tell(session, config, gift.member_id, "gift-returned", {"points": gift.points})


def _barred(session: Session, gift: Gift, at: datetime) -> str | None:
    """Why a gift whose points are still the giver's is not sent: a line was suspended or ended while it waited."""
    if not standing.allows(session, gift.member_id, Action.GIFT_OUT, at):
        return "giver barred"
    return None if standing.allows(session, gift.receiver_id, Action.GIFT_IN, at) else "receiver barred"


def _sent(session: Session, gift: Gift) -> tuple[Interval, ...]:
    """What left the giver, as it is to arrive: the same lots and counts, numbered anew by the receiver's wallet."""
    flat = session.get_one(PostingRow, (gift.member_id, gift.sent_seq)).lots
    return tuple(Interval(key, 0, count) for key, count in zip(flat[0::3], flat[2::3], strict=True))
