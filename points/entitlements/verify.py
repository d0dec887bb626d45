"""Proof of entitlements: counters are the sum of uses, undone once, and each rule is what two persons put in force."""

from collections.abc import Iterator

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from points.entitlements import rules
from points.entitlements.models import EntitlementRule
from points.models import Programme

_COUNTED = text("""
select coalesce(c.member_id, u.member_id), coalesce(c.perk, u.perk), coalesce(c.period_from, u.period_from), c.used, u.used
from entitlement_count c full join (
  select member_id, perk, period_from, sum(case when undoes is null then uses else -uses end)::int used
  from entitlement_use group by 1, 2, 3) u using (member_id, perk, period_from)
where coalesce(c.used, 0) <> coalesce(u.used, 0) order by 1, 2, 3
""")
_UNDONE = text("""
select b.member_id, b.use_id from entitlement_use b
left join entitlement_use u on u.member_id = b.member_id and u.use_id = b.undoes and u.undoes is null
where b.undoes is not null and (u.use_id is null
  or (u.perk, u.period_from, u.uses, u.on_day) <> (b.perk, b.period_from, b.uses, b.on_day)) order by 1, 2
""")


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with entitlements. Read-only; give it a REPEATABLE READ transaction."""
    for member_id, perk, first, counted, used in session.execute(_COUNTED):
        fault = f"its counter says {counted}, its uses add up to {used}"
        yield Finding("entitlement", f"member {member_id} {perk} from {first}", fault)
    for member_id, use_id in session.execute(_UNDONE):
        yield Finding("entitlement", f"member {member_id} use {use_id}", "it undoes no such use")
    yield from _rules(session)


def _rules(session: Session) -> Iterator[Finding]:
    approved = {
        approvals.reference(row.Proposal.proposal_id): row
        for row in session.execute(
            select(Proposal, Decision)
            .join(Decision, Decision.proposal_id == Proposal.proposal_id)
            .where(Proposal.kind == rules.KIND, Decision.verdict == APPROVED)
        )
    }
    named = set()
    programmes = {row.programme_id: row for row in session.scalars(select(Programme))}
    for rule in session.scalars(select(EntitlementRule).order_by(EntitlementRule.rule_id)):
        found, programme = approved.get(rule.approval or ""), programmes.get(rule.programme_id)
        named.add(rule.approval)
        if found is None or found.Decision.person_id == found.Proposal.maker_id:
            yield Finding(
                "entitlement", f"rule {rule.rule_id}", f"no second person approved it: {rule.approval}"
            )
        elif programme is None or rules.said_by(rule, programme) != rules.wanted_of(found.Proposal):
            yield Finding("entitlement", f"rule {rule.rule_id}", "it is not what was approved")
    for reference in approved.keys() - named:
        yield Finding("entitlement", reference, "it was approved and is in no rule")
