"""Proof of packs: each is what two persons approved, once."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from merchants.models import Merchant
from merchants.packs import proposals
from merchants.packs.models import Pack
from merchants.packs.proposals import KIND, Wanted

RULE = "pack"


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong between packs and their approvals."""
    approved = {
        approvals.reference(row.Proposal.proposal_id): (row.Proposal, row.Decision)
        for row in session.execute(
            select(Proposal, Decision)
            .join(Decision, Decision.proposal_id == Proposal.proposal_id)
            .where(Proposal.kind == KIND, Decision.verdict == APPROVED)
        )
    }
    codes = {
        row.merchant_id: row.code for row in session.execute(select(Merchant.merchant_id, Merchant.code))
    }
    made = Counter[str]()
    for pack in session.scalars(select(Pack).execution_options(yield_per=1000)):
        made[pack.approval] += 1
        if fault := _fault(pack, codes.get(pack.merchant_id, ""), *approved.get(pack.approval, (None, None))):
            yield Finding(RULE, f"pack {pack.pack_id}", fault)
    for reference in approved:
        if made[reference] != 1:
            yield Finding(RULE, reference, f"it was approved and made {made[reference]} times")


def _fault(pack: Pack, code: str, proposal: Proposal | None, decision: Decision | None) -> str:
    if proposal is None or decision is None:
        return f"it names no approval: {pack.approval}"
    if decision.person_id == proposal.maker_id:
        return "its maker approved it"
    said = Wanted(pack.points, pack.price_fen, pack.from_day, pack.until_day, pack.reference)
    if code != proposal.said["merchant"] or said != proposals.wanted_of(proposal.said):
        return "it is not the one that was approved"
    return ""
