"""The last rung: an invoice that nobody pays is written off by two persons."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import ids
from base.approvals import approvals
from base.approvals.approvals import NO_MEMBER, Case, Kind
from base.approvals.models import Decision, Proposal
from base.auth.principals import Principal
from merchants import scope
from merchants.recoveries import recoveries
from merchants.recoveries.models import CANCELLED, DONE, INVOICE, OPEN, WRITE_OFF, Recovery
from merchants.recoveries.recoveries import InvoiceNotOpen

KIND = "write-off"
READS, PROPOSES, APPROVES = "payouts:read", "write-offs:propose", "write-offs:approve"


def propose(session: Session, person: Principal, invoice: Recovery, reason: str, at: datetime) -> Case:
    """Propose that an open invoice is written off; InvoiceNotOpen."""
    if (invoice.step, invoice.state) != (INVOICE, OPEN):
        raise InvoiceNotOpen()
    content = {
        "invoice": recoveries.public_id(invoice),
        "number": invoice.number,
        "amount_fen": invoice.amount_fen,
        "reason": reason,
    }
    return approvals.propose(session, person, KIND, content, member_id=NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """The invoice is claimed no more, and the loss is a fact of its own; InvoiceNotOpen."""
    said, approval = proposal.said, approvals.reference(proposal.proposal_id)
    merchant_id, recovery_id = ids.parse("rcv", said["invoice"])
    invoice = recoveries.find(session, merchant_id, recovery_id)
    recoveries.end_invoice(session, invoice, CANCELLED, approval, at)
    asked = select(Decision.person_id).where(Decision.proposal_id == proposal.proposal_id)
    session.add(
        Recovery(
            merchant_id=merchant_id, recovery_id=ids.new_id(), statement_no=invoice.statement_no, step=WRITE_OFF,
            state=DONE, amount_fen=invoice.amount_fen, reason=said["reason"], actor=f"staff:{session.scalar(asked)}",
            at=at, changed_at=at, approval=approval, reference=said["invoice"],
        )
    )  # fmt: skip
    session.flush()


def within(session: Session, person: Principal, said: dict[str, Any]) -> bool:
    """Whether the merchant is one of the person's own."""
    return scope.sees(session, person, ids.parse("rcv", said["invoice"])[0])


def kind() -> Kind:
    """What may be proposed."""
    return Kind(KIND, carry_out, PROPOSES, APPROVES, within=within)
