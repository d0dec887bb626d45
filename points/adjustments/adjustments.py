"""Points added to a member or taken by hand: what may be proposed, and what an approval posts.

A proposal says everything: the lot that points enter is fixed when it is made, so that the checker sees it. The posting
names the approval in `ref`, and its key is the approval's: it cannot be posted twice.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, ids
from base.approvals import approvals
from base.approvals.approvals import EXPIRED, Case
from base.approvals.models import REJECTED, WITHDRAWN, Proposal
from base.auth.principals import Principal
from base.errors import Conflict, Invalid, OverLimit, field_errors
from points import ledger, lots, policies, programmes
from points.bonuses import rules as bonus_rules
from points.deeds import Request
from points.kinds import MOST_POINTS, Kind, State
from points.members import members
from points.models import PostingRow, Programme
from points.policies import BILL_POINTS
from points.refusals import MemberMerged, PointsOutOfRange

KIND = "adjustment"
READS, PROPOSES, APPROVES = "approvals:read", "adjustments:propose", "adjustments:approve"
UP, DOWN = "up", "down"
GOODWILL = "goodwill"
REASONS = ("missing", GOODWILL, "complaint", "lapsed", "mistake", "misuse")
MOST_POINTS_A_MAKER_PROPOSES_A_DAY = 100_000
MOST_TEXT, MOST_TICKET, MOST_CLASS = 500, 64, 2**lots.CLASS_BITS - 1


class MakerLimitReached(OverLimit):
    """This is more than one person may propose in a day."""

    zh = "超过每人每日可提出的调整上限。"
    next_en, next_zh = "Propose less, or let a colleague propose it.", "请减少数量，或由同事提出。"


class BadAdjustment(Invalid):
    """This cannot be an adjustment."""

    zh = "调整内容不正确。"


class GoodwillHasABudget(Conflict):
    """Points of goodwill come out of a budget here."""

    zh = "该积分计划的关怀积分由预算支出。"
    next_en, next_zh = (
        "Propose them at /v1/goodwill or with jifen goodwill.",
        "请通过 /v1/goodwill 或 jifen goodwill 提出申请。",
    )


@dataclass(frozen=True)
class Wanted:
    """What a maker asks for. `lot_class` and `last_day` name the lot; left out, points enter the lot that the expiry policy
    of today gives, and are taken from the soonest-lapsing lots.
    """

    direction: str
    points: int
    reason: str
    text: str
    ticket: str
    lot_class: int | None = None
    last_day: date | None = None


def propose(session: Session, person: Principal, member_id: int, wanted: Wanted, at: datetime) -> Case:
    """Propose to add or take points. BadAdjustment, MakerLimitReached, MemberMerged, MemberUnknown, ProgrammeClosed.

    GoodwillHasABudget where the programme has a goodwill rule: then points/goodwill/ is the way to give some.
    """
    member = members.by_id(session, member_id)
    programme = programmes.open_one(session, member.programme_id)
    today = clock.day(at, programme.zone)
    _check(wanted, today)
    if ledger.read(session, member_id).state is State.MERGED:
        raise MemberMerged()
    of_goodwill = (wanted.direction, wanted.reason) == (UP, GOODWILL)
    if of_goodwill and bonus_rules.goodwill_is_budgeted(session, programme.programme_id, today):
        raise GoodwillHasABudget()
    made = approvals.made_since(session, person, KIND, clock.start_of(today, programme.zone))
    counted = [case for case in made if case.state(at) not in (REJECTED, WITHDRAWN, EXPIRED)]
    left = MOST_POINTS_A_MAKER_PROPOSES_A_DAY - sum(case.proposal.said["points"] for case in counted)
    if wanted.points > left:
        raise MakerLimitReached(points_left=max(0, left))
    content = {
        "member": ids.public("mbr", member_id),
        "direction": wanted.direction,
        "points": wanted.points,
        "lot": _lot(session, programme, wanted, today),
        "reason": wanted.reason,
        "text": wanted.text,
        "ticket": wanted.ticket,
    }
    return approvals.propose(session, person, KIND, content, member_id=member_id, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Post what was approved; NotEnoughPoints, MemberMerged, LotsFull, ProgrammeClosed."""
    said = proposal.said
    programme = programmes.open_one(session, members.by_id(session, proposal.member_id).programme_id)
    ledger.post(
        session,
        Request(
            member_id=proposal.member_id,
            idem=ledger.key("approval", str(proposal.proposal_id)),
            kind=kind_of(said),
            points=said["points"],
            at=at,
            zone=programme.zone,
            lot_key=lot_key(said),
            ref=approvals.reference(proposal.proposal_id),
        ),
    )


def kind_of(said: dict[str, Any]) -> Kind:
    """The kind of posting that a content asks for."""
    return Kind.ADJUST_UP if said["direction"] == UP else Kind.ADJUST_DOWN


def lot_key(said: dict[str, Any]) -> int:
    """The lot that a content names; 0: the soonest-lapsing ones."""
    lot = said["lot"]
    return lots.key(date.fromisoformat(lot["last_day"]), lot["class"]) if lot else 0


def posting_of(session: Session, proposal: Proposal) -> int | None:
    """The number of the posting that an approval made."""
    return session.scalar(
        select(PostingRow.seq).where(
            PostingRow.member_id == proposal.member_id,
            PostingRow.idem == ledger.key("approval", str(proposal.proposal_id)),
            PostingRow.kind == int(kind_of(proposal.said)),
        )
    )


def said_plainly(text: str, most: int) -> bool:
    """Whether a text can be kept: not empty, not too long, without control characters."""
    return 0 < len(text) <= most and {"Cc", "Cs"}.isdisjoint(map(unicodedata.category, text))


def _check(wanted: Wanted, today: date) -> None:
    wrong: dict[str, str] = {}
    if wanted.direction not in (UP, DOWN):
        wrong["direction"] = f"is one of {UP}, {DOWN}"
    if wanted.reason not in REASONS:
        wrong["reason"] = f"is one of {', '.join(REASONS)}"
    if not said_plainly(wanted.text, MOST_TEXT):
        wrong["text"] = f"must be 1 to {MOST_TEXT} characters without control characters"
    if not said_plainly(wanted.ticket, MOST_TICKET):
        wrong["ticket"] = f"must be 1 to {MOST_TICKET} characters without control characters"
    if wanted.lot_class is not None and not 0 <= wanted.lot_class <= MOST_CLASS:
        wrong["lot_class"] = f"must be from 0 to {MOST_CLASS}"
    if wanted.last_day is not None and not today <= wanted.last_day <= lots.NO_END:
        wrong["last_day"] = f"must lie between {today} and {lots.NO_END}"
    if wanted.direction == DOWN and wanted.lot_class is not None and wanted.last_day is None:
        wrong["last_day"] = "is needed with a class: the lot to take from"
    if wrong:
        problem = field_errors(wrong)
        raise BadAdjustment(problem.detail, **problem.facts)
    if not 1 <= wanted.points <= MOST_POINTS:
        raise PointsOutOfRange(points=wanted.points)


def _lot(session: Session, programme: Programme, wanted: Wanted, today: date) -> dict[str, Any] | None:
    lot_class = BILL_POINTS if wanted.lot_class is None else wanted.lot_class
    last_day = wanted.last_day
    if last_day is None:
        if wanted.direction == DOWN:
            return None
        policy = policies.load(session, programme.programme_id).expiry_policy(lot_class, today)
        last_day = lots.last_day(policies.lot_key(policy, today))
    return {"class": lot_class, "last_day": last_day.isoformat()}
