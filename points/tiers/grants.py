"""Tiers granted by two persons, always with an end, and revoked by two persons.

A grant takes nothing from what is earned below it: the higher of both counts, evaluation goes on underneath, and the day
after the grant's last one the earned tier is there. A proposal says either "grant" or "revoke".
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, ids
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.models import Proposal
from base.auth.principals import Principal
from base.config import Config
from base.errors import Conflict, Invalid, NotFound, field_errors
from points import ledger, programmes
from points.adjustments.adjustments import MOST_TEXT, said_plainly
from points.kinds import State
from points.members import members
from points.refusals import MemberMerged
from points.tiers import ladders, present, telling, tiers
from points.tiers.models import TierGrant, TierRevocation
from points.tiers.reckoning import add_months

KIND = "tier-grant"
READS, PROPOSES, APPROVES = "approvals:read", "tier-grants:propose", "tier-grants:approve"
GRANT, REVOKE = "grant", "revoke"
MOST_MONTHS = 36


class BadGrant(Invalid):
    """This tier cannot be granted."""

    zh = "不能授予该等级。"


class GrantUnknown(NotFound):
    """There is no such granted tier."""

    zh = "没有该授予记录。"


class GrantOver(Conflict):
    """This granted tier has ended or was revoked already."""

    zh = "该授予已到期或已撤销。"


@dataclass(frozen=True)
class Wanted:
    """What a maker asks for. `from_day` None: from the approval on; a day that has passed by then means the same."""

    tier: str
    until_day: date
    reason: str
    from_day: date | None = None


def propose(session: Session, person: Principal, member_id: int, wanted: Wanted, at: datetime) -> Case:
    """Propose to grant a tier. BadGrant, MemberUnknown, MemberMerged, ProgrammeClosed."""
    ladder = _check(session, member_id, wanted, at)
    content = {
        "action": GRANT,
        "member": ids.public("mbr", member_id),
        "ladder": ladder,
        "tier": wanted.tier,
        "from_day": wanted.from_day.isoformat() if wanted.from_day else None,
        "until_day": wanted.until_day.isoformat(),
        "reason": wanted.reason,
    }
    return approvals.propose(session, person, KIND, content, member_id=member_id, at=at)


def propose_end(session: Session, person: Principal, proposal: Proposal, reason: str, at: datetime) -> Case:
    """Propose to revoke what an approval granted. GrantUnknown, GrantOver, BadGrant."""
    grant = made(session, proposal)
    if grant is None:
        raise GrantUnknown()
    _still_counts(session, grant, at)
    if not said_plainly(reason, MOST_TEXT):
        raise BadGrant(field="reason")
    content = {
        "action": REVOKE,
        "member": ids.public("mbr", grant.member_id),
        "grant": approvals.reference(proposal.proposal_id),
        "ladder": grant.ladder,
        "tier": grant.tier,
        "reason": reason,
    }
    return approvals.propose(session, person, KIND, content, member_id=grant.member_id, at=at)


def carry_out(config: Config, session: Session, proposal: Proposal, at: datetime) -> None:
    """Grant or revoke what was approved, from today on; what proposing refuses."""
    member_id, said = proposal.member_id, proposal.said
    today = clock.day(at, members_zone(session, member_id))
    ledger.lock(session, [member_id])
    if said["action"] == GRANT:
        _grant(config, session, proposal, today, at)
    else:
        grant = granted_by(session, said["grant"])
        if grant is None:
            raise GrantUnknown()
        _still_counts(session, grant, at)
        session.add(
            TierRevocation(
                member_id=member_id,
                grant_id=grant.grant_id,
                revoked_at=at,
                from_day=max(today, grant.from_day),
                reason=said["reason"],
                approval=approvals.reference(proposal.proposal_id),
            )
        )
        session.flush()
    present.refresh(session, [member_id], at)


def made(session: Session, proposal: Proposal) -> TierGrant | None:
    """The grant that an approval made."""
    return granted_by(session, approvals.reference(proposal.proposal_id))


def granted_by(session: Session, reference: str) -> TierGrant | None:
    """The grant that names an approval."""
    member_id = approvals.by_id(session, approvals.parse(reference), KIND).proposal.member_id
    asked = select(TierGrant).where(TierGrant.member_id == member_id, TierGrant.approval == reference)
    return session.scalar(asked)


def wanted_of(said: dict[str, Any]) -> Wanted:
    """What a content asks for."""
    from_day = date.fromisoformat(said["from_day"]) if said["from_day"] else None
    return Wanted(said["tier"], date.fromisoformat(said["until_day"]), said["reason"], from_day)


def members_zone(session: Session, member_id: int) -> str:
    """The zone in which a member's days begin."""
    return programmes.by_id(session, members.by_id(session, member_id).programme_id).zone


def _grant(config: Config, session: Session, proposal: Proposal, today: date, at: datetime) -> None:
    member_id, wanted = proposal.member_id, wanted_of(proposal.said)
    ladder = _check(session, member_id, wanted, at)
    first = max(today, wanted.from_day or today)
    before = next((held for held in tiers.of(session, member_id, first) if held.rule.ladder == ladder), None)
    session.add(
        TierGrant(
            member_id=member_id,
            grant_id=ids.new_id(),
            granted_at=at,
            from_day=first,
            until_day=wanted.until_day,
            ladder=ladder,
            tier=wanted.tier,
            reason=wanted.reason,
            approval=approvals.reference(proposal.proposal_id),
        )
    )
    session.flush()
    rule = before.rule if before else None
    if before and rule and rule.rank(wanted.tier) > rule.rank(before.step.tier if before.step else None):
        step = rule.step(rule.rank(wanted.tier))
        assert step is not None
        telling.tell(session, config, member_id, step, first, wanted.until_day)


def _check(session: Session, member_id: int, wanted: Wanted, at: datetime) -> str:
    """The ladder of the tier, when it may be granted."""
    member = members.by_id(session, member_id)
    programme = programmes.open_one(session, member.programme_id)
    if ledger.read(session, member_id).state is State.MERGED:
        raise MemberMerged()
    today = clock.day(at, programme.zone)
    first = max(today, wanted.from_day or today)
    found = ladders.load(session, programme.programme_id)
    rule = next((rule for rule in found.every(first) if rule.rank(wanted.tier)), None)
    wrong: dict[str, str] = {}
    if rule is None:
        wrong["tier"] = f"is on no ladder that has begun by {first}"
    if not first <= wanted.until_day <= add_months(today, MOST_MONTHS):
        wrong["until_day"] = f"must lie between {first} and {add_months(today, MOST_MONTHS)}"
    if not said_plainly(wanted.reason, MOST_TEXT):
        wrong["reason"] = f"must be 1 to {MOST_TEXT} characters without control characters"
    if wrong:
        problem = field_errors(wrong)
        raise BadGrant(problem.detail, **problem.facts)
    assert rule is not None
    return rule.ladder


def _still_counts(session: Session, grant: TierGrant, at: datetime) -> None:
    today = clock.day(at, members_zone(session, grant.member_id))
    revoked = session.get(TierRevocation, (grant.member_id, grant.grant_id))
    if revoked is not None or grant.until_day < today:
        raise GrantOver(until=str(revoked.from_day if revoked else grant.until_day))
