"""Proof of budgets: what was spent is the sum of its uses, never above a cap, and two persons set each amount."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from catalog.budgets import proposals
from catalog.budgets.models import Budget, BudgetAmount
from catalog.budgets.proposals import NEW
from points.models import Programme

RULE = "budget"
_SUMS = text("""
select coalesce(p.budget_id, u.budget_id), coalesce(p.period_from, u.period_from), p.spent_fen, u.fen from budget_period p
full join (select budget_id, period_from, sum(case when back then -fen else fen end)::bigint fen from budget_use
  group by 1, 2) u using (budget_id, period_from)
where coalesce(p.spent_fen, 0) <> coalesce(u.fen, 0) order by 1, 2
""")
_ABOVE = text("""
select p.budget_id, p.period_from, p.spent_fen, max(a.cap_fen) from budget_period p
left join budget_amount a on a.budget_id = p.budget_id group by 1, 2, 3
having p.spent_fen > coalesce(max(a.cap_fen), 0) order by 1, 2
""")
_BACK = text("""
select b.member_id, b.redemption_id from budget_use b left join budget_use u on u.member_id = b.member_id
  and u.redemption_id = b.redemption_id and not u.back
where b.back and (u.member_id is null or (u.budget_id, u.period_from, u.fen) <> (b.budget_id, b.period_from, b.fen))
order by 1, 2
""")
_ENDED = text("""
select u.member_id, u.redemption_id from budget_use u
left join redemption r on r.member_id = u.member_id and r.redemption_id = u.redemption_id
left join budget_use b on b.member_id = u.member_id and b.redemption_id = u.redemption_id and b.back
where not u.back and (r.member_id is null or (r.state in ('failed', 'cancelled', 'reversed')) <> (b.member_id is not null))
order by 1, 2
""")

_COSTS = text("""
select r.member_id, r.redemption_id from redemption r left join budget_use u on u.member_id = r.member_id
  and u.redemption_id = r.redemption_id and not u.back
where r.budget_id is not null and r.cost_fen > 0 and (u.budget_id is distinct from r.budget_id or u.fen <> r.cost_fen)
order by 1, 2
""")


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with budgets. Read-only; give it a REPEATABLE READ transaction."""
    for budget_id, period, counted, used in session.execute(_SUMS):
        fault = f"its counter says {counted} fen, its uses add up to {used}"
        yield Finding(RULE, f"{budget_id} from {period}", fault)
    for budget_id, period, spent, cap in session.execute(_ABOVE):
        yield Finding(
            RULE, f"{budget_id} from {period}", f"{spent} fen were spent, it never had more than {cap}"
        )
    for member_id, redemption_id in session.execute(_BACK):
        yield Finding(RULE, f"member {member_id} {redemption_id}", "it gives back what was not spent")
    for member_id, redemption_id in session.execute(_ENDED):
        text = "its redemption is not there, or ended otherwise than the use"
        yield Finding(RULE, f"member {member_id} {redemption_id}", text)
    for member_id, redemption_id in session.execute(_COSTS):
        yield Finding(RULE, f"member {member_id} {redemption_id}", "its budget was not charged what it costs")
    yield from _approved(session)


def _approved(session: Session) -> Iterator[Finding]:
    approved = {
        approvals.reference(row.Proposal.proposal_id): row
        for row in session.execute(
            select(Proposal, Decision)
            .join(Decision, Decision.proposal_id == Proposal.proposal_id)
            .where(Proposal.kind == proposals.KIND, Decision.verdict == APPROVED)
        )
    }
    programmes = {row.programme_id: row for row in session.scalars(select(Programme))}
    budgets = {row.budget_id: row for row in session.scalars(select(Budget))}
    for budget in budgets.values():
        found = approved.get(budget.approval)
        if found is None or found.Decision.person_id in (found.Proposal.maker_id, budget.owner_id):
            yield Finding(RULE, f"{budget.budget_id}", "no second person approved it")
        elif found.Proposal.said["what"] != NEW or not proposals.says(
            budget, programmes[budget.programme_id], proposals.wanted_of(found.Proposal)
        ):
            yield Finding(RULE, f"{budget.budget_id}", "it is not what was approved")
    named: Counter[str] = Counter()
    for amount in session.scalars(select(BudgetAmount)):
        found, of = approved.get(amount.approval), budgets.get(amount.budget_id)
        named[amount.approval] += 1
        if found is None or of is None or found.Decision.person_id in (found.Proposal.maker_id, of.owner_id):
            yield Finding(RULE, f"{amount.budget_id} amount", "no second person approved it")
            continue
        said = found.Proposal.said
        if (said["code"], said["cap_fen"]) != (of.code, amount.cap_fen) or amount.from_at < found.Decision.at:
            yield Finding(RULE, f"{amount.budget_id} amount", "it is not what was approved")
    for reference in approved:
        if named[reference] != 1:
            yield Finding(RULE, reference, f"it was approved and is in {named[reference]} amounts")
