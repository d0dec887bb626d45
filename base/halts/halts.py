"""Halts: one person stops an action at once, two persons let it go on.

Whoever does such a deed asks in the transaction that writes it, so a halt counts from the next one on; what members and
tills do often asks within a statement that it needs anyway (`is_on`, `STOPPED`). What only looks, gives back or undoes
never asks.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from base import audit, ids
from base.errors import Conflict, Invalid, NotFound
from base.halts.models import Halt

REDEEM, ACCEPT, PAYOUT, EXPORT, ENROL, EARN = ACTIONS = (
    "redeem",
    "accept",
    "payout",
    "export",
    "enrol",
    "earn",
)
EVERYWHERE = 0  # as a programme: all of them
FOR_ALL_ALONE = frozenset({PAYOUT})  # a merchant's statement is about all programmes
MOST_REASON = 300
# For statements in words: the programmes in which an action is stopped, of the one placeholder.
STOPPED = "(select array_agg(programme_id) from halt where action = %s and ended_at is null)"


class Stopped(Conflict):
    """The operator has stopped this for the time being."""

    zh = "运营商已暂停该操作。"
    next_en, next_zh = "Try again later; nothing was changed.", "请稍后再试；没有任何变动。"


class RedeemingStopped(Stopped):
    """Redeeming is stopped for the time being; nothing was taken from your points."""

    zh = "兑换服务已临时暂停，您的积分没有任何变动。"
    next_en = "Your points are safe and go on counting. Try again later."
    next_zh = "积分不受影响，请稍后再试。"


class AcceptingStopped(Stopped):
    """Vouchers are not taken for the time being; this one is as it was."""

    zh = "核销服务已临时暂停，该券保持原状。"
    next_en = "Let the customer keep the voucher and try again later; checking still works."
    next_zh = "请顾客保留该券，稍后再试；仍可查验。"
    clerk_en = "Vouchers cannot be taken just now. Yours stays valid; please come back later."
    clerk_zh = "目前暂时不能核销，您的券仍然有效，请稍后再来。"
    then = "manager"


class PayoutsStopped(Stopped):
    """Payouts are stopped; no money leaves."""

    zh = "付款已暂停，不会有款项转出。"
    next_en, next_zh = "Two persons let them go on, on the page of stops.", "须由两人在「紧急停用」页面恢复。"


class ExportsStopped(Stopped):
    """No file of personal data is given out for the time being."""

    zh = "数据导出已临时暂停。"
    next_en, next_zh = "Try again later.", "请稍后再试。"


class EnrolmentStopped(Stopped):
    """Nobody new is taken in for the time being."""

    zh = "新会员加入已临时暂停。"
    next_en, next_zh = "Send the same request again later.", "请稍后原样重发。"


class EarningStopped(Stopped):
    """No points are given for the time being."""

    zh = "积分发放已临时暂停。"
    next_en, next_zh = (
        "Send the same request with the same key later.",
        "请稍后用同一个 Idempotency-Key 重发。",
    )
    clerk_en = "Points cannot be given just now. Please keep the receipt and come back later."
    clerk_zh = "目前暂时不能发放积分，请保留小票，稍后再来。"
    then = "manager"


class StoppedAlready(Conflict):
    """This is stopped already."""

    zh = "该操作已处于暂停状态。"
    next_en, next_zh = "Look at the list of stops.", "请查看停用列表。"


class HaltUnknown(NotFound):
    """There is no such stop."""

    zh = "没有该停用记录。"


class HaltOver(Conflict):
    """This stop has ended already."""

    zh = "该停用已结束。"


class BadHalt(Invalid):
    """This cannot be stopped so."""

    zh = "停用的内容不正确。"


_REFUSALS: dict[str, type[Stopped]] = {
    REDEEM: RedeemingStopped,
    ACCEPT: AcceptingStopped,
    PAYOUT: PayoutsStopped,
    EXPORT: ExportsStopped,
    ENROL: EnrolmentStopped,
    EARN: EarningStopped,
}


def is_on(action: str, programme_id: InstrumentedAttribute[int] | int) -> ColumnElement[bool]:
    """True of rows whose programme is one in which the action is stopped."""
    place = or_(Halt.programme_id == programme_id, Halt.programme_id == EVERYWHERE)
    return exists().where(Halt.action == action, Halt.ended_at.is_(None), place)


def check(session: Session, action: str, programme_id: int = EVERYWHERE) -> None:
    """The refusal of this action, where it is stopped."""
    if session.scalar(select(is_on(action, programme_id))):
        raise refusal(action)


def check_among(stopped: Collection[int] | None, action: str, programme_id: int) -> None:
    """The same with what `STOPPED` answered."""
    if stopped and not {EVERYWHERE, programme_id}.isdisjoint(stopped):
        raise refusal(action)


def refusal(action: str) -> Stopped:
    """What is told whoever wanted to do it."""
    return _REFUSALS[action]()


def stop(
    session: Session, actor: str, action: str, programme_id: int, reason: str, at: datetime
) -> Halt | None:
    """Stop an action from the next one on; None where it is stopped already. The caller has checked the reason."""
    made: Halt | None = session.scalar(
        insert(Halt)
        .values(
            halt_id=ids.new_id(), programme_id=programme_id, began_at=at, action=action, begun_by=actor, reason=reason
        )
        .on_conflict_do_nothing(
            index_elements=["action", "programme_id"], index_where=Halt.ended_at.is_(None)
        )
        .returning(Halt)
    )  # fmt: skip
    if made is not None:
        place = str(programme_id) if programme_id else "all"
        audit.write(session, actor, "halt.begun", reference(made), of=action, programme=place, reason=reason)
    return made


def end(session: Session, actor: str, halt_id: int, approval: str, at: datetime) -> None:
    """Let it go on, as two persons decided; HaltUnknown, HaltOver."""
    find(session, halt_id)
    ended = session.scalar(
        update(Halt)
        .where(Halt.halt_id == halt_id, Halt.ended_at.is_(None))
        .values(ended_at=at, approval=approval)
        .returning(Halt.halt_id)
    )
    if ended is None:
        raise HaltOver()
    audit.write(session, actor, "halt.ended", ids.public("hlt", halt_id), approval=approval)


def find(session: Session, halt_id: int) -> Halt:
    """A halt; HaltUnknown."""
    found = session.get(Halt, halt_id, populate_existing=True)
    if found is None:
        raise HaltUnknown()
    return found


def standing(session: Session) -> Sequence[Halt]:
    """What is stopped now, the latest first."""
    asked = select(Halt).where(Halt.ended_at.is_(None)).order_by(Halt.halt_id.desc())
    return session.scalars(asked).all()


def listed(session: Session, *, before: int | None = None, limit: int) -> Sequence[Halt]:
    """All halts, ended ones too, the latest first."""
    asked = select(Halt).order_by(Halt.halt_id.desc()).limit(limit)
    return session.scalars(asked if before is None else asked.where(Halt.halt_id < before)).all()


def reference(halt: Halt) -> str:
    """The public id."""
    return ids.public("hlt", halt.halt_id)


def parse(text: str) -> int:
    """The halt of a public id; HaltUnknown when it is none."""
    (halt_id,) = ids.parse("hlt", text, parts=1, unknown=HaltUnknown)
    return halt_id
