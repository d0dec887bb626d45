"""Proof of extensions: each is what another person than its maker approved, and each approval was announced once."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from points.announcements import announcements
from points.models import ExtensionRow, Programme


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with extensions. Read-only; give it a REPEATABLE READ transaction."""
    approved = {
        approvals.reference(row.Proposal.proposal_id): (row.Proposal, row.Decision)
        for row in session.execute(
            select(Proposal, Decision)
            .join(Decision, Decision.proposal_id == Proposal.proposal_id)
            .where(Proposal.kind == announcements.KIND, Decision.verdict == APPROVED)
        )
    }
    programmes = {row.programme_id: row for row in session.scalars(select(Programme))}
    named: Counter[str] = Counter()
    for row in session.scalars(select(ExtensionRow).order_by(ExtensionRow.extension_id)):
        reference = row.approval or ""
        named[reference] += 1
        fault = _fault(row, programmes.get(row.programme_id), *approved.get(reference, (None, None)))
        if fault:
            yield Finding("extension", f"extension {row.extension_id}", fault)
    for reference in approved:
        if named[reference] != 1:
            yield Finding("extension", reference, f"it was approved and announced {named[reference]} times")


def _fault(
    row: ExtensionRow, programme: Programme | None, proposal: Proposal | None, decision: Decision | None
) -> str:
    if proposal is None or decision is None:
        return f"it names no approval: {row.approval}"
    if decision.person_id == proposal.maker_id:
        return "its maker approved it"
    if programme is None or announcements.said_by(row, programme) != announcements.wanted_of(proposal):
        return "programme, class, days or reason are not those that were approved"
    if row.announced_by != announcements.maker_of(proposal):
        return "it names another maker"
    return "" if row.entered_at >= decision.at else "it was announced before it was approved"
