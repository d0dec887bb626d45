"""Proof of reversals: each redemption that was reversed by persons names an approval of just that.

Goods are the exception: what came back or was lost is one person's record, a step of the goods by the same person.
"""

from collections.abc import Iterator

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from catalog.goods.models import LOST, RETURNED, GoodsStep
from catalog.redemptions import course
from catalog.redemptions.models import REVERSED, Redemption, Step
from catalog.reversals import reversals

MOST = 100
_recorded = exists().where(
    GoodsStep.member_id == Step.member_id,
    GoodsStep.redemption_id == Step.redemption_id,
    GoodsStep.at == Step.at,
    GoodsStep.actor == Step.actor,
    GoodsStep.state.in_((RETURNED, LOST)),
)


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
        .where(Step.state == REVERSED, Step.actor.startswith("staff:"), ~_recorded)
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
