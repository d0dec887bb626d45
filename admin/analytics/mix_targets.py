"""What the mix of redemptions is to be, from a day on, by two persons. A target is never edited: another is a later row."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from admin.analytics.models import MixTarget
from base import clock
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.models import Proposal
from base.auth.principals import Principal
from base.errors import Conflict, Invalid, field_errors
from base.money import BASIS_POINTS
from catalog.offers import heaps
from points import programmes
from points.adjustments.adjustments import said_plainly
from points.models import Programme

KIND = "mix-target"
READS, PROPOSES, APPROVES = "mix-targets:read", "mix-targets:propose", "mix-targets:approve"
HEAPS = tuple(heap for heap in heaps.HEAPS if heap != heaps.UNATTRIBUTED)
MOST_REASON = 200
FARTHEST = timedelta(days=3660)


class BadMixTarget(Invalid):
    """This cannot be a target of the mix."""

    zh = "兑换结构目标的内容不正确。"


class SameDayTarget(Conflict):
    """There is a target from this day on already; targets are never edited."""

    zh = "该日期已有兑换结构目标；目标不可修改。"
    next_en, next_zh = "Choose another day.", "请选择其他日期。"


@dataclass(frozen=True)
class Wanted:
    """What a maker asks for: shares of the points in basis points by heap, 10,000 in all, and from which drift on staff
    are told.
    """

    programme: str
    from_day: date
    shares: dict[str, int]
    alert_bp: int
    reason: str


def propose(session: Session, person: Principal, wanted: Wanted, at: datetime) -> Case:
    """Propose a target. BadMixTarget, SameDayTarget, ProgrammeUnknown, ProgrammeClosed."""
    programme = programmes.open_one(session, programmes.by_code(session, wanted.programme).programme_id)
    _check(session, programme, wanted, at)
    content = {
        **vars(wanted),
        "from_day": str(wanted.from_day),
        "shares": dict(sorted(wanted.shares.items())),
    }
    return approvals.propose(session, person, KIND, content, member_id=approvals.NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Let the target count from its day on; SameDayTarget, ProgrammeClosed."""
    wanted = wanted_of(proposal)
    programme = programmes.open_one(session, programmes.by_code(session, wanted.programme).programme_id)
    values = _values(programme, wanted) | {
        "entered_at": at,
        "approval": approvals.reference(proposal.proposal_id),
    }
    made = session.scalar(
        insert(MixTarget).values(values).on_conflict_do_nothing().returning(MixTarget.from_day)
    )
    if made is None:
        raise SameDayTarget(from_day=str(wanted.from_day))


def wanted_of(proposal: Proposal) -> Wanted:
    """What a proposal asks for."""
    said = {name: value for name, value in proposal.said.items() if name != "kind"}
    return Wanted(**said | {"from_day": date.fromisoformat(said["from_day"])})


def says(target: MixTarget, programme: Programme, wanted: Wanted) -> bool:
    """Whether a row is the target that was asked for."""
    asked = _values(programme, wanted)
    return {name: getattr(target, name) for name in asked} == asked


def in_force(session: Session, programme_id: int, on: date) -> MixTarget | None:
    """The target of a day; None: none was set."""
    asked = select(MixTarget).where(MixTarget.programme_id == programme_id, MixTarget.from_day <= on)
    return session.scalar(asked.order_by(MixTarget.from_day.desc()).limit(1))


def _values(programme: Programme, wanted: Wanted) -> dict[str, Any]:
    return {
        "programme_id": programme.programme_id,
        "from_day": wanted.from_day,
        "alert_bp": wanted.alert_bp,
        "shares": wanted.shares,
    }


def _check(session: Session, programme: Programme, wanted: Wanted, at: datetime) -> None:
    wrong: dict[str, str] = {}
    today = clock.day(at, programme.zone)
    if set(wanted.shares) != set(HEAPS) or not all(
        0 <= share <= BASIS_POINTS for share in wanted.shares.values()
    ):
        wrong["shares"] = f"needs {', '.join(HEAPS)}, each from 0 to {BASIS_POINTS} basis points"
    elif sum(wanted.shares.values()) != BASIS_POINTS:
        wrong["shares"] = f"must add up to {BASIS_POINTS} basis points, not {sum(wanted.shares.values())}"
    if not 1 <= wanted.alert_bp <= BASIS_POINTS:
        wrong["alert_bp"] = f"must be from 1 to {BASIS_POINTS}"
    if not today <= wanted.from_day <= today + FARTHEST:
        wrong["from_day"] = "must be today or later, within ten years"
    if not said_plainly(wanted.reason, MOST_REASON):
        wrong["reason"] = f"must be 1 to {MOST_REASON} characters without control characters"
    if wrong:
        problem = field_errors(wrong)
        raise BadMixTarget(problem.detail, **problem.facts)
    taken = select(MixTarget.from_day).where(
        MixTarget.programme_id == programme.programme_id, MixTarget.from_day == wanted.from_day
    )
    if session.scalar(taken) is not None:
        raise SameDayTarget(from_day=str(wanted.from_day))
