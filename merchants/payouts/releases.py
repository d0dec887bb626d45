"""A further version of a payout, by two persons: only of what certainly is not on its way, or was looked for in vain for a day.

failed: the other side said no. returned: the bank sent it back to us (what Stripe's bank sends back stays in the merchant's
balance there, and Stripe pays it again). unknown: no transfer is found and the key is too old to be used again; the
version that follows is looked for once more before it is sent. Released, it waits for a run.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.approvals import NO_MEMBER, Case, Kind
from base.approvals.models import Decision, Proposal
from base.auth.principals import Principal
from base.errors import Conflict
from merchants import scope
from merchants.payout_routes.models import BANK
from merchants.payouts import payouts, states
from merchants.payouts.models import FAILED, PLANNED, RETURNED, UNKNOWN, Payout
from merchants.payouts.sending import KEY_LIVES, NOT_FOUND

KIND = "payout-release"
READS, PROPOSES, APPROVES = "payouts:read", "payouts:propose", "payouts:approve"


class NotToBeReleased(Conflict):
    """This payout may still be on its way, so no further version of it is made."""

    zh = "该笔付款可能仍在途中，不能重新发起。"
    next_en = "Wait until it is found or has failed for certain; what is unknown is looked for each hour."
    next_zh = "请等待查明结果或确认失败；状态不明的付款每小时核查一次。"


def propose(session: Session, person: Principal, payout: Payout, reason: str, at: datetime) -> Case:
    """Propose that a payout is sent anew; NotToBeReleased."""
    _check(payout, at)
    content = {
        "statement": payouts.reference(payout),
        "version": payout.version,
        "state": payout.state,
        "amount_fen": payout.amount_fen,
        "reason": reason,
    }
    return approvals.propose(session, person, KIND, content, member_id=NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """The next version waits for a run; NotToBeReleased, PayoutElsewhere."""
    said = proposal.said
    where = payouts.place(said["statement"])
    payout = payouts.of_statement(session, *where) if where else None
    if payout is None or (payout.version, payout.state) != (said["version"], said["state"]):
        raise states.PayoutElsewhere()
    _check(payout, at)
    asked = select(Decision.person_id).where(Decision.proposal_id == proposal.proposal_id)
    moved = states.move(
        session, payout, PLANNED, f"staff:{session.scalar(asked)}", at,
        reason=said["reason"], approval=approvals.reference(proposal.proposal_id), version=payout.version + 1,
        route="", run_id=None, route_no=None, key_at=None, transfer=None, payment=None, bank_payout=None,
    )  # fmt: skip
    payouts.look_again(session, moved, at)


def within(session: Session, person: Principal, said: dict[str, Any]) -> bool:
    """Whether the merchant is one of the person's own."""
    where = payouts.place(said["statement"])
    return where is not None and scope.sees(session, person, where[0])


def kind() -> Kind:
    """What may be proposed."""
    return Kind(KIND, carry_out, PROPOSES, APPROVES, within=within)


def _check(payout: Payout, at: datetime) -> None:
    sought = payout.state == UNKNOWN and payout.reason == NOT_FOUND
    old = payout.key_at is not None and at >= payout.key_at + KEY_LIVES
    back = payout.state == RETURNED and payout.route == BANK
    if not (payout.state == FAILED or back or (sought and old)):
        raise NotToBeReleased(state=payout.state)
