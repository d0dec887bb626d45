"""Ladders by two persons: which version may be proposed, and what an approval puts in force.

A proposal is checked when it is made and again when it is approved. Versions are never edited and never begin in the past;
a later one keeps the tiers of an earlier one in their order, so that whoever has one stands somewhere on the new ladder.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.models import Proposal
from base.auth.principals import Principal
from base.errors import Invalid, field_errors
from points import programmes
from points.adjustments.adjustments import MOST_CLASS, MOST_TEXT, said_plainly
from points.factors import TIER_CODE
from points.kinds import MOST_POINTS
from points.models import Programme
from points.policies import BILL_POINTS, SameDayVersion
from points.tiers import ladders
from points.tiers.ladders import Ladders
from points.tiers.models import TierPolicy
from points.tiers.reckoning import Rule, Step

KIND = "tier-policy"
READS, PROPOSES, APPROVES = "proposals:read", "tier-policies:propose", "tier-policies:approve"
NO_MEMBER = 0
LADDER = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
MOST_STEPS, MOST_NAME, MOST_MONTHS, MOST_DAYS = 20, 40, 120, 366
LANGUAGES = {"zh-CN", "en"}


class BadTierPolicy(Invalid):
    """This cannot be the policy of a ladder of tiers."""

    zh = "等级规则不正确。"


@dataclass(frozen=True)
class Wanted:
    """What a maker asks for: from a day on, so many points earned in a window reach each step."""

    programme: str
    ladder: str
    from_day: date
    window_months: int | None
    hold_months: int
    steps: tuple[Step, ...]
    reason: str
    grace_months: int = 0
    grace_days: int = 0
    most_down: int = 1
    lot_classes: tuple[int, ...] = (BILL_POINTS,)


def propose(session: Session, person: Principal, wanted: Wanted, at: datetime) -> Case:
    """Propose a version. BadTierPolicy, SameDayVersion, ProgrammeUnknown, ProgrammeClosed."""
    programme = programmes.by_code(session, wanted.programme)
    _check(session, programme, wanted, at)
    return approvals.propose(session, person, KIND, _content(wanted), member_id=NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Put in force what was approved, from its day on; what `propose` refuses."""
    wanted = wanted_of(proposal)
    programme = programmes.by_code(session, wanted.programme)
    _check(session, programme, wanted, at)
    ladders.add(
        session,
        programme.programme_id,
        wanted.ladder,
        wanted.from_day,
        wanted.steps,
        window_months=wanted.window_months,
        hold_months=wanted.hold_months,
        grace_months=wanted.grace_months,
        grace_days=wanted.grace_days,
        most_down=wanted.most_down,
        lot_classes=wanted.lot_classes,
        reason=wanted.reason,
        approval=approvals.reference(proposal.proposal_id),
        at=at,
    )


def made(session: Session, proposal: Proposal) -> TierPolicy | None:
    """The version that an approval put in force."""
    named = approvals.reference(proposal.proposal_id)
    return session.scalar(select(TierPolicy).where(TierPolicy.approval == named))


def wanted_of(proposal: Proposal) -> Wanted:
    """What a proposal's content asks for."""
    said = {name: value for name, value in proposal.said.items() if name != "kind"}
    steps = tuple(Step(one["tier"], one["points"], one["names"]) for one in said.pop("steps"))
    day = date.fromisoformat(said.pop("from_day"))
    classes = tuple(said.pop("lot_classes"))
    return Wanted(**said, steps=steps, from_day=day, lot_classes=classes)


def says(wanted: Wanted, row: TierPolicy) -> bool:
    """Whether a row is the version that was asked for."""
    rule = ladders.rule_of(row)
    same = ("ladder", "from_day", "window_months", "hold_months", "grace_months", "grace_days", "most_down")
    return all(getattr(wanted, name) == getattr(rule, name) for name in same) and (
        wanted.steps,
        wanted.lot_classes,
        wanted.reason,
    ) == (rule.steps, rule.lot_classes, row.reason)


def _check(session: Session, programme: Programme, wanted: Wanted, at: datetime) -> None:
    programmes.open_one(session, programme.programme_id)
    found = ladders.load(session, programme.programme_id)
    mine = [rule for rule in found.versions if rule.ladder == wanted.ladder]
    if any(rule.from_day == wanted.from_day for rule in mine):
        raise SameDayVersion(from_day=str(wanted.from_day))
    wrong = _shape(wanted) | _steps(wanted.steps) | _beside(found, mine, wanted)
    wrong |= _day(mine, wanted, clock.day(at, programme.zone))
    if wrong:
        problem = field_errors(wrong)
        raise BadTierPolicy(problem.detail, **problem.facts)


def _shape(wanted: Wanted) -> dict[str, str]:
    numbers = {
        "window_months": (wanted.window_months, 1, MOST_MONTHS),
        "hold_months": (wanted.hold_months, 1, MOST_MONTHS),
        "grace_months": (wanted.grace_months, 0, MOST_MONTHS),
        "grace_days": (wanted.grace_days, 0, MOST_DAYS),
        "most_down": (wanted.most_down, 1, MOST_STEPS),
    }
    wrong = {
        name: f"must be from {least} to {most}"
        for name, (value, least, most) in numbers.items()
        if value is not None and not least <= value <= most
    }
    if not LADDER.fullmatch(wanted.ladder):
        wrong["ladder"] = "must be 1 to 32 small letters, digits or dashes (ASCII) and begin with a letter"
    if not wanted.lot_classes or not all(0 <= one <= MOST_CLASS for one in wanted.lot_classes):
        wrong["lot_classes"] = f"must name at least one class from 0 to {MOST_CLASS}"
    if not said_plainly(wanted.reason, MOST_TEXT):
        wrong["reason"] = f"must be 1 to {MOST_TEXT} characters without control characters"
    return wrong


def _steps(steps: tuple[Step, ...]) -> dict[str, str]:
    points, tiers = [one.points for one in steps], [one.tier for one in steps]
    if not 1 <= len(steps) <= MOST_STEPS:
        return {"steps": f"must be 1 to {MOST_STEPS}"}
    if points != sorted(set(points)) or points[0] < 0 or points[-1] > MOST_POINTS:
        return {"steps": "each must need more points than the one before"}
    if len(set(tiers)) < len(tiers) or not all(TIER_CODE.fullmatch(tier) for tier in tiers):
        return {
            "steps": "tiers must be different codes of 1 to 32 letters, digits, dots, dashes or underscores"
        }
    if any(set(one.names) != LANGUAGES or not all(said_plainly(n, MOST_NAME) for n in one.names.values()) for one in steps):  # fmt: skip
        return {"steps": f"each needs a name of at most {MOST_NAME} characters in zh-CN and in en"}
    return {}


def _beside(found: Ladders, mine: list[Rule], wanted: Wanted) -> dict[str, str]:
    tiers = [one.tier for one in wanted.steps]
    other = [tier for tier in tiers if found.ladder_of(tier) not in (None, wanted.ladder)]
    if other:
        return {"steps": f"{other[0]} is a tier of another ladder"}
    if mine:
        kept = found.order(wanted.ladder)
        if [tier for tier in tiers if tier in kept] != list(kept):
            return {"steps": f"must keep {', '.join(kept)} in this order"}
    return {}


def _day(mine: list[Rule], wanted: Wanted, today: date) -> dict[str, str]:
    """A ladder's first version may begin today, a later one tomorrow: today may have been evaluated."""
    if wanted.from_day < today or (mine and wanted.from_day == today):
        return {"from_day": f"must lie after {today}" if mine else f"must not lie before {today}"}
    if mine and wanted.from_day < max(rule.from_day for rule in mine):
        return {"from_day": "must lie after the ladder's last version"}
    return {}


def _content(wanted: Wanted) -> dict[str, Any]:
    return {
        "programme": wanted.programme,
        "ladder": wanted.ladder,
        "from_day": wanted.from_day.isoformat(),
        "window_months": wanted.window_months,
        "hold_months": wanted.hold_months,
        "grace_months": wanted.grace_months,
        "grace_days": wanted.grace_days,
        "most_down": wanted.most_down,
        "lot_classes": list(wanted.lot_classes),
        "steps": [{"tier": one.tier, "points": one.points, "names": dict(one.names)} for one in wanted.steps],
        "reason": wanted.reason,
    }
