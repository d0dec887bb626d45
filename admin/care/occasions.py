"""What gives reason to turn to a member, for whom, how long ahead and until when: by dated rules.

A programme without rules of its own goes by DEFAULTS. Of holidays those with the same date every year are there; the
others are decreed each year, and a rule names them.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.care.models import OccasionRule
from base import audit, clock, ids
from base.errors import Invalid, NotFound
from merchants.cycles import Calendar, business_days_after
from points import programmes
from points.care import care
from points.factors import TIER_CODE
from points.models import Programme
from points.policies import SameDayVersion

RULES = care.RULES
BIRTHDAY, APOLOGY, MANAGER, VISIT, EXPIRY, HOLIDAY, ROAMING, SILENT = (
    "birthday", "birthday-apology", "tier-up-manager", "tier-up-visit", "points-lapsing", "holiday", "back-from-roaming",
    "six-months-silent",
)  # fmt: skip
OCCASIONS: dict[str, dict[str, str]] = {
    BIRTHDAY: {"zh-CN": "生日祝福", "en": "Birthday"},
    APOLOGY: {"zh-CN": "生日登记有误，致歉", "en": "Wrong birthday, apology"},
    MANAGER: {"zh-CN": "升级后绑定客户经理", "en": "Higher tier: name an account manager"},
    VISIT: {"zh-CN": "升级后首次走访", "en": "Higher tier: first visit"},
    EXPIRY: {"zh-CN": "积分即将到期", "en": "Points about to lapse"},
    HOLIDAY: {"zh-CN": "节日问候", "en": "Holiday"},
    ROAMING: {"zh-CN": "漫游归来", "en": "Back from roaming"},
    SILENT: {"zh-CN": "六个月未联系", "en": "Six months without contact"},
}
PURPOSES = {BIRTHDAY: "birthday", EXPIRY: "expiry", VISIT: "visit"}  # of the contact that does it; else care
CARE = "care"
MOST_AHEAD, MOST_DAYS, MOST_NAMED = 60, 120, 40
HIGH = (*care.IMPORTANT, "star7", "star6", "star5")  # the highest first
EVERY_YEAR = ("01-01", "05-01", "10-01")
_HOLIDAY = re.compile(r"(?:[0-9]{4}-)?(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])", re.ASCII)


class OccasionUnknown(NotFound):
    """There is no such occasion."""

    zh = "没有该关怀场景。"


class BadOccasionRule(Invalid):
    """A rule has an occasion of the list, 0 to 60 days ahead, 0 to 120 days of time, and a day from today on."""

    zh = "规则须有列表中的场景、提前 0 至 60 天、办理期限 0 至 120 天，且生效日不得早于今天。"


@dataclass(frozen=True, slots=True)
class Rule:
    """For whom an occasion opens tasks and when they are due; see models.OccasionRule."""

    is_on: bool = True
    tiers: tuple[str, ...] = HIGH
    days_ahead: int = 0
    days: int = 0
    in_working_days: bool = False
    holidays: tuple[str, ...] = ()


DEFAULTS: dict[str, Rule] = {
    BIRTHDAY: Rule(days_ahead=3),
    APOLOGY: Rule(tiers=(), days=3, in_working_days=True),
    MANAGER: Rule(days=3, in_working_days=True),
    VISIT: Rule(days=30),
    EXPIRY: Rule(days_ahead=30, days=7),
    HOLIDAY: Rule(tiers=care.IMPORTANT, days_ahead=3, holidays=EVERY_YEAR),
    ROAMING: Rule(tiers=(), days=3),
    SILENT: Rule(days=14),
}


def checked(occasion: str) -> str:
    """The occasion; OccasionUnknown."""
    if occasion not in OCCASIONS:
        raise OccasionUnknown(choices=list(OCCASIONS))
    return occasion


def in_force(session: Session, programme_id: int, on: date) -> dict[str, Rule]:
    """Occasion -> rule on a day."""
    found = dict(DEFAULTS)
    asked = select(OccasionRule).where(OccasionRule.programme_id == programme_id, OccasionRule.from_day <= on)
    for row in session.scalars(asked.order_by(OccasionRule.from_day)):
        found[row.occasion] = Rule(
            row.is_on, tuple(row.tiers), row.days_ahead, row.days, row.in_working_days, tuple(row.holidays)
        )
    return found


def due_on(rule: Rule, on: date, calendar: Calendar) -> date:
    """Until which day a task is to be done whose occasion is on a day."""
    if rule.in_working_days:
        return business_days_after(on, rule.days, calendar)
    return on + timedelta(days=rule.days)


def holidays_in(rule: Rule, first: date, last: date) -> list[date]:
    """The rule's holidays from a day to a day, both included."""
    every = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [on for on in every if on.isoformat() in rule.holidays or f"{on:%m-%d}" in rule.holidays]


def add_rule(
    session: Session, programme: Programme, occasion: str, from_day: date, rule: Rule, by: str
) -> OccasionRule:
    """From a day on, today or later, an occasion opens tasks by a rule. BadOccasionRule; SameDayVersion."""
    programmes.open_one(session, programme.programme_id)
    now = clock.now()
    _check(occasion, rule, from_day, clock.day(now, programme.zone))
    same = (
        OccasionRule.programme_id == programme.programme_id,
        OccasionRule.occasion == occasion,
        OccasionRule.from_day == from_day,
    )
    if session.scalar(select(OccasionRule.rule_id).where(*same)) is not None:
        raise SameDayVersion(from_day=str(from_day))
    row = OccasionRule(
        rule_id=ids.new_id(),
        programme_id=programme.programme_id,
        entered_at=now,
        from_day=from_day,
        is_on=rule.is_on,
        days_ahead=rule.days_ahead,
        days=rule.days,
        in_working_days=rule.in_working_days,
        occasion=occasion,
        tiers=list(rule.tiers),
        holidays=list(rule.holidays),
        entered_by=by,
    )
    session.add(row)
    session.flush()
    audit.write(session, by, "care-occasion.added", occasion, from_day=str(from_day), is_on=rule.is_on)
    return row


def _check(occasion: str, rule: Rule, from_day: date, today: date) -> None:
    wrong = {
        "occasion": "" if occasion in OCCASIONS else f"is one of {', '.join(OCCASIONS)}",
        "days_ahead": "" if 0 <= rule.days_ahead <= MOST_AHEAD else f"are 0 to {MOST_AHEAD}",
        "days": "" if 0 <= rule.days <= MOST_DAYS else f"are 0 to {MOST_DAYS}",
        "tiers": "" if _named(rule.tiers, TIER_CODE) else f"are at most {MOST_NAMED} codes of tiers",
        "holidays": "" if _named(rule.holidays, _HOLIDAY) else "are days: MM-DD or YYYY-MM-DD",
        "from_day": "is over" if from_day < today else "",
    }
    if faults := {name: text for name, text in wrong.items() if text}:
        raise BadOccasionRule(
            "; ".join(f"{name}: {text}" for name, text in faults.items()),
            errors=[{"pointer": f"/{name}", "detail": text} for name, text in faults.items()],
        )


def _named(values: tuple[str, ...], form: re.Pattern[str]) -> bool:
    return len(values) <= MOST_NAMED and all(map(form.fullmatch, values))
