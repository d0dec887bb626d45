"""Proof of earn rules: each that names an approval is what two persons agreed on, and nothing approved is missing."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from points.earn_rules import earn_rules
from points.earn_rules.earn_rules import Row
from points.models import EarnRule, Programme


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with earn rules. Read-only; give it a REPEATABLE READ transaction."""
    agreed: Counter[tuple[str, str, Row]] = Counter()
    for proposal, decision in session.execute(
        select(Proposal, Decision)
        .join(Decision, Decision.proposal_id == Proposal.proposal_id)
        .where(Proposal.kind == earn_rules.KIND, Decision.verdict == APPROVED)
    ):
        named, wanted = approvals.reference(proposal.proposal_id), earn_rules.wanted_of(proposal)
        if decision.person_id == proposal.maker_id:
            yield Finding("earn rule", named, "its maker approved it")
        agreed.update((named, wanted.programme, row) for row in wanted.rows)
    there: Counter[tuple[str, str, Row]] = Counter()
    for rule, code in session.execute(
        select(EarnRule, Programme.code)
        .join(Programme, Programme.programme_id == EarnRule.programme_id)
        .where(EarnRule.approval.is_not(None))
    ):
        there[rule.approval or "", code, Row(rule.line_type, rule.from_day, rule.points, rule.per_fen)] += 1
    for (named, code, row), _ in sorted((there - agreed).items(), key=str):
        yield Finding(
            "earn rule", f"{code} {row.line_type} {row.from_day}", f"it is not what was approved: {named}"
        )
    for (named, _, row), _ in sorted((agreed - there).items(), key=str):
        yield Finding("earn rule", named, f"approved and not there: {row.line_type} from {row.from_day}")
