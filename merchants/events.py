"""What a merchant's own systems are told of its settlement: ids, amounts and states, nothing of a member."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from base import ids
from base.webhooks import webhooks
from base.webhooks.webhooks import NO_MEMBER
from merchants.disputes.models import Dispute
from merchants.statements.models import Statement

SEALED, PAYOUT_CHANGED = "jifen.statement.sealed", "jifen.payout.changed"
OPENED, DECIDED = "jifen.dispute.opened", "jifen.dispute.decided"


def sealed(session: Session, row: Statement) -> None:
    """A statement of the merchant was sealed."""
    subject = ids.public("stm", row.merchant_id, row.statement_no)
    data = {
        "statement": subject,
        "number": row.statement_no,
        "from_at": row.from_at.isoformat(),
        "to_at": row.to_at.isoformat(),
        "net_fen": row.net_fen,
        "payable_fen": row.payable_fen,
        "carried_fen": row.carried_fen,
        "due_day": row.due_day.isoformat() if row.due_day else None,
        "currency": row.currency,
        "hash": row.hash.hex(),
    }
    _tell(session, row.merchant_id, SEALED, subject, data, row.sealed_at)


def payout_changed(
    session: Session,
    merchant_id: int,
    statement_no: int,
    state: str,
    amount_fen: int,
    currency: str,
    at: datetime,
) -> None:
    """The payout of a statement stands elsewhere than before."""
    subject = ids.public("stm", merchant_id, statement_no)
    data = {"statement": subject, "state": state, "amount_fen": amount_fen, "currency": currency}
    _tell(session, merchant_id, PAYOUT_CHANGED, subject, data, at)


def dispute_opened(session: Session, dispute: Dispute) -> None:
    """An acceptance of the merchant is disputed, and its amount is held."""
    _dispute(session, OPENED, dispute, dispute.opened_at)


def dispute_decided(session: Session, dispute: Dispute, at: datetime) -> None:
    """A dispute was decided: the hold is released, or stays."""
    _dispute(session, DECIDED, dispute, at)


def _dispute(session: Session, type: str, dispute: Dispute, at: datetime) -> None:
    subject = ids.public("dsp", dispute.member_id, dispute.dispute_id)
    data = {
        "dispute": subject,
        "acceptance": ids.public("acc", dispute.member_id, dispute.acceptance_id),
        "side": dispute.side,
        "state": dispute.state,
        "verdict": dispute.verdict,
        "amount_fen": dispute.amount_fen,
        "decide_by": dispute.decide_by.isoformat(),
    }
    webhooks.publish_to_merchant(session, dispute.merchant_id, dispute.member_id, type, subject, data, at)


def _tell(
    session: Session, merchant_id: int, type: str, subject: str, data: dict[str, Any], at: datetime
) -> None:
    webhooks.publish_to_merchant(session, merchant_id, NO_MEMBER, type, subject, data, at)
