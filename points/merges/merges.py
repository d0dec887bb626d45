"""Merging a member into another of the same programme: proposed by one person, approved by another, then a saga.

The approval takes everything out of the merged member's wallet into TRANSIT and leaves the redirect, with the promise of
the second step, in one transaction; points/merges/job.py brings it in at the survivor. Only one wallet is changed in
each step. Merges that share a member exclude each other by the members' rows, locked in the order of their ids: two
members can never be merged into each other.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import ids, outbox
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.models import Proposal
from base.auth.principals import Principal, Staff
from base.errors import Conflict, Invalid
from points import deeds, ledger, programmes
from points.adjustments.adjustments import MOST_TEXT, MOST_TICKET, said_plainly
from points.deeds import Request
from points.gifts.models import SENT, Gift
from points.kinds import FOREVER, Kind, State
from points.lots import Interval
from points.members import members, scope
from points.members.models import Member
from points.merges.models import MemberMerge
from points.models import HoldRow, Programme
from points.postings import Posting
from points.refusals import MemberClosed, MemberFrozen, MemberMerged, PointsHeld

KIND = "merge"
TASK = "merge"
READS, PROPOSES, APPROVES = "approvals:read", "merges:propose", "merges:approve"


class MergeWithOneself(Conflict):
    """A member cannot be merged into itself."""

    zh = "会员不能并入自身。"


class OtherProgramme(Conflict):
    """The two members are in different programmes."""

    zh = "两个会员不属于同一积分计划。"
    next_en, next_zh = "Points never cross programmes.", "积分不能跨计划转移。"


class PointsUnderWay(Conflict):
    """A gift of this member is under way."""

    zh = "该会员赠送的积分尚在途中。"
    next_en, next_zh = "Wait a minute until it has arrived or come back.", "请稍等，待赠送完成或退回后再试。"


class BadMerge(Invalid):
    """A merge needs a text and a ticket, without control characters."""

    zh = "合并需要填写说明和工单号，且不能包含控制字符。"


def propose(
    session: Session, person: Principal, member_id: int, into_id: int, text: str, ticket: str, at: datetime
) -> Case:
    """Propose that a member's points, debt and later earnings go to another one.

    MergeWithOneself, OtherProgramme, MemberUnknown, MemberMerged, MemberFrozen, MemberClosed, PointsHeld,
    PointsUnderWay, ProgrammeClosed.
    """
    if not (said_plainly(text, MOST_TEXT) and said_plainly(ticket, MOST_TICKET)):
        raise BadMerge()
    if isinstance(
        person, Staff
    ):  # the survivor must be one of the maker's own too, whichever door this came by
        scope.check(session, person, member_id, into_id)
    _mergeable(session, member_id, into_id)
    content = {
        "member": ids.public("mbr", member_id),
        "into": ids.public("mbr", into_id),
        "text": text,
        "ticket": ticket,
    }
    return approvals.propose(session, person, KIND, content, member_id=member_id, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """The first step of an approved merge: out of the merged wallet, the redirect, the promise of the second step.

    What `propose` refuses, and LotsFull when the survivor could not take it all now.
    """
    member_id, into_id = proposal.member_id, into_of(proposal)
    for one in sorted((member_id, into_id)):
        session.execute(select(Member.member_id).where(Member.member_id == one).with_for_update())
    programme = _mergeable(session, member_id, into_id)
    _release_what_ends(session, programme, member_id, proposal.proposal_id, at)
    out = Request(
        member_id=member_id,
        idem=key(proposal.proposal_id, "out"),
        kind=Kind.MERGE_OUT,
        points=0,
        at=at,
        zone=programme.zone,
        contra=into_id,
        ref=approvals.reference(proposal.proposal_id),
    )
    left = {posting.kind: posting for posting in ledger.post(session, out).postings}
    _nothing_under_way(session, member_id)  # again: from the posting on nothing can leave beside us
    ledger.set_state(session, member_id, State.MERGED)
    points, debt = left.get(Kind.MERGE_OUT), left.get(Kind.MERGE_DEBT_OUT)
    merge = MemberMerge(
        member_id=member_id,
        merge_id=proposal.proposal_id,
        survivor_id=into_id,
        points=points.amount if points else 0,
        debt=debt.amount if debt else 0,
        out_seq=points.seq if points else None,
        debt_out_seq=debt.seq if debt else None,
        at=at,
    )
    session.add(merge)
    session.flush()
    if points:  # a trial, nothing is written: what cannot land now does not leave
        deeds.run(ledger.read(session, into_id), arrival(merge, into_id, brought(points), programme.zone, at))
    outbox.put(session, **promise(member_id))


def into_of(proposal: Proposal) -> int:
    """The survivor that a proposal names."""
    (into_id,) = ids.parse("mbr", proposal.said["into"], parts=1)
    return into_id


def arrival(
    merge: MemberMerge, landed_id: int, intervals: tuple[Interval, ...], zone: str, at: datetime
) -> Request:
    """The request that brings the points in, with their last days."""
    return Request(
        member_id=landed_id,
        idem=key(merge.merge_id, "in"),
        kind=Kind.MERGE_IN,
        points=merge.points,
        at=at,
        zone=zone,
        quoted=intervals,
        contra=merge.member_id,
        ref=approvals.reference(merge.merge_id),
    )


def brought(posting: Posting) -> tuple[Interval, ...]:
    """What left, as it is to arrive: the same lots and counts, numbered anew by the survivor's wallet."""
    return tuple(Interval(lot_key, 0, count) for lot_key, _, count in posting.lots)


def key(merge_id: int, step: str) -> UUID:
    """The ledger's key of a step of a merge."""
    return ledger.key("merge", f"{merge_id}:{step}")


def promise(member_id: int) -> dict[str, Any]:
    """The outbox row of a merge's second step."""
    return {"member_id": member_id, "task": TASK, "args": {"member_id": member_id}}


def _mergeable(session: Session, member_id: int, into_id: int) -> Programme:
    """The programme of both. A suspended line is not merged away: what is frozen would be free."""
    if member_id == into_id:
        raise MergeWithOneself()
    member, into = members.by_id(session, member_id), members.by_id(session, into_id)
    if member.programme_id != into.programme_id:
        raise OtherProgramme()
    programme = programmes.open_one(session, member.programme_id)
    goes, stays = ledger.read(session, member_id).state, ledger.read(session, into_id).state
    for one, state in ((member_id, goes), (into_id, stays)):
        if state is State.MERGED:
            raise MemberMerged(member=ids.public("mbr", one))
    if goes is State.FROZEN:
        raise MemberFrozen()
    if stays is State.CLOSED or into.left_on is not None:
        raise MemberClosed(since=str(into.left_on) if into.left_on else None)
    kept = [hold for hold in _holds(session, member_id) if hold.ends_at >= FOREVER]
    if kept:  # something outside the house waits for an answer
        raise PointsHeld(held=sum(hold.open_points for hold in kept))
    _nothing_under_way(session, member_id)
    return programme


def _nothing_under_way(session: Session, member_id: int) -> None:
    """What was sent and is not taken comes back to its giver, which must still be there then."""
    sent = select(Gift.gift_id).where(Gift.member_id == member_id, Gift.state == SENT).limit(1)
    if session.scalar(sent) is not None:
        raise PointsUnderWay()


def _holds(session: Session, member_id: int) -> list[HoldRow]:
    return list(session.scalars(select(HoldRow).where(HoldRow.member_id == member_id).order_by(HoldRow.seq)))


def _release_what_ends(
    session: Session, programme: Programme, member_id: int, merge_id: int, at: datetime
) -> None:
    """Holds with an end are ended before it; an overdue one falls due by itself with the next posting."""
    for hold in _holds(session, member_id):
        if hold.ends_at > at:
            ledger.post(
                session,
                Request(
                    member_id=member_id,
                    idem=key(merge_id, f"release:{hold.seq}"),
                    kind=Kind.RELEASE,
                    points=0,
                    at=at,
                    zone=programme.zone,
                    rev_of=hold.seq,
                    ref=approvals.reference(merge_id),
                ),
            )
