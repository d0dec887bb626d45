"""Points of goodwill by two persons: what may be proposed, and the bonus that an approval gives.

Beside an adjustment this is for what costs the operator: the programme's goodwill rule says how much one may be, how
often, and out of which budget. The bonus is known by the approval, so it cannot be given twice.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from base import clock, ids
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.models import Proposal
from base.auth.principals import Principal
from base.errors import field_errors
from points import programmes
from points.adjustments.adjustments import MOST_TEXT, MOST_TICKET, said_plainly
from points.bonuses import deciding, granting
from points.bonuses.deciding import Wanted
from points.bonuses.models import Bonus
from points.bonuses.occasions import GOODWILL
from points.bonuses.refusals import BadBonus
from points.members import members

KIND = "goodwill"
READS, PROPOSES, APPROVES = "approvals:read", "goodwill:propose", "goodwill:approve"


@dataclass(frozen=True)
class Asked:
    """What a maker asks for: points under a goodwill rule, why in words, and the case that it belongs to."""

    rule: str
    points: int
    text: str
    ticket: str


def propose(session: Session, person: Principal, member_id: int, asked: Asked, at: datetime) -> Case:
    """Propose points of goodwill. BadBonus, BonusRuleUnknown, BonusNotRunning, MemberUnknown, ProgrammeClosed.

    Caps, budget and line are asked when it is approved: that is when it is given.
    """
    programme = programmes.open_one(session, members.by_id(session, member_id).programme_id)
    today = clock.day(at, programme.zone)
    world = granting.world_of(session, programme, at)
    found = deciding.asked(world, Wanted(member_id, asked.rule, today, "proposed"), asked.points)
    wrong = {} if found.rule.occasion == GOODWILL else {"rule": "is not one of goodwill"}
    for name, most in (("text", MOST_TEXT), ("ticket", MOST_TICKET)):
        if not said_plainly(getattr(asked, name), most):
            wrong[name] = f"must be 1 to {most} characters without control characters"
    if wrong:
        problem = field_errors(wrong)
        raise BadBonus(problem.detail, **problem.facts)
    content = {
        "member": ids.public("mbr", member_id),
        "rule": asked.rule,
        "points": asked.points,
        "text": asked.text,
        "ticket": asked.ticket,
    }
    return approvals.propose(session, person, KIND, content, member_id=member_id, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Give what was approved, for the day of the approval; refused as any bonus: BonusCapReached, BudgetUsedUp ..."""
    said = proposal.said
    programme = programmes.open_one(session, members.by_id(session, proposal.member_id).programme_id)
    wanted = Wanted(proposal.member_id, said["rule"], clock.day(at, programme.zone), _ref(proposal))
    granting.grant(session, programme, wanted, at, points=said["points"])


def given(session: Session, proposal: Proposal) -> Bonus | None:
    """The bonus that an approval gave."""
    return session.get(Bonus, (proposal.member_id, proposal.said["rule"], _ref(proposal)))


def shown(case: Case) -> dict[str, Any]:
    """What a proposal says, without what is the same for all kinds."""
    return {name: case.proposal.said[name] for name in ("member", "rule", "points", "text", "ticket")}


def _ref(proposal: Proposal) -> str:
    return approvals.reference(proposal.proposal_id)
