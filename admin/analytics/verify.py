"""Proof of figures: liabilities reconcile with the ledger to the point, target mixes were set by two persons, reports are whole."""

import hashlib
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.analytics import liability, mix_targets
from admin.analytics.models import MixTarget, PeriodReport
from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from points.models import Programme

TARGET, REPORT = "mix-target", "period-report"


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with figures that were kept. Read-only; give it a REPEATABLE READ transaction."""
    yield from liability.findings(session)
    yield from _targets(session)
    for report in session.scalars(select(PeriodReport)):
        if hashlib.sha256(report.content.encode()).digest() != report.sha256:
            yield Finding(
                REPORT, f"programme {report.programme_id} {report.period}", "its content is not what was made"
            )


def _targets(session: Session) -> Iterator[Finding]:
    approved = {
        approvals.reference(proposal.proposal_id): proposal
        for proposal in session.scalars(
            select(Proposal)
            .join(Decision, Decision.proposal_id == Proposal.proposal_id)
            .where(Proposal.kind == mix_targets.KIND, Decision.verdict == APPROVED)
        )
    }
    programmes = {row.programme_id: row for row in session.scalars(select(Programme))}
    for target in session.scalars(select(MixTarget)):
        place, proposal = (
            f"programme {target.programme_id} {target.from_day}",
            approved.pop(target.approval, None),
        )
        if proposal is None:
            yield Finding(TARGET, place, "no second person approved it")
        elif not mix_targets.says(target, programmes[target.programme_id], mix_targets.wanted_of(proposal)):
            yield Finding(TARGET, place, "it is not what was approved")
    for reference in approved:
        yield Finding(TARGET, reference, "it was approved and there is no such target")
