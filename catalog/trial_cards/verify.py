"""Proof of trial cards: each was approved by another person than its maker, each approval gave one, each has one voucher."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from catalog.offers.models import TRIAL_CARD, OfferState
from catalog.redemptions.models import Redemption
from catalog.trial_cards import trial_cards

_CHECKS: tuple[tuple[str, str], ...] = (
    (
        "it has not exactly one voucher, cancelled with it",
        "select r.member_id, r.redemption_id from redemption r left join voucher v "
        "on v.member_id = r.member_id and v.redemption_id = r.redemption_id where r.kind = 'trial_card' "
        "group by r.member_id, r.redemption_id, r.state having count(v.voucher_id) <> 1 "
        "or (r.state in ('cancelled', 'reversed')) <> bool_or(v.state = 'cancelled')",
    ),
    (
        "a result is of no trial card",
        "select t.member_id, t.redemption_id from trial_card_result t left join redemption r "
        "on r.member_id = t.member_id and r.redemption_id = t.redemption_id and r.kind = 'trial_card' "
        "where r.redemption_id is null",
    ),
)
MOST = 100


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with trial cards, at most MOST of each rule of theirs."""
    for fault, statement in _CHECKS:
        for first, second in session.connection().exec_driver_sql(f"{statement} limit {MOST}"):
            yield Finding("trial card", f"{first} {second}", fault)
    approved = {
        approvals.reference(row.Proposal.proposal_id): (row.Proposal, row.Decision)
        for row in session.execute(
            select(Proposal, Decision)
            .join(Decision, Decision.proposal_id == Proposal.proposal_id)
            .where(Proposal.kind == trial_cards.KIND, Decision.verdict == APPROVED)
        )
    }
    handed_out = select(Redemption, OfferState.code).join(
        OfferState, OfferState.offer_id == Redemption.offer_id
    )
    left = set(approved)
    for card, code in session.execute(handed_out.where(Redemption.kind == TRIAL_CARD)):
        reference = card.details.get("approval", "")
        fault = _fault(card, code, *approved.get(reference, (None, None)))
        if not fault and reference not in left:
            fault = "its approval gave another one as well"
        left.discard(reference)
        if fault:
            yield Finding("trial card", f"{card.member_id} {card.redemption_id}", fault)
    for reference in sorted(left):
        yield Finding("trial card", reference, "it was approved and nothing was handed out")


def _fault(card: Redemption, code: str, proposal: Proposal | None, decision: Decision | None) -> str:
    if proposal is None or decision is None:
        return "it names no approval"
    if decision.person_id == proposal.maker_id:
        return "its maker approved it"
    asked = (proposal.member_id, proposal.said["offer"], proposal.said["cost_fen"])
    same = asked == (card.member_id, code, card.cost_fen) and card.price_points == 0
    return "" if same else "member, offer or cost are not those that were approved"
