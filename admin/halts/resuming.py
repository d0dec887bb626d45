"""Stopping an action by one person of headquarters; letting it go on by two, who say why."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.approvals import NO_MEMBER, Case, ForHeadquarters
from base.approvals.models import Decision, Proposal
from base.auth.principals import Principal, Staff
from base.errors import field_errors
from base.halts import halts
from base.halts.halts import (
    ACTIONS,
    EVERYWHERE,
    FOR_ALL_ALONE,
    MOST_REASON,
    BadHalt,
    HaltOver,
    StoppedAlready,
)
from base.halts.models import Halt
from points import programmes
from points.adjustments.adjustments import said_plainly

KIND = "resumption"
READS, STOPS, PROPOSES, APPROVES = "halts:read", "halts:stop", "halts:propose", "halts:approve"


def stop(
    session: Session, person: Principal, action: str, programme: str | None, reason: str, at: datetime
) -> Halt:
    """Stop an action at once, in one programme (its code) or, with None, in all. BadHalt, StoppedAlready, ForHeadquarters."""
    _of_headquarters(person)
    wrong = {} if said_plainly(reason, MOST_REASON) else {"reason": f"must be 1 to {MOST_REASON} characters"}
    if action not in ACTIONS:
        wrong["action"] = f"is one of {', '.join(ACTIONS)}"
    elif programme is not None and action in FOR_ALL_ALONE:
        wrong["programme"] = f"{action} is stopped for all programmes together"
    if wrong:
        problem = field_errors(wrong)
        raise BadHalt(problem.detail, **problem.facts)
    place = programmes.by_code(session, programme).programme_id if programme else EVERYWHERE
    made = halts.stop(session, person.actor, action, place, reason, at)
    if made is None:
        raise StoppedAlready()
    return made


def propose(session: Session, person: Principal, halt_id: int, reason: str, at: datetime) -> Case:
    """Propose that it goes on. HaltUnknown, HaltOver, BadHalt, ForHeadquarters."""
    _of_headquarters(person)
    halt = halts.find(session, halt_id)
    if halt.ended_at is not None:
        raise HaltOver()
    if not said_plainly(reason, MOST_REASON):
        problem = field_errors({"reason": f"must be 1 to {MOST_REASON} characters"})
        raise BadHalt(problem.detail, **problem.facts)
    content = {
        "halt": halts.reference(halt),
        "action": halt.action,
        "programme": code_of(session, halt),
        "stopped_because": halt.reason,
        "reason": reason,
    }
    return approvals.propose(session, person, KIND, content, member_id=NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Let it go on; HaltOver."""
    asked = select(Decision.person_id).where(Decision.proposal_id == proposal.proposal_id)
    actor = f"staff:{session.scalar(asked)}"
    halt_id = halts.parse(proposal.said["halt"])
    halts.end(session, actor, halt_id, approvals.reference(proposal.proposal_id), at)


def code_of(session: Session, halt: Halt) -> str | None:
    """The code of the programme in which it is stopped; None: in all."""
    return programmes.by_id(session, halt.programme_id).code if halt.programme_id else None


def _of_headquarters(person: Principal) -> None:
    if isinstance(person, Staff) and person.area:
        raise ForHeadquarters()
