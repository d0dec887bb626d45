"""Gifts on the course of redemptions: the giver's points are set aside, and after a time to undo the receiver gets the voucher.

Who receives is asked before the price is shown, by the number alone and as carefully as for gifts of points: the giver sees
the masked name, confirms with a code (confirming.py), and what comes after the time to undo is in job.py.
"""

from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base import clock, outbox
from base.config import Config
from base.errors import Invalid, OverLimit
from catalog.gifts.models import VoucherGift
from catalog.offers.forms import BadForm
from catalog.offers.models import GIFT, Offer
from catalog.redemptions import courses
from catalog.redemptions.courses import Asked, Course, Terms, Wish
from catalog.redemptions.models import REVERSED, Redemption
from catalog.redemptions.quotes import NotForGroups
from catalog.vouchers import life
from points import ledger, programmes
from points.gifts import gifts
from points.gifts.gifts import TO_UNDO, ReceiverUnknown
from points.lines import standing
from points.lines.matrix import Action
from points.members import masks, members
from points.members.sign_in import secrets_of

TASK = "voucher_gift"
MOST_A_DAY, MOST_A_MONTH = 5, 20


class ReceiverNeeded(Invalid):
    """Say to whom this is given."""

    zh = "请填写受赠人的手机号码。"
    next_en, next_zh = "Name the number of the person in `to`.", "请在 to 中填写对方的号码。"


class GiftNotConfirmed(Invalid):
    """This code is not right or has run out."""

    zh = "验证码不正确或已过期。"
    next_en, next_zh = (
        "Check the code that was sent to you, or ask for a fresh quote.",
        "请核对收到的验证码，或重新获取报价。",
    )


class TooManyVoucherGifts(OverLimit):
    """This is more than may be given in a day or a month."""

    zh = "超过每日或每月赠送次数上限。"
    next_en, next_zh = "Wait until the next day, or the next month.", "请在次日或下月再赠送。"


def course(config: Config) -> Course:
    """The course of gifts."""
    return Course(
        GIFT,
        holds=True,
        begin=partial(_begin, config),
        take_back=_take_back,
        check=_check,
        price=partial(_price, config),
    )


def _price(config: Config, session: Session, wish: Wish) -> Terms:
    """Whom it is for, asked last: what is refused before tells nothing about anybody but the giver."""
    courses.only(wish, "to", "message")
    if wish.spender_id is not None:
        raise NotForGroups()
    if not wish.asked.get("to"):
        raise ReceiverNeeded(field="to")
    _may_give(session, wish.member_id, wish.at)
    giver = members.by_id(session, wish.member_id)
    receiver = gifts.find_receiver(session, config, giver, wish.asked["to"], wish.at)
    details: dict[str, Any] = {"receiver_id": receiver.member_id}
    if wish.asked.get("message"):
        details["message"] = wish.asked["message"]
    value_fen = wish.offer.value_fen * wish.units
    return Terms(value_fen, wish.offer.cost_fen * wish.units, value_fen, details)


def _check(session: Session, asked: Asked) -> None:
    """Confirmed by code, and both lines still take part."""
    if asked.details.get("confirmed") is not True:
        raise GiftNotConfirmed(field="code")
    _may_give(session, asked.quote.member_id, asked.at)
    if not standing.allows(session, asked.quote.details["receiver_id"], Action.GIFT_IN, asked.at):
        raise ReceiverUnknown()


def _may_give(session: Session, member_id: int, at: datetime) -> None:
    member = members.by_id(session, member_id)
    programme = programmes.by_id(session, member.programme_id)
    state, on = ledger.read(session, member_id).state, clock.day(at, programme.zone)
    standing.ask(session, member, state, programme, on, Action.GIFT_OUT)


def _begin(config: Config, session: Session, redemption: Redemption, offer: Offer, at: datetime) -> None:
    """The points are set aside, so the giver's wallet is ours: no other gift of the giver's is counted beside this one."""
    _within_limits(session, redemption.member_id, offer, at)
    gift = VoucherGift(
        member_id=redemption.member_id,
        redemption_id=redemption.redemption_id,
        receiver_id=redemption.details["receiver_id"],
        at=at,
        send_at=at + TO_UNDO,
        giver_masked=_masked(session, config, redemption.member_id),
        receiver_masked=_masked(session, config, redemption.details["receiver_id"]),
        message=redemption.details.get("message"),
    )
    session.add(gift)
    session.flush()
    outbox.put(session, **promise(redemption.member_id, redemption.redemption_id), due_at=gift.send_at)


def _take_back(session: Session, redemption: Redemption, offer: Offer, new: str, at: datetime) -> None:
    """Undone in time there is nothing to take; a person's reversal takes the receiver's voucher while it is unused."""
    gift = session.get_one(VoucherGift, (redemption.member_id, redemption.redemption_id))
    if new == REVERSED:
        life.cancel(session, gift.receiver_id, redemption.redemption_id, at)
    else:
        outbox.withdraw(session, **promise(redemption.member_id, redemption.redemption_id))


def check_form(offer: Offer) -> None:
    """BadForm where it is no offer of gifts: points alone, and what has arrived is the receiver's."""
    if offer.form:
        raise BadForm(field="form", why="a gift has none")
    if offer.cash_choices:
        raise BadForm(field="cash_choices", why="a gift is paid with points alone")
    if offer.cancellable:
        raise BadForm(field="cancellable", why="a gift is undone in its first minutes only")


def of(session: Session, member_id: int, redemption_id: int) -> VoucherGift | None:
    """The gift of a redemption."""
    return session.get(VoucherGift, (member_id, redemption_id), populate_existing=True)


def from_friends(session: Session, receiver_id: int, voucher_ids: set[int]) -> dict[int, VoucherGift]:
    """Of these vouchers of a member those that another one gave, by voucher."""
    asked = select(VoucherGift).where(
        VoucherGift.receiver_id == receiver_id, VoucherGift.voucher_id.in_(voucher_ids)
    )
    return {gift.voucher_id: gift for gift in session.scalars(asked) if gift.voucher_id is not None}


def promise(member_id: int, redemption_id: int) -> dict[str, Any]:
    """The outbox row of a gift's next step."""
    args = {"member_id": member_id, "redemption_id": redemption_id}
    return {"member_id": member_id, "task": TASK, "args": args}


def _within_limits(session: Session, member_id: int, offer: Offer, at: datetime) -> None:
    """TooManyVoucherGifts; one that was undone counts as well."""
    zone = programmes.by_id(session, offer.programme_id).zone
    today = clock.day(at, zone)
    month, day = clock.start_of(today.replace(day=1), zone), clock.start_of(today, zone)
    in_month, in_day = session.execute(
        select(func.count(), func.count().filter(VoucherGift.at >= day)).where(
            VoucherGift.member_id == member_id, VoucherGift.at >= month
        )
    ).one()
    if in_day >= MOST_A_DAY or in_month >= MOST_A_MONTH:
        raise TooManyVoucherGifts(most_a_day=MOST_A_DAY, most_a_month=MOST_A_MONTH)


def _masked(session: Session, config: Config, member_id: int) -> str:
    return masks.phone(members.phone_of(session, secrets_of(config), member_id))
