"""Proof of stock: what is left is what came less what went, and nobody corrected it alone."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from catalog.stock import corrections
from catalog.stock.models import StockMove

RULE = "stock"
_CHECKS: tuple[tuple[str, str], ...] = (
    (
        "what is left is not what was there less what was taken and set aside",
        "select s.offer_id, '' from stock s left join (select offer_id, units from redemption "
        "where state not in ('failed', 'cancelled', 'reversed') union all select offer_id, units from bundle_part "
        "where state <> 'undone') r on r.offer_id = s.offer_id group by s.offer_id, s.total, s.set_aside, s.left_over "
        "having s.total - s.set_aside - s.left_over <> coalesce(sum(r.units), 0)",
    ),
    (
        "what is there or set aside is not the sum of its moves",
        "select coalesce(s.offer_id, m.offer_id), '' from stock s full join (select offer_id, sum(total_units) total, "
        "sum(aside_units) aside from stock_move group by 1) m using (offer_id) where s.offer_id is null "
        "or s.total <> coalesce(m.total, 0) or s.set_aside <> coalesce(m.aside, 0)",
    ),
    (
        "less than nothing lies in an area",
        "select offer_id, area from stock_move where area is not null group by 1, 2 having sum(aside_units) < 0",
    ),
)


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with stock. Read-only; give it a REPEATABLE READ transaction."""
    for text, statement in _CHECKS:
        for offer_id, where in session.connection().exec_driver_sql(statement):
            yield Finding(RULE, f"{offer_id} {where}".strip(), text)
    yield from _corrections(session)


def _corrections(session: Session) -> Iterator[Finding]:
    """Each correction is what two persons approved, and each approval made one."""
    approved = {
        approvals.reference(row.Proposal.proposal_id): row
        for row in session.execute(
            select(Proposal, Decision)
            .join(Decision, Decision.proposal_id == Proposal.proposal_id)
            .where(Proposal.kind == corrections.KIND, Decision.verdict == APPROVED)
        )
    }
    named: Counter[str] = Counter()
    for move in session.scalars(select(StockMove).where(StockMove.approval.is_not(None))):
        reference = move.approval or ""
        found = approved.get(reference)
        named[reference] += 1
        if found is None or found.Decision.person_id == found.Proposal.maker_id:
            yield Finding(RULE, f"{move.offer_id} move {move.move_id}", "no second person approved it")
        elif not corrections.says(move, found.Proposal):
            yield Finding(RULE, f"{move.offer_id} move {move.move_id}", "it is not what was approved")
    for reference in approved:
        if named[reference] != 1:
            yield Finding(RULE, reference, f"it was approved and done {named[reference]} times")
