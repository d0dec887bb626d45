"""What a dispute does to the merchant's money: its use is held at once, and released where the use stands.

A hold takes off all that the acceptance moved, fee and tax too; it is never changed. Decided for the member it stays.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.errors import Conflict
from merchants import clawbacks, items
from merchants.clawbacks import AlreadyClawedBack
from merchants.disputes.models import MERCHANT, Dispute
from merchants.models import DISPUTE_HELD, DISPUTE_RELEASED, Acceptance, MerchantItem
from merchants.statements.models import Statement, StatementLine

WITHIN = timedelta(days=60)


class AcceptanceDisputed(Conflict):
    """Somebody looks into this acceptance, and its amount is held."""

    zh = "该笔核销正在核查，款项已暂扣。"
    next_en, next_zh = "Wait for the decision.", "请等待裁定。"
    clerk_en, clerk_zh = (
        "I can't undo it here; somebody is looking into it.",
        "这里无法撤销，该笔正在核查中。",
    )
    then = "support"


class DisputeTooLate(Conflict):
    """It is more than sixty days since the statement with this acceptance."""

    zh = "距该笔核销所在结算单已超过 60 天。"
    next_en, next_zh = "Write to support.", "请联系客服。"


def check_free(session: Session, acceptance: Acceptance) -> None:
    """AcceptanceDisputed, AlreadyClawedBack: where its money was taken off already. The voucher must be locked."""
    asked = select(Dispute.dispute_id).where(
        Dispute.member_id == acceptance.member_id,
        Dispute.acceptance_id == acceptance.acceptance_id,
        Dispute.held,
        Dispute.verdict.is_distinct_from(MERCHANT),
    )
    if session.scalar(asked) is not None:
        raise AcceptanceDisputed()
    if clawbacks.of(session, acceptance) is not None:
        raise AlreadyClawedBack()


def check_in_time(session: Session, acceptance: Acceptance, at: datetime) -> None:
    """DisputeTooLate, where its statement was sealed longer ago than WITHIN; one without a line is never too late."""
    sealed_at = session.scalar(
        select(Statement.sealed_at)
        .join(
            StatementLine,
            (StatementLine.merchant_id == Statement.merchant_id)
            & (StatementLine.statement_no == Statement.statement_no),
        )
        .where(
            StatementLine.merchant_id == acceptance.merchant_id,
            StatementLine.kind == "acceptance",
            StatementLine.member_id == acceptance.member_id,
            StatementLine.source_id == acceptance.acceptance_id,
        )
    )
    if sealed_at is not None and at > sealed_at + WITHIN:
        raise DisputeTooLate(until=(sealed_at + WITHIN).isoformat())


def hold(session: Session, dispute: Dispute, acceptance: Acceptance, at: datetime) -> MerchantItem:
    """Take the acceptance's amounts off, on the merchant's next statement."""
    return items.add(
        session,
        dispute.merchant_id,
        DISPUTE_HELD,
        items.of_acceptance(acceptance).reversed(),
        member_id=dispute.member_id,
        about_id=dispute.dispute_id,
        reason="dispute",
        actor=dispute.opened_by,
        at=at,
    )


def release(session: Session, dispute: Dispute, actor: str, at: datetime) -> None:
    """Give back what was held; a dispute of the time before there were holds held nothing."""
    held = items.find(session, dispute.merchant_id, DISPUTE_HELD, dispute.member_id, dispute.dispute_id)
    if held is None:
        return
    amounts = items.Amounts(held.owed_fen, held.fee_fen, held.vat_fen, held.brand_fen)
    items.add(
        session,
        dispute.merchant_id,
        DISPUTE_RELEASED,
        amounts.reversed(),
        member_id=dispute.member_id,
        about_id=dispute.dispute_id,
        reason="dispute",
        actor=actor,
        at=at,
    )
