"""Proof of goodwill: each such bonus is what another person than its maker approved, and each approval gave one."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from points.bonuses.models import Bonus, BonusRule
from points.bonuses.occasions import GOODWILL
from points.goodwill import goodwill


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with goodwill. Read-only; give it a REPEATABLE READ transaction."""
    approved = {
        approvals.reference(row.Proposal.proposal_id): (row.Proposal, row.Decision)
        for row in session.execute(
            select(Proposal, Decision)
            .join(Decision, Decision.proposal_id == Proposal.proposal_id)
            .where(Proposal.kind == goodwill.KIND, Decision.verdict == APPROVED)
        )
    }
    bonuses = session.scalars(
        select(Bonus)
        .join(BonusRule, BonusRule.rule_id == Bonus.rule_id)
        .where(BonusRule.occasion == GOODWILL)
        .execution_options(yield_per=1000)
    )
    given: set[str] = set()
    for bonus in bonuses:
        fault = _fault(bonus, *approved.get(bonus.ref, (None, None)))
        given.add(bonus.ref)
        if fault:
            yield Finding("goodwill", f"member {bonus.member_id} bonus {bonus.code} {bonus.nth}", fault)
    for reference in approved.keys() - given:
        yield Finding("goodwill", reference, "it was approved and nothing was given")


def _fault(bonus: Bonus, proposal: Proposal | None, decision: Decision | None) -> str:
    if proposal is None or decision is None:
        return f"it names no approval: {bonus.ref}"
    if decision.person_id == proposal.maker_id:
        return "its maker approved it"
    asked = (proposal.member_id, proposal.said["rule"], proposal.said["points"])
    if asked != (bonus.member_id, bonus.code, bonus.points):
        return "member, rule or points are not those that were approved"
    return "" if bonus.at >= decision.at else "it was given before it was approved"
