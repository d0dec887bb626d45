"""The states of a payout: which follow which, and the one conditional UPDATE by which a payout goes on, with its step."""

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from base.errors import Conflict
from merchants import events as merchant_events
from merchants.payouts.models import (
    APPROVED,
    FAILED,
    ON_HOLD,
    PAID,
    PLANNED,
    RETURNED,
    SENDING,
    SENT,
    UNKNOWN,
    Payout,
    PayoutStep,
)

SYSTEM = "system"
# What may follow. sent from unknown: it was found; planned from what certainly has no effect: the next version; on_hold
# from on_hold: a person stops what is held for a reason that ends by itself.
AFTER: dict[str, frozenset[str]] = {
    PLANNED: frozenset({APPROVED, ON_HOLD}),
    ON_HOLD: frozenset({PLANNED, ON_HOLD}),
    APPROVED: frozenset({SENDING, ON_HOLD, SENT}),
    SENDING: frozenset({SENT, UNKNOWN, FAILED, APPROVED}),
    UNKNOWN: frozenset({SENDING, SENT, FAILED, APPROVED, PLANNED}),
    SENT: frozenset({PAID, RETURNED}),
    PAID: frozenset({RETURNED}),
    RETURNED: frozenset({PAID, PLANNED}),
    FAILED: frozenset({PLANNED}),
}


class PayoutElsewhere(Conflict):
    """This payout does not stand there any more."""

    zh = "该笔付款的状态已变化。"
    next_en, next_zh = "Look at it again.", "请重新查看后再操作。"


def begin(session: Session, payout: Payout, actor: str, reason: str = "") -> Payout:
    """Write a fresh payout and its first step."""
    session.add(payout)
    session.flush()
    session.add(_step(payout, payout.made_at, actor, reason, None, None))
    session.flush()
    return payout


def move(
    session: Session,
    payout: Payout,
    to: str,
    actor: str,
    at: datetime,
    *,
    reason: str = "",
    reference: str | None = None,
    approval: str | None = None,
    **changes: Any,
) -> Payout:
    """The payout goes on, from exactly where the caller saw it; PayoutElsewhere where somebody was first."""
    if to not in AFTER[payout.state]:
        raise PayoutElsewhere(state=payout.state, to=to)
    values = {"held": "", "busy_until": None, "reason": reason} | changes
    moved = session.scalar(
        update(Payout)
        .where(
            Payout.merchant_id == payout.merchant_id,
            Payout.statement_no == payout.statement_no,
            Payout.state == payout.state,
            Payout.step_no == payout.step_no,
        )
        .values(state=to, step_no=payout.step_no + 1, changed_at=at, **values)
        .returning(Payout)
        .execution_options(populate_existing=True)
    )
    if moved is None:
        raise PayoutElsewhere(to=to)
    session.add(_step(moved, at, actor, reason or moved.held, reference, approval))
    session.flush()
    merchant_events.payout_changed(
        session, moved.merchant_id, moved.statement_no, to, moved.amount_fen, moved.currency, at
    )
    return moved


def note(session: Session, payout: Payout, at: datetime, **changes: Any) -> bool:
    """Write beside a payout that stays where it is; False where somebody was first."""
    seen = (Payout.state == payout.state, Payout.step_no == payout.step_no, Payout.tries == payout.tries)
    written = session.scalar(
        update(Payout)
        .where(Payout.merchant_id == payout.merchant_id, Payout.statement_no == payout.statement_no, *seen)
        .values(changed_at=at, **changes)
        .returning(Payout)
        .execution_options(populate_existing=True)
    )
    return written is not None


def _step(
    payout: Payout, at: datetime, actor: str, reason: str, reference: str | None, approval: str | None
) -> PayoutStep:
    return PayoutStep(
        merchant_id=payout.merchant_id,
        statement_no=payout.statement_no,
        step_no=payout.step_no,
        at=at,
        version=payout.version,
        amount_fen=payout.amount_fen,
        state=payout.state,
        route=payout.route,
        actor=actor,
        reason=reason,
        reference=reference,
        approval=approval,
    )
