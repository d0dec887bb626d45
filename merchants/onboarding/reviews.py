"""The review of a merchant's documents by two persons: one proposes exactly the version that was read, another approves it."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.approvals import NO_MEMBER, Case
from base.approvals.models import Decision, Proposal
from base.auth.principals import Principal
from base.errors import Conflict
from merchants import merchants, scope
from merchants.models import DOCUMENTS, Merchant
from merchants.onboarding import checklist, documents, stages
from merchants.onboarding.stages import StepNotReady

KIND = "merchant-review"
READS, PROPOSES, APPROVES = "merchants:read", "merchant-reviews:propose", "merchant-reviews:approve"


class DocumentsChanged(Conflict):
    """The merchant has handed in other documents since."""

    zh = "该商户此后提交了新的资料。"
    next_en, next_zh = "Read the new ones and propose their review.", "请查看新资料后重新提出审核。"


def propose(session: Session, person: Principal, merchant: Merchant, text: str, at: datetime) -> Case:
    """Propose that the documents as they are now are right; StepNotReady while something is missing."""
    row = documents.latest(session, merchant.merchant_id)
    missing = [one.name for one in checklist.of(session, merchant, DOCUMENTS, at) if not one.done]
    if row is None or missing:
        raise StepNotReady(missing=missing)
    content = {
        "merchant": merchant.code,
        "documents": row.documents_no,
        "digest": documents.digest(row),
        "reason": text,
    }
    return approvals.propose(session, person, KIND, content, member_id=NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """The merchant is reviewed; DocumentsChanged, StepNotThere."""
    merchant = merchants.by_code(session, proposal.said["merchant"])
    row = documents.latest(session, merchant.merchant_id)
    if row is None or documents.digest(row) != proposal.said["digest"]:
        raise DocumentsChanged()
    asked = select(Decision.person_id).where(Decision.proposal_id == proposal.proposal_id)
    actor = f"staff:{session.scalar(asked)}"
    reference = approvals.reference(proposal.proposal_id)
    stages.reviewed(session, merchant, row.documents_no, reference, actor, at)


def within(session: Session, person: Principal, said: dict[str, Any]) -> bool:
    """Whether the merchant that a content names is one of the person's own."""
    return scope.sees(session, person, merchants.by_code(session, said["merchant"]).merchant_id)
