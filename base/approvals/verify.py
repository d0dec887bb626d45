"""Proof of approvals: every content is what its hash says, every decision another person's, of that content, in time.

Where it takes several checkers there were so many, each another person, and the one who decided among them.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import APPROVED, WITHDRAWN, Decision, Endorsement, Proposal
from base.findings import Finding


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with proposals and decisions. Read-only; give it a REPEATABLE READ transaction."""
    endorsed = defaultdict[int, list[Endorsement]](list)
    for one in session.scalars(select(Endorsement)):
        endorsed[one.proposal_id].append(one)
    rows = session.execute(
        select(Proposal, Decision)
        .outerjoin(Decision, Decision.proposal_id == Proposal.proposal_id)
        .execution_options(yield_per=1000)
    )
    for proposal, decision in rows:
        mine = endorsed.pop(proposal.proposal_id, [])
        for fault in (*_faults(proposal, decision), *_of_several(proposal, decision, mine)):
            yield Finding("approval", approvals.reference(proposal.proposal_id), fault)
    for proposal_id in sorted(endorsed):
        yield Finding(
            "approval", approvals.reference(proposal_id), "it was approved and there is no such proposal"
        )


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


def _of_several(proposal: Proposal, decision: Decision | None, endorsed: list[Endorsement]) -> Iterator[str]:
    needed, persons = approvals.checkers_of(proposal), {one.person_id for one in endorsed}
    for one in endorsed:
        if one.person_id == proposal.maker_id or one.maker_id != proposal.maker_id:
            yield "its maker is among the checkers"
        if one.content_hash != proposal.content_hash or not proposal.at <= one.at < proposal.ends_at:
            yield "a checker approved another content, or not in time"
    approved = decision is not None and decision.verdict == APPROVED
    if endorsed and needed == 1:
        yield "it takes one checker and has endorsements"
    elif needed > 1 and len(persons) >= needed and not approved:
        yield f"{needed} persons approved it and it was not done"
    elif (
        needed > 1
        and approved
        and decision is not None
        and (len(persons) < needed or decision.person_id not in persons)
    ):
        yield f"it takes {needed} checkers, and {len(persons)} approved it"
