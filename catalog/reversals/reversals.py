"""Reversing a redemption by two persons: the points go back to their lots, the money too, whatever its kind had given ends.

For what went wrong although it was fulfilled: goods that never arrived, a provider that was closed, a credit that should
not have been given. What another system did and can take back (a bill credit) is asked of it first, after the commit. Of a
voucher that was used, what merchants got is clawed back with it where the two persons say so.
"""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from base import channels, ids
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.models import APPROVED, Proposal
from base.auth.principals import Principal
from base.errors import Invalid, field_errors
from catalog.redemptions import course, redemptions, undoing
from catalog.redemptions.course import By
from catalog.redemptions.models import FULFILLED, REVERSED, Redemption
from catalog.reversals import clawing
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
    *,
    claw_back: bool = False,
) -> Case:
    """Propose to undo a redemption; `claw_back`: though its voucher was used, and merchants give back what they got for it.

    BadReversal, RedemptionUnknown, NotReversible, ReversalUnderWay, NothingToClawBack, AcceptanceDisputed; NotFound for
    another area's member.
    """
    scope.check(session, person, member_id)
    redemption = redemptions.find(session, member_id, redemption_id)
    if redemption.state != FULFILLED:
        raise redemptions.NotReversible(state=redemption.state)
    _not_under_way(redemption)
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
    if claw_back:
        content["clawback"] = clawing.listed(session, redemption)
    return approvals.propose(session, person, KIND, content, member_id=member_id, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Undo it, or promise to have it undone where another system has to; what cannot be taken back any more (a voucher that
    was used) is refused, and the proposal stays open.
    """
    by = By(f"staff:{proposal.maker_id}", channels.CONSOLE)
    member_id, redemption_id = ids.parse("red", proposal.said["redemption"])
    redemption = redemptions.find(session, member_id, redemption_id)
    case = approvals.reference(proposal.proposal_id)
    _not_under_way(redemption)
    if undoing.is_asked(redemption):
        undoing.begin(session, redemption, by, case)
        return
    if "clawback" in proposal.said:
        clawing.carry_out(
            session,
            redemption,
            proposal.said["clawback"],
            approval=case,
            reason=proposal.said["text"],
            actor=by.actor,
            at=at,
        )
    redemptions.reverse(session, member_id, redemption_id, by, at, case)


def outcome(session: Session, case: Case) -> tuple[str | None, str | None]:
    """What came of an approved reversal (done, under_way, unclear or refused), and why; nothing of one that is not approved."""
    if case.decision is None or case.decision.verdict != APPROVED:
        return None, None
    reference = approvals.reference(case.proposal.proposal_id)
    redemption = redemptions.find(session, *ids.parse("red", case.proposal.said["redemption"]))
    note, refused = undoing.under_way(redemption), undoing.refused(redemption)
    if reference in refused:
        return "refused", refused[reference]
    if note is not None and note["case"] == reference:
        return ("unclear", note["unclear"]) if "unclear" in note else ("under_way", None)
    return ("done", None) if redemption.state == REVERSED else (None, None)


def _not_under_way(redemption: Redemption) -> None:
    if undoing.under_way(redemption) is not None:
        raise undoing.ReversalUnderWay()


def shown(case: Case) -> dict[str, Any]:
    """What a proposal says, without what is the same for all kinds."""
    names = ("member", "redemption", "points", "cash_fen", "text", "ticket")
    said = case.proposal.said
    return {name: said[name] for name in names} | {"clawback": said.get("clawback", [])}
