"""Proof of approvals: every content is what its hash says, every decision another person's, of that content, in time."""

import hashlib
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import WITHDRAWN, Decision, Proposal
from base.findings import Finding


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with proposals and decisions. Read-only; give it a REPEATABLE READ transaction."""
    rows = session.execute(
        select(Proposal, Decision)
        .outerjoin(Decision, Decision.proposal_id == Proposal.proposal_id)
        .execution_options(yield_per=1000)
    )
    for proposal, decision in rows:
        for fault in _faults(proposal, decision):
            yield Finding("approval", approvals.reference(proposal.proposal_id), fault)


def _faults(proposal: Proposal, decision: Decision | None) -> Iterator[str]:
    if hashlib.sha256(proposal.content.encode()).digest() != proposal.content_hash:
        yield "the content is not the one that was proposed"
    if decision is None:
        return
    if decision.maker_id != proposal.maker_id or decision.content_hash != proposal.content_hash:
        yield "the decision is about another maker or content"
    if (decision.verdict == WITHDRAWN) != (decision.person_id == proposal.maker_id):
        yield f"it was {decision.verdict} by {'its maker' if decision.person_id == proposal.maker_id else 'somebody else'}"
    if not proposal.at <= decision.at < proposal.ends_at:
        yield "it was decided before it was made, or after its time"
