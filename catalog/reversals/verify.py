"""Proof of reversals: each redemption that was reversed by persons names an approval of just that."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from catalog.redemptions import course
from catalog.redemptions.models import REVERSED, Redemption, Step
from catalog.reversals import reversals

MOST = 100


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with reversals by persons, at most MOST."""
    approved = {
        approvals.reference(row.proposal_id): row.said["redemption"]
        for row in session.scalars(
            select(Proposal)
            .join(Decision, Decision.proposal_id == Proposal.proposal_id)
            .where(Proposal.kind == reversals.KIND, Decision.verdict == APPROVED)
        )
    }
    rows = session.execute(
        select(Redemption, Step.reason)
        .join(
            Step,
            (Step.member_id == Redemption.member_id) & (Step.redemption_id == Redemption.redemption_id),
        )
        .where(Step.state == REVERSED, Step.actor.startswith("staff:"))
    )
    done = set()
    for redemption, reason in rows:
        reference = course.reference(redemption)
        done.add(reference)
        if approved.get(reason or "") != reference:
            place = f"{redemption.member_id} {redemption.redemption_id}"
            yield Finding("reversal", place, "no two persons approved that it is undone")
    for proposal, reference in approved.items():
        if reference not in done:
            yield Finding("reversal", proposal, "it was approved and nothing was undone")
