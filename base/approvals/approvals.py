"""Proposing, approving, rejecting, withdrawing: two persons, one content, one decision.

A package registers each kind of proposal with what an approval does. The effect is done in the approving transaction:
what it refuses leaves the proposal open, and there is no approval without its effect. Persons are staff; one who signs
in twice is still one person, and a system is none.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, false, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import audit, ids, locks
from base.approvals import endorsements
from base.approvals.models import APPROVED, REJECTED, WITHDRAWN, Decision, Proposal
from base.auth.principals import Principal, Staff
from base.errors import Conflict, NotAllowed, NotFound
from base.failpoints import failpoint

PROPOSED, EXPIRED = "proposed", "expired"
ENDORSED = "endorsed"  # in the audit: a yes that is not the last one
NO_MEMBER = 0  # what a proposal about a whole programme is about
STATES = (PROPOSED, APPROVED, REJECTED, WITHDRAWN, EXPIRED)


class ProposalUnknown(NotFound):
    """There is no such proposal."""

    zh = "没有该申请。"


class NotAPerson(NotAllowed):
    """Only a member of the staff proposes or decides, never a system."""

    zh = "只有员工本人可以提出或审批，系统不可以。"


class OwnProposal(NotAllowed):
    """Nobody decides on a proposal of their own."""

    zh = "不能审批自己提出的申请。"
    next_en, next_zh = "Ask another person; you can only withdraw it.", "请由他人审批；本人只能撤回。"


class NotTheMaker(NotAllowed):
    """Only who made a proposal can withdraw it."""

    zh = "只有提出人可以撤回申请。"
    next_en, next_zh = "Reject it instead.", "请改为驳回。"


class ForHeadquarters(NotAllowed):
    """This concerns a whole programme, not the members of one area."""

    zh = "该申请涉及整个积分计划，不限于某一地区。"
    next_en, next_zh = "Ask somebody who works for all areas.", "请联系负责全部地区的人员。"


class ProposalDecided(Conflict):
    """This proposal was decided already."""

    zh = "该申请已处理。"


class ProposalExpired(Conflict):
    """The time to decide on this proposal is over."""

    zh = "该申请已过期。"
    next_en, next_zh = "Propose it again.", "请重新提出申请。"


class OtherContent(Conflict):
    """This is not the content that was proposed."""

    zh = "所审批的内容与申请内容不一致。"
    next_en, next_zh = "Look at the proposal again, then decide.", "请重新查看申请内容后再决定。"


def _one(said: dict[str, Any]) -> int:
    return 1


@dataclass(frozen=True)
class Kind:
    """A kind of proposal: what an approval does, which permissions it takes, and how long it waits for a decision.

    `checkers`: how many persons have to approve a content, the maker not among them; the last one's yes does it.
    `within`: of what is about no member, whether a content lies in a person's area; left out: only where all areas are.
    """

    name: str
    effect: Callable[[Session, Proposal, datetime], None]
    proposes: str
    approves: str
    waits: timedelta = timedelta(days=7)
    checkers: Callable[[dict[str, Any]], int] = _one
    within: Callable[[Session, Principal, dict[str, Any]], bool] | None = None


@dataclass(frozen=True)
class Case:
    """A proposal and what was decided on it, if anything was."""

    proposal: Proposal
    decision: Decision | None

    def state(self, at: datetime) -> str:
        """One of STATES; a proposal expires by itself."""
        if self.decision is not None:
            return self.decision.verdict
        return PROPOSED if at < self.proposal.ends_at else EXPIRED


Rule = Callable[[Principal, Any], ColumnElement[bool]]
_kinds: dict[str, Kind] = {}
_scope: list[Rule] = []  # who sees proposals about which member; nobody any, until it is said


def scoped_by(rule: Rule) -> None:
    """Say whose members a person sees: `rule(person, column)` is true of rows whose column names one of them."""
    _scope[:] = [rule]


def register(kind: Kind) -> None:
    """Make a kind known under its name; a later one of that name takes its place."""
    _kinds[kind.name] = kind


def guarded_by(name: str, guard: Callable[[Session, Proposal, datetime], None]) -> None:
    """Ask something more before what an approval of a kind does; the guard refuses by raising. A kind not known: nothing."""
    of = _kinds.get(name)
    if of is None:
        return
    effect = of.effect

    def asked_first(session: Session, proposal: Proposal, at: datetime) -> None:
        guard(session, proposal, at)
        effect(session, proposal, at)

    register(replace(of, effect=asked_first))


def known() -> frozenset[str]:
    """The names of all kinds."""
    return frozenset(_kinds)


def propose(
    session: Session,
    person: Principal,
    kind: str,
    content: dict[str, Any],
    *,
    member_id: int,
    at: datetime,
    waits: timedelta | None = None,
) -> Case:
    """Write down what a person wants to be done; NotAPerson, NotAllowed, ForHeadquarters, NotFound (another area's member).

    `waits`: how long for a decision, where that is not the same for all of the kind.
    """
    of = _kinds[kind]
    maker_id = _person(person, of.proposes)
    if not _is_own(session, person, member_id, of, content):
        raise NotFound()
    text = json.dumps({"kind": kind} | content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    proposal = Proposal(
        proposal_id=ids.new_id(),
        member_id=member_id,
        maker_id=maker_id,
        at=at,
        ends_at=at + (waits or of.waits),
        kind=kind,
        content=text,
        content_hash=hashlib.sha256(text.encode()).digest(),
    )
    session.add(proposal)
    session.flush()
    _write(session, person, proposal, PROPOSED)
    return Case(proposal, None)


def approve(
    session: Session,
    person: Principal,
    proposal_id: int,
    seen_hash: str,
    at: datetime,
    note: str | None = None,
) -> Case:
    """Approve the content whose hash the checker saw, and do it in this transaction; where it takes several checkers, the
    last one's yes does it.

    OwnProposal, ProposalDecided, ProposalExpired, OtherContent, EndorsedAlready, ProposalUnknown and ForHeadquarters as
    `own` says, and whatever the effect refuses.
    """
    proposal = own(session, person, proposal_id).proposal
    of = _kinds[proposal.kind]
    checker_id = _person(person, of.approves)
    if checker_id == proposal.maker_id:
        raise OwnProposal()
    needed = of.checkers(proposal.said)
    assert isinstance(person, Staff)
    if needed > 1:
        endorsements.wait(session, proposal.proposal_id)
        _check_open(session, proposal, seen_hash, at)
        if endorsements.add(session, person.staff_id, proposal, at, note) < needed:
            _write(session, person, proposal, ENDORSED)
            return Case(proposal, None)
    case = _decide(session, person, proposal, APPROVED, seen_hash, at, note)
    failpoint("decision_kept")
    of.effect(session, proposal, at)
    failpoint("carried_out")
    return case


def reject(
    session: Session, person: Principal, proposal_id: int, at: datetime, note: str | None = None
) -> Case:
    """A checker says no; OwnProposal, ProposalDecided, ProposalExpired, ProposalUnknown, ForHeadquarters."""
    proposal = own(session, person, proposal_id).proposal
    if _person(person, _kinds[proposal.kind].approves) == proposal.maker_id:
        raise OwnProposal()
    return _decide(session, person, proposal, REJECTED, proposal.content_hash.hex(), at, note)


def withdraw(session: Session, person: Principal, proposal_id: int, at: datetime) -> Case:
    """The maker takes it back; NotTheMaker, ProposalDecided, ProposalExpired."""
    proposal = by_id(session, proposal_id).proposal
    if _person(person, _kinds[proposal.kind].proposes) != proposal.maker_id:
        raise NotTheMaker()
    return _decide(session, person, proposal, WITHDRAWN, proposal.content_hash.hex(), at, None)


def by_id(
    session: Session, proposal_id: int, kind: str | None = None, person: Principal | None = None
) -> Case:
    """A proposal with its decision, maybe of one kind only, or as this person may see it; ProposalUnknown."""
    asked = _cases().where(Proposal.proposal_id == proposal_id)
    if person is not None:
        asked = asked.where((Proposal.member_id == NO_MEMBER) | _seen(person))
    found = session.execute(asked).one_or_none()
    if found is None or kind not in (None, found.Proposal.kind):
        raise ProposalUnknown()
    return Case(found.Proposal, found.Decision)


def own(session: Session, person: Principal, proposal_id: int) -> Case:
    """A proposal that this person may decide on; ProposalUnknown about another area's member, ForHeadquarters."""
    case = by_id(session, proposal_id)
    of = _kinds.get(case.proposal.kind)
    if not _is_own(session, person, case.proposal.member_id, of, case.proposal.said):
        raise ProposalUnknown()
    return case


def listed(
    session: Session,
    kinds: Sequence[str],
    at: datetime,
    *,
    state: str | None = None,
    member_id: int | None = None,
    before: int | None = None,
    person: Principal | None = None,
    maker_id: int | None = None,
    decider: Staff | None = None,
    limit: int,
) -> list[Case]:
    """Proposals of some kinds, newest first, from before an id on; maybe of one state, about one member, or of one maker.

    `decider`: those alone that this person could decide on, of kinds that the person may approve.
    Those about members of other areas than the person's are left out; None is whoever runs the machine, and sees all.
    """
    asked = _cases().where(Proposal.kind.in_(kinds)).order_by(Proposal.proposal_id.desc()).limit(limit)
    if person is not None:
        asked = asked.where((Proposal.member_id == NO_MEMBER) | _seen(person))
    if state is not None:
        asked = asked.where(_is_in(state, at))
    if member_id is not None:
        asked = asked.where(Proposal.member_id == member_id)
    if before is not None:
        asked = asked.where(Proposal.proposal_id < before)
    if maker_id is not None:
        asked = asked.where(Proposal.maker_id == maker_id)
    if decider is not None:
        asked = asked.where(Proposal.maker_id != decider.staff_id)
        if decider.area:
            lower = [name for name, of in _kinds.items() if of.within is not None]
            asked = asked.where((Proposal.member_id != NO_MEMBER) | Proposal.kind.in_(lower))
    return [Case(row.Proposal, row.Decision) for row in session.execute(asked)]


def made_since(session: Session, person: Principal, kind: str, since: datetime) -> list[Case]:
    """What this person proposed from a moment on, to count a limit by; nobody else's proposal comes in between.

    Until the end of the transaction a second proposal of the same person waits here.
    """
    maker_id = _person(person, _kinds[kind].proposes)
    locks.in_turn(session, f"proposal:{maker_id}")
    asked = _cases().where(Proposal.maker_id == maker_id, Proposal.kind == kind, Proposal.at >= since)
    return [Case(row.Proposal, row.Decision) for row in session.execute(asked)]


def checkers_of(proposal: Proposal) -> int:
    """How many persons have to approve it."""
    of = _kinds.get(proposal.kind)
    return of.checkers(proposal.said) if of else 1


def is_for_headquarters(proposal: Proposal) -> bool:
    """Whether nobody of a smaller area decides on it: it is about no member, and its kind lies in no area."""
    of = _kinds.get(proposal.kind)
    return proposal.member_id == NO_MEMBER and (of is None or of.within is None)


def reference(proposal_id: int) -> str:
    """The proposal's public id."""
    return ids.public("apr", proposal_id)


def parse(text: str) -> int:
    """The proposal of a public id; NotFound when it is none."""
    (proposal_id,) = ids.parse("apr", text, parts=1)
    return proposal_id


def _seen(person: Principal) -> ColumnElement[bool]:
    return _scope[0](person, Proposal.member_id) if _scope else false()


def _is_own(
    session: Session, person: Principal, member_id: int, of: Kind | None, content: dict[str, Any]
) -> bool:
    """Whether the member is one of the person's; ForHeadquarters where it is about no member, for who has an area."""
    if member_id == NO_MEMBER:
        if not isinstance(person, Staff) or not person.area:
            return True
        if of is None or of.within is None:
            raise ForHeadquarters()
        return of.within(session, person, content)
    return bool(_scope and session.scalar(select(_scope[0](person, literal(member_id)))))


def _cases() -> Any:
    return select(Proposal, Decision).outerjoin(Decision, Decision.proposal_id == Proposal.proposal_id)


def _is_in(state: str, at: datetime) -> ColumnElement[bool]:
    if state == PROPOSED:
        return Decision.verdict.is_(None) & (Proposal.ends_at > at)
    if state == EXPIRED:
        return Decision.verdict.is_(None) & (Proposal.ends_at <= at)
    return Decision.verdict == state


def _person(person: Principal, permission: str) -> int:
    if not isinstance(person, Staff):
        raise NotAPerson()
    if permission not in person.permissions:
        raise NotAllowed(needs=permission)
    return person.staff_id


def _check_open(session: Session, proposal: Proposal, seen_hash: str, at: datetime) -> None:
    before = session.get(Decision, proposal.proposal_id)
    if before is not None:
        raise ProposalDecided(state=before.verdict)
    if at >= proposal.ends_at:
        raise ProposalExpired(ends_at=proposal.ends_at.isoformat())
    if seen_hash.lower() != proposal.content_hash.hex():
        raise OtherContent()


def _decide(
    session: Session,
    person: Principal,
    proposal: Proposal,
    verdict: str,
    seen_hash: str,
    at: datetime,
    note: str | None,
) -> Case:
    """Write the one decision; the key of its table lets one of two simultaneous ones through."""
    assert isinstance(person, Staff)
    _check_open(session, proposal, seen_hash, at)
    place = {"proposal_id": proposal.proposal_id, "maker_id": proposal.maker_id}
    seen = {"content_hash": proposal.content_hash, "verdict": verdict, "note": note}
    written = session.execute(
        insert(Decision)
        .values(**place, **seen, person_id=person.staff_id, at=at)
        .on_conflict_do_nothing(index_elements=[Decision.proposal_id])
        .returning(Decision)
    ).scalar_one_or_none()
    if written is None:
        raise ProposalDecided(state=session.get_one(Decision, proposal.proposal_id).verdict)
    _write(session, person, proposal, verdict)
    return Case(proposal, written)


def _write(session: Session, person: Principal, proposal: Proposal, what: str) -> None:
    audit.write(
        session,
        person.actor,
        f"{proposal.kind}.{what}",
        reference(proposal.proposal_id),
        member=ids.public("mbr", proposal.member_id) if proposal.member_id else None,
        content_hash=proposal.content_hash.hex(),
    )
