"""The cash part of a redemption: opened with it, stopped or refunded with it; what Stripe says is the job's business.

How the course of a redemption uses it (each call is in the course's own transaction, nothing here is remote):
`open` when the redemption becomes pending; then exactly one of the hooks `paid` and `gave_up` is called by the job, once
(`catalog/cash/job.py: Course`). `stop` when the member does not want to pay any more; `refund` when a paid redemption is
handed back, in the transaction that returns the points. Call `stop` and `refund` before other rows are locked: the job
locks the part first, then what its hooks lock. Ask `stripe.is_on` before such a redemption is offered.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import ids, outbox
from base.errors import Conflict, NotFound
from catalog.cash.models import DUE, OPEN, PAID, REFUND_DUE, REFUNDED, CashPart
from merchants.card_payments import Charge

TASK = "cash_part"
TIME_TO_PAY = timedelta(minutes=15)


class CashPartUnknown(NotFound):
    """Nothing of this redemption is paid in money."""

    zh = "该兑换没有现金支付部分。"


class CashNotPaid(Conflict):
    """The cash part of this redemption has not been paid."""

    zh = "该兑换的现金部分尚未支付。"
    next_en, next_zh = "Only what was paid can be refunded.", "只有已支付的金额才能退款。"


def open(
    session: Session, member_id: int, redemption_id: int, amount_fen: int, currency: str, at: datetime
) -> CashPart:
    """Ask the member for so much money, within 15 minutes: written and promised in the redemption's transaction."""
    Charge(
        reference(member_id, redemption_id), amount_fen, currency
    )  # ValueError for what cannot be asked for
    part = CashPart(
        member_id=member_id,
        redemption_id=redemption_id,
        amount_fen=amount_fen,
        currency=currency,
        at=at,
        ends_at=at + TIME_TO_PAY,
        changed_at=at,
        state=DUE,
    )
    session.add(part)
    outbox.put(session, member_id, TASK, _args(part), due_at=at)
    session.flush()
    return part


def stop(session: Session, member_id: int, redemption_id: int, at: datetime) -> None:
    """Time is up now: the payment is cancelled at Stripe, and the course is told as after a time-out, or that it is paid."""
    part = locked(session, member_id, redemption_id)
    if part.state in OPEN and at < part.ends_at:
        part.ends_at, part.tries = at, 0
        promise(session, part, at)


def refund(session: Session, member_id: int, redemption_id: int, at: datetime) -> None:
    """All of the money goes back: due from this transaction on, sent by the job. Twice is once; CashNotPaid."""
    part = locked(session, member_id, redemption_id)
    if part.state in (REFUND_DUE, REFUNDED):
        return
    if part.state != PAID:
        raise CashNotPaid(state=part.state)
    to(part, REFUND_DUE, at)
    promise(session, part, at)


def find(session: Session, member_id: int, redemption_id: int) -> CashPart:
    """A redemption's cash part; CashPartUnknown."""
    found = session.get(CashPart, (member_id, redemption_id), populate_existing=True)
    if found is None:
        raise CashPartUnknown()
    return found


def locked(session: Session, member_id: int, redemption_id: int) -> CashPart:
    """The same, and nobody else changes it before this transaction ends."""
    found = session.scalar(
        select(CashPart)
        .where(CashPart.member_id == member_id, CashPart.redemption_id == redemption_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise CashPartUnknown()
    return found


def to(part: CashPart, state: str, at: datetime, reason: str | None = None) -> None:
    """The next state of a part whose row is locked; tries count anew."""
    part.state, part.changed_at, part.tries, part.reason = state, at, 0, reason


def promise(session: Session, part: CashPart, due_at: datetime) -> None:
    """The next look at this part; of these there is one."""
    forget(session, part)
    outbox.put(session, part.member_id, TASK, _args(part), due_at=due_at)


def forget(session: Session, part: CashPart) -> None:
    """No look is promised any more."""
    outbox.withdraw(session, part.member_id, TASK, _args(part))


def hint(session: Session, member_id: int, redemption_id: int, intent: str | None, due_at: datetime) -> None:
    """A look beside the promised ones, because of something that Stripe told about a PaymentIntent."""
    args = {"member_id": member_id, "redemption_id": redemption_id, "intent": intent or ""}
    outbox.put(session, member_id, TASK, args, due_at=due_at)


def charge(part: CashPart) -> Charge:
    """What is asked of the member, as Stripe is told."""
    return Charge(reference(part.member_id, part.redemption_id), part.amount_fen, part.currency)


def reference(member_id: int, redemption_id: int) -> str:
    """The redemption's public id: it stands in Stripe's keys and metadata."""
    return ids.public("red", member_id, redemption_id)


def _args(part: CashPart) -> dict[str, Any]:
    return {"member_id": part.member_id, "redemption_id": part.redemption_id}
