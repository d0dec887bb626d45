"""Bonus rules: what may be proposed, what an approval makes, and which version counts on a day.

A rule is a version of a campaign (its code). It is never edited: a change, of points, caps or budget, is a later version,
which begins on the day after its approval at the earliest. So the version of a day stays the same once the day has come.
Caps of a member count over all versions of the campaign; a budget is a version's own.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import clock, ids
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.models import Proposal
from base.auth.principals import Principal
from base.errors import field_errors
from points import policies, programmes
from points.bonuses.models import Bonus, BonusBudget, BonusRule
from points.bonuses.occasions import GOODWILL, MEMBER_DAY, OCCASIONS, SIGN_UP
from points.bonuses.refusals import BadBonusRule, BonusNotRunning, BonusRuleUnknown
from points.factors import TIER_CODE
from points.kinds import MOST_POINTS
from points.models import Programme
from points.policies import SameDayVersion

KIND = "bonus-rule"
READS, PROPOSES, APPROVES = "proposals:read", "bonuses:propose", "bonuses:approve"
NO_MEMBER = 0
CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
MOST_NAME, MOST_COUNT, MOST_DAYS, MOST_CLASS = 60, 2**31 - 1, 36_500, 2**15 - 1
MOST_POINTS_OF_ONE = 1_000_000
MOST_DAYS_BACK = 366
CAPS = ("most_per_member", "most_per_member_day", "most_per_day")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A version of a rule as a maker asks for it; the fields are those of the table."""

    programme: str
    code: str
    name_zh: str
    name_en: str
    occasion: str
    points: int
    from_day: date
    until_day: date | None = None
    lot_class: int = policies.PROMOTION_POINTS
    month_day: int | None = None
    most_per_member: int | None = None
    most_per_member_day: int | None = None
    most_per_day: int | None = None
    budget_points: int | None = None
    tier: str | None = None
    least_days: int | None = None


def propose(session: Session, person: Principal, wanted: Wanted, at: datetime) -> Case:
    """Propose a version of a rule. BadBonusRule, SameDayVersion, NoRuleInForce, ProgrammeUnknown, ProgrammeClosed."""
    _check(session, wanted, at)
    return approvals.propose(session, person, KIND, _content(wanted), member_id=NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Make the version that was approved, with its budget; refused like a proposal, for a day may have come meanwhile."""
    wanted = wanted_of(proposal)
    programme = _check(session, wanted, at)
    values = {k: v for k, v in asdict(wanted).items() if k not in ("programme", "name_zh", "name_en")}
    rule_id = ids.new_id()
    made_now = session.execute(
        insert(BonusRule)
        .values(
            rule_id=rule_id,
            programme_id=programme.programme_id,
            at=at,
            names={"zh-CN": wanted.name_zh, "en": wanted.name_en},
            approval=approvals.reference(proposal.proposal_id),
            **values,
        )
        .on_conflict_do_nothing(index_elements=["programme_id", "code", "from_day"])
        .returning(BonusRule.rule_id)
    ).one_or_none()
    if made_now is None:  # another one for the day was approved at this very moment
        raise SameDayVersion(from_day=wanted.from_day.isoformat())
    if wanted.budget_points is not None:
        session.add(BonusBudget(rule_id=rule_id, left_points=wanted.budget_points))
        session.flush()


def made(session: Session, proposal: Proposal) -> BonusRule | None:
    """The version that an approval made."""
    named = approvals.reference(proposal.proposal_id)
    return session.scalar(select(BonusRule).where(BonusRule.approval == named))


def versions(session: Session, programme_id: int, code: str | None = None) -> list[BonusRule]:
    """All versions of a programme, maybe of one campaign, in the order of their days."""
    asked = select(BonusRule).where(BonusRule.programme_id == programme_id).order_by(BonusRule.from_day)
    return list(session.scalars(asked if code is None else asked.where(BonusRule.code == code)))


def in_force(found: Iterable[BonusRule], code: str, on: date) -> BonusRule:
    """The version of a campaign that counts on a day; BonusRuleUnknown, BonusNotRunning."""
    mine = [rule for rule in found if rule.code == code]
    if not mine:
        raise BonusRuleUnknown(rule=code[:64])
    begun = [rule for rule in mine if rule.from_day <= on]
    rule = max(begun, key=_begins) if begun else min(mine, key=_begins)
    if not begun or (rule.until_day is not None and on > rule.until_day):
        until = rule.until_day and rule.until_day.isoformat()
        raise BonusNotRunning(rule=code, from_day=rule.from_day.isoformat(), until_day=until)
    return rule


def days_of(rule: BonusRule, found: Iterable[BonusRule], first: date, last: date) -> tuple[date, date] | None:
    """The first and the last day, within some days, on which a version counts; None: it does not."""
    later = [one.from_day for one in found if one.code == rule.code and one.from_day > rule.from_day]
    ends = min([last, *([rule.until_day] if rule.until_day else []), *(day - timedelta(1) for day in later)])
    begins = max(first, rule.from_day)
    return (begins, ends) if begins <= ends else None


def goodwill_is_budgeted(session: Session, programme_id: int, on: date) -> bool:
    """Whether the programme has a goodwill rule that counts on a day: then that is the way for points of goodwill."""
    found = [rule for rule in versions(session, programme_id) if rule.occasion == GOODWILL]
    return any(days_of(rule, found, on, on) for rule in found)


def used(session: Session, rule: BonusRule) -> tuple[int, int | None]:
    """Points that a version gave, and what is left of its budget (None: it has none)."""
    if rule.budget_points is None:
        asked = select(func.coalesce(func.sum(Bonus.points), 0)).where(Bonus.rule_id == rule.rule_id)
        return int(session.scalar(asked) or 0), None
    left = session.scalar(select(BonusBudget.left_points).where(BonusBudget.rule_id == rule.rule_id))
    return rule.budget_points - (left or 0), left


def wanted_of(proposal: Proposal) -> Wanted:
    """What a proposal's content asks for."""
    said = {name: value for name, value in proposal.said.items() if name != "kind"}
    for name in ("from_day", "until_day"):
        said[name] = said[name] and date.fromisoformat(said[name])
    return Wanted(**said)


def said_by(rule: BonusRule, programme: Programme) -> Wanted:
    """What a row of the table says, in the words of a proposal."""
    names = ("programme", "name_zh", "name_en")
    same = {name: getattr(rule, name) for name in Wanted.__dataclass_fields__ if name not in names}
    return Wanted(programme=programme.code, name_zh=rule.names["zh-CN"], name_en=rule.names["en"], **same)


def _content(wanted: Wanted) -> dict[str, Any]:
    days = {
        "from_day": wanted.from_day.isoformat(),
        "until_day": wanted.until_day and wanted.until_day.isoformat(),
    }
    return asdict(wanted) | days


def _begins(rule: BonusRule) -> date:
    return rule.from_day


def _check(session: Session, wanted: Wanted, at: datetime) -> Programme:
    programme = programmes.open_one(session, programmes.by_code(session, wanted.programme).programme_id)
    today = clock.day(at, programme.zone)
    before = versions(session, programme.programme_id, wanted.code)
    wrong = _faults(wanted) | _faults_of_days(wanted, before, today)
    if before and before[0].occasion != wanted.occasion:
        wrong["occasion"] = f"of this code is {before[0].occasion}"
    if wrong:
        problem = field_errors(wrong)
        raise BadBonusRule(problem.detail, **problem.facts)
    if any(rule.from_day == wanted.from_day for rule in before):
        raise SameDayVersion(from_day=wanted.from_day.isoformat())
    policies.load(session, programme.programme_id).expiry_policy(wanted.lot_class, wanted.from_day)
    return programme


def _faults(wanted: Wanted) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not CODE.fullmatch(wanted.code):
        wrong["code"] = "is 1 to 40 small letters, digits and dashes"
    for name in ("name_zh", "name_en"):
        said = getattr(wanted, name)
        if not (0 < len(said) <= MOST_NAME and said.isprintable() and said == said.strip()):
            wrong[name] = f"must be 1 to {MOST_NAME} characters that can be printed"
    if wanted.occasion not in OCCASIONS:
        wrong["occasion"] = f"is one of {', '.join(OCCASIONS)}"
    if (wanted.occasion == MEMBER_DAY) != (wanted.month_day is not None):
        wrong["month_day"] = "is needed for a member day, and for nothing else"
    if wanted.occasion == SIGN_UP and wanted.least_days is not None:
        wrong["least_days"] = "cannot be asked of who has just joined"
    numbers: Sequence[tuple[str, int]] = (
        ("points", MOST_POINTS_OF_ONE), ("month_day", 31), ("least_days", MOST_DAYS), *((cap, MOST_COUNT) for cap in CAPS)
    )  # fmt: skip
    for name, most in numbers:
        value = getattr(wanted, name)
        if value is not None and not 1 <= value <= most:
            wrong[name] = f"must be from 1 to {most}"
    if not 0 <= wanted.lot_class <= MOST_CLASS:
        wrong["lot_class"] = f"must be from 0 to {MOST_CLASS}"
    budget = wanted.budget_points
    if budget is not None and (not 0 <= budget <= MOST_POINTS or 0 < budget < wanted.points):
        wrong["budget_points"] = "must be 0, which gives nothing, or enough for one bonus"
    if wanted.tier is not None and not TIER_CODE.fullmatch(wanted.tier):
        wrong["tier"] = "is not 1 to 32 letters, digits, dots, dashes or underscores (ASCII)"
    return wrong


def _faults_of_days(wanted: Wanted, before: Sequence[BonusRule], today: date) -> dict[str, str]:
    if wanted.until_day is not None and wanted.until_day < wanted.from_day:
        return {"until_day": "lies before the first day"}
    if before and wanted.from_day <= today:
        return {"from_day": "of a change lies after the day of its approval"}
    if wanted.from_day < today - timedelta(MOST_DAYS_BACK):
        return {"from_day": f"lies at most {MOST_DAYS_BACK} days back"}
    return {}
