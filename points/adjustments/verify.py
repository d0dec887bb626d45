"""Proof of adjustments: each posting is what another person than its maker approved, and each approval was posted once."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.errors import NotFound
from base.findings import Finding
from points import lots
from points.adjustments import adjustments
from points.kinds import Kind
from points.models import PostingRow

ADJUSTS = (int(Kind.ADJUST_UP), int(Kind.ADJUST_DOWN))


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with adjustments. Read-only; give it a REPEATABLE READ transaction."""
    approved = {
        row.Proposal.proposal_id: (row.Proposal, row.Decision)
        for row in session.execute(
            select(Proposal, Decision)
            .join(Decision, Decision.proposal_id == Proposal.proposal_id)
            .where(Proposal.kind == adjustments.KIND, Decision.verdict == APPROVED)
        )
    }
    posted: Counter[int] = Counter()
    postings = session.scalars(
        select(PostingRow)
        .where(PostingRow.kind.in_(ADJUSTS))
        .order_by(PostingRow.member_id, PostingRow.seq)
        .execution_options(yield_per=1000)
    )
    for posting in postings:
        named = _named(posting.ref)
        posted[named] += 1
        fault = _fault(posting, *approved.get(named, (None, None)))
        if fault:
            yield Finding("adjustment", f"member {posting.member_id} posting {posting.seq}", fault)
    for proposal_id in approved:
        if posted[proposal_id] != 1:
            text = f"it was approved and posted {posted[proposal_id]} times"
            yield Finding("adjustment", approvals.reference(proposal_id), text)


def _named(ref: str | None) -> int:
    """The approval that a posting names; 0: none."""
    try:
        return approvals.parse(ref or "")
    except NotFound:
        return 0


def _fault(posting: PostingRow, proposal: Proposal | None, decision: Decision | None) -> str:
    if proposal is None or decision is None:
        return f"it names no approval: {posting.ref}"
    said = proposal.said
    if decision.person_id == proposal.maker_id:
        return "its maker approved it"
    asked = (proposal.member_id, said["points"], int(adjustments.kind_of(said)))
    if asked != (posting.member_id, posting.amount, posting.kind):
        return "member, points or direction are not those that were approved"
    key = adjustments.lot_key(said)
    if key and any(lots.lot_class(one) != lots.lot_class(key) or one < key for one in posting.lots[0::3]):
        return "it moved points of another lot than was approved"
    return "" if posting.at >= decision.at else "it was posted before it was approved"
