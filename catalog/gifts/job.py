"""A gift after its time to undo: it leaves the giver, the voucher is issued to the receiver, the points are spent.

One step a run, each a transaction that holds the giver's redemption and changes the rows of one member besides; each
promises the next one, so a worker may die anywhere. What the receiver cannot take ends the redemption: the points are back.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, database, outbox
from base.config import Config
from base.notices.templates import Facts
from catalog.gifts import giving
from catalog.gifts.models import VoucherGift
from catalog.offers import offers
from catalog.redemptions import course, redemptions
from catalog.redemptions.models import FULFILLING, PENDING, Redemption
from catalog.vouchers import issuing
from catalog.vouchers.codes import Keys
from points.lines import standing
from points.lines.matrix import Action
from points.notices import telling


def run(config: Config, member_id: int, redemption_id: int) -> None:
    """The next step of a gift; safe to run twice and at any time."""
    with database.begin() as session:
        step(session, config, member_id, redemption_id, clock.now())


def step(session: Session, config: Config, member_id: int, redemption_id: int, at: datetime) -> None:
    """What is due with a gift at a moment."""
    redemption, gift = (
        _locked(session, member_id, redemption_id),
        giving.of(session, member_id, redemption_id),
    )
    if gift is None:
        return
    if redemption.state == PENDING:
        _send(session, config, redemption, gift, at)
    elif redemption.state == FULFILLING and gift.voucher_id is None:
        _issue(session, config, redemption, gift, at)
    elif redemption.state == FULFILLING:
        course.fulfil(session, redemption, course.JOB, at)
        _tell(session, config, member_id, "voucher-gift-arrived", redemption, receiver=gift.receiver_masked)


def _send(session: Session, config: Config, redemption: Redemption, gift: VoucherGift, at: datetime) -> None:
    """It can be undone no more; back to the giver instead when either line is barred by now."""
    promised = giving.promise(gift.member_id, gift.redemption_id)
    if at < gift.send_at:  # too early: the promise stands, or is made again
        if not outbox.promised_later(session, **promised):
            outbox.put(session, **promised, due_at=gift.send_at)
        return
    if not standing.allows(session, gift.member_id, Action.GIFT_OUT, at):
        _come_back(session, config, redemption, gift, at, "giver barred")
    elif not _takes(session, gift, at):
        _come_back(session, config, redemption, gift, at, "receiver barred")
    else:
        course.move(session, redemption, FULFILLING, course.JOB, at)
        outbox.put(session, **promised)


def _issue(session: Session, config: Config, redemption: Redemption, gift: VoucherGift, at: datetime) -> None:
    """The voucher is the receiver's from now on, to be used from today."""
    if not _takes(session, gift, at):
        _come_back(session, config, redemption, gift, at, "receiver barred")
        return
    offer = offers.version(session, redemption.version_id)
    voucher = issuing.issue_to(session, Keys.of(config), gift.receiver_id, redemption, offer, at)
    gift.voucher_id = voucher.voucher_id
    session.flush()
    outbox.put(session, **giving.promise(gift.member_id, gift.redemption_id))
    _tell(session, config, gift.receiver_id, "voucher-gift-received", redemption, giver=gift.giver_masked)


def _come_back(
    session: Session, config: Config, redemption: Redemption, gift: VoucherGift, at: datetime, reason: str
) -> None:
    course.fail(session, redemption, course.JOB, at, reason)
    _tell(
        session,
        config,
        gift.member_id,
        "voucher-gift-returned",
        redemption,
        points=redemption.price_points,
    )


def _takes(session: Session, gift: VoucherGift, at: datetime) -> bool:
    return standing.allows(session, gift.receiver_id, Action.GIFT_IN, at)


def _tell(
    session: Session, config: Config, whom: int, template: str, redemption: Redemption, **more: int | str
) -> None:
    facts: Facts = {"offer": offers.version(session, redemption.version_id).names, **more}
    telling.tell(session, config, whom, template, facts)


def _locked(session: Session, member_id: int, redemption_id: int) -> Redemption:
    """The giver's redemption is ours until the commit: neither an undoing nor another worker comes beside."""
    mine = (Redemption.member_id == member_id, Redemption.redemption_id == redemption_id)
    session.execute(select(Redemption.state).where(*mine).with_for_update())
    return redemptions.find(session, member_id, redemption_id)
