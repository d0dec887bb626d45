"""Reversing a redemption by two persons: the points go back to their lots, the money too, whatever its kind had given ends.

For what went wrong although it was fulfilled: goods that never arrived, a provider that was closed, a credit that a
person took back at the billing system.
"""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from base import channels, ids
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.models import Proposal
from base.auth.principals import Principal
from base.errors import Invalid, field_errors
from catalog.redemptions import course, redemptions
from catalog.redemptions.course import By
from catalog.redemptions.models import FULFILLED
from points.adjustments.adjustments import MOST_TEXT, MOST_TICKET, said_plainly
from points.members import scope

KIND = "reversal"
READS, PROPOSES, APPROVES = "approvals:read", "reversals:propose", "reversals:approve"


class BadReversal(Invalid):
    """A reversal says why in words, and to which case it belongs."""

    zh = "冲正需写明原因和所属工单。"


def propose(
    session: Session,
    person: Principal,
    member_id: int,
    redemption_id: int,
    text: str,
    ticket: str,
    at: datetime,
) -> Case:
    """Propose to undo a redemption. BadReversal, RedemptionUnknown, NotReversible; NotFound for another area's member."""
    scope.check(session, person, member_id)
    redemption = redemptions.find(session, member_id, redemption_id)
    if redemption.state != FULFILLED:
        raise redemptions.NotReversible(state=redemption.state)
    wrong = {
        name: f"must be 1 to {most} characters without control characters"
        for name, said, most in (("text", text, MOST_TEXT), ("ticket", ticket, MOST_TICKET))
        if not said_plainly(said, most)
    }
    if wrong:
        problem = field_errors(wrong)
        raise BadReversal(problem.detail, **problem.facts)
    content = {
        "member": ids.public("mbr", member_id),
        "redemption": course.reference(redemption),
        "points": redemption.price_points,
        "cash_fen": redemption.cash_fen,
        "text": text,
        "ticket": ticket,
    }
    return approvals.propose(session, person, KIND, content, member_id=member_id, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Undo it; what cannot be taken back any more (a voucher that was used) is refused, and the proposal stays open."""
    by = By(f"staff:{proposal.maker_id}", channels.CONSOLE)
    member_id, redemption_id = ids.parse("red", proposal.said["redemption"])
    redemptions.reverse(session, member_id, redemption_id, by, at, approvals.reference(proposal.proposal_id))


def shown(case: Case) -> dict[str, Any]:
    """What a proposal says, without what is the same for all kinds."""
    names = ("member", "redemption", "points", "cash_fen", "text", "ticket")
    return {name: case.proposal.said[name] for name in names}
