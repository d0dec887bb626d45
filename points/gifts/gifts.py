"""Giving points to another member, and undoing it: until a gift is sent its points are set aside at the giver.

What comes after the time to undo is in points/gifts/job.py. Whoever changes a gift locks its row first and one wallet
after it, so that two gifts in opposite directions never wait for each other in a ring.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from base import clock, database, ids, outbox
from base.auth import guesses
from base.auth.guesses import Limit
from base.config import Config
from base.errors import Conflict, NotFound, OverLimit
from base.failpoints import failpoint
from base.notices.templates import Facts
from points import ledger, programmes
from points.deeds import Request
from points.gifts.models import RECEIVED, RETURNED, UNDONE, WAITING, Gift
from points.kinds import FOREVER, Kind
from points.lines import standing
from points.lines.matrix import Action
from points.members import masks, members
from points.members.members import PHONE, BadPhone
from points.members.models import Member
from points.members.sign_in import secrets_of
from points.notices import telling

TASK = "gift"
TO_UNDO = timedelta(minutes=10)
MOST_GIFTS_A_DAY = 5
MOST_POINTS_A_DAY = 20_000
WRONG = Limit(tries=10, window=timedelta(days=1))  # numbers that lead to nobody


class GiftUnknown(NotFound):
    """There is no such gift."""

    zh = "没有该赠送记录。"


class ReceiverUnknown(NotFound):
    """No member of your programme can be given anything under this number."""

    zh = "该号码暂不能接收赠送。"
    next_en, next_zh = "Check the number with the person you mean.", "请与对方核对号码。"


class GiftToOneself(Conflict):
    """Nothing can be given to oneself."""

    zh = "不能赠送给自己。"


class GiftLimitReached(OverLimit):
    """This is more than may be given in a day."""

    zh = "超过每日赠送上限。"
    next_en, next_zh = "Give less, or wait until tomorrow.", "请减少赠送数量或明天再试。"


class GiftNotUndoable(Conflict):
    """This gift cannot be undone any more."""

    zh = "该赠送已不能撤回。"


def give(session: Session, config: Config, member_id: int, phone: str, points: int, at: datetime) -> Gift:
    """Set points aside for the holder of a number; they leave after the time to undo.

    Who the number belongs to is asked last: what is refused before tells nothing about anybody but the giver.
    Raises ReceiverUnknown (see `counting_wrong_numbers`), GiftToOneself, GiftLimitReached, and what a HOLD raises.
    """
    if not PHONE.fullmatch(phone):
        raise BadPhone()
    guesses.check(session, _guesses_of(member_id), WRONG, at)
    giver = members.by_id(session, member_id)
    programme = programmes.open_one(session, giver.programme_id)
    on = clock.day(at, programme.zone)
    standing.ask(session, giver, ledger.read(session, member_id).state, programme, on, Action.GIFT_OUT)
    gift_id = ids.new_id()
    hold = Request(
        member_id=member_id,
        idem=ledger.key("gift", f"{gift_id}:hold"),
        kind=Kind.HOLD,
        points=points,
        at=at,
        zone=programme.zone,
        ends_at=FOREVER,
        ref=reference(gift_id),
    )
    with standing.explaining(session, giver, programme, on, Action.GIFT_OUT):
        hold_seq = ledger.post(session, hold).seq
    failpoint("gift_set_aside")
    # The giver's wallet is ours until the commit: no other gift of this member can be counted or written beside us.
    _within_the_day(session, member_id, points, clock.start_of(on, programme.zone))
    receiver = _receiver(session, config, giver, phone, at)
    secrets = secrets_of(config)
    gift = Gift(
        member_id=member_id,
        gift_id=gift_id,
        receiver_id=receiver.member_id,
        points=points,
        hold_seq=hold_seq,
        at=at,
        send_at=at + TO_UNDO,
        changed_at=at,
        state=WAITING,
        giver_masked=masks.phone(members.phone_of(session, secrets, member_id)),
        receiver_masked=masks.phone(phone),
    )
    session.add(gift)
    session.flush()
    outbox.put(session, **promise(gift), due_at=gift.send_at)
    facts: Facts = {
        "points": points,
        "receiver": gift.receiver_masked,
        "minutes": TO_UNDO // timedelta(minutes=1),
    }
    telling.tell(session, config, member_id, "gift-begun", facts)
    return gift


def undo(session: Session, member_id: int, gift_id: int, at: datetime) -> Gift:
    """The points go back to the lots they came from; GiftNotUndoable once the time is over."""
    gift = locked(session, member_id, gift_id)
    if not undoable(gift, at):
        raise GiftNotUndoable(state=gift.state)
    gift.end_seq = ledger.post(session, of_giver(session, gift, Kind.RELEASE, at)).seq
    gift.state, gift.changed_at = UNDONE, at
    failpoint("gift_undone")
    outbox.withdraw(session, **promise(gift))
    return gift


def undoable(gift: Gift, at: datetime) -> bool:
    """Whether the giver may still take the gift back."""
    return gift.state == WAITING and at < gift.send_at


def all_of(session: Session, member_id: int, *, before: int | None, limit: int) -> list[Gift]:
    """What a member gave, and what has arrived from others, newest first, from before an id on."""
    mine = or_(Gift.member_id == member_id, and_(Gift.receiver_id == member_id, Gift.state == RECEIVED))
    asked = select(Gift).where(mine).order_by(Gift.gift_id.desc()).limit(limit)
    if before is not None:
        asked = asked.where(Gift.gift_id < before)
    return list(session.scalars(asked))


def locked(session: Session, member_id: int, gift_id: int) -> Gift:
    """A member's gift, to be changed in this transaction alone; GiftUnknown."""
    found = session.get(Gift, (member_id, gift_id), populate_existing=True, with_for_update=True)
    if found is None:
        raise GiftUnknown()
    return found


def of_giver(session: Session, gift: Gift, kind: Kind, at: datetime) -> Request:
    """The ledger request that follows the gift's hold, or its sending: RELEASE, GIFT_OUT or GIFT_RETURN, all of it, once."""
    return Request(
        member_id=gift.member_id,
        idem=ledger.key("gift", f"{gift.gift_id}:{kind.name}"),
        kind=kind,
        points=0,
        at=at,
        zone=zone_of(session, gift.member_id),
        rev_of=gift.sent_seq if kind is Kind.GIFT_RETURN else gift.hold_seq,
        ref=reference(gift.gift_id),
    )


def reference(gift_id: int) -> str:
    """The gift's public id. It names neither member: the receiver sees it too."""
    return ids.public("gft", gift_id)


def promise(gift: Gift) -> dict[str, Any]:
    """The outbox row of a gift's next step."""
    args = {"member_id": gift.member_id, "gift_id": gift.gift_id}
    return {"member_id": gift.member_id, "task": TASK, "args": args}


def zone_of(session: Session, member_id: int) -> str:
    """The time zone of a member's programme."""
    return programmes.by_id(session, members.by_id(session, member_id).programme_id).zone


@contextmanager
def counting_wrong_numbers(member_id: int) -> Iterator[None]:
    """Around the transaction of `give`: a number that led to nobody is counted in a transaction of its own."""
    try:
        yield
    except ReceiverUnknown:
        with database.begin() as session:
            guesses.wrong(session, _guesses_of(member_id), clock.now())
        raise


def find_receiver(session: Session, config: Config, giver: Member, phone: str, at: datetime) -> Member:
    """Who has a number, for a gift of whatever kind: BadPhone, TooManyGuesses, ReceiverUnknown, GiftToOneself."""
    if not PHONE.fullmatch(phone):
        raise BadPhone()
    guesses.check(session, _guesses_of(giver.member_id), WRONG, at)
    return _receiver(session, config, giver, phone, at)


def _receiver(session: Session, config: Config, giver: Member, phone: str, at: datetime) -> Member:
    """The present holder in the giver's programme whose line takes gifts; everybody else gives the same answer."""
    found = members.by_phone(session, secrets_of(config), giver.programme_id, phone)
    if found is None or not standing.allows(session, found.member_id, Action.GIFT_IN, at):
        raise ReceiverUnknown()
    if found.member_id == giver.member_id:
        raise GiftToOneself()
    return found


def _within_the_day(session: Session, member_id: int, points: int, since: datetime) -> None:
    """GiftLimitReached; an undone gift counts as one of the day's gifts, its points do not."""
    kept = Gift.state.not_in([UNDONE, RETURNED])
    count, given = session.execute(
        select(func.count(), func.coalesce(func.sum(Gift.points).filter(kept), 0)).where(
            Gift.member_id == member_id, Gift.at >= since
        )
    ).one()
    if count >= MOST_GIFTS_A_DAY or given + points > MOST_POINTS_A_DAY:
        raise GiftLimitReached(
            gifts_left=max(0, MOST_GIFTS_A_DAY - count), points_left=max(0, MOST_POINTS_A_DAY - int(given))
        )


def _guesses_of(member_id: int) -> str:
    return f"gift:{member_id}"
