"""How often members are visited, by class: a group's class among the operator's, else the best tier. Dated rules.

A programme without rules of its own goes by DEFAULTS. Whoever has an account manager and is in no named class is visited by
the rule of `other`; whoever has neither is nobody's to visit.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.care.models import VisitRule
from base import audit, clock, ids
from base.errors import Invalid
from points import programmes
from points.care import care
from points.factors import TIER_CODE
from points.groups.models import CLASSES
from points.models import Programme
from points.policies import SameDayVersion

RULES = care.RULES
OTHER, GROUP = "other", "group:"
MOST_MONTHS, MOST_TIMES = 24, 8
DAYS_A_MONTH = 30
_GROUPS = re.compile(rf"{GROUP}(?:{'|'.join(CLASSES)})", re.ASCII)
NAMES: dict[str, dict[str, str]] = {
    "group:top": {"zh-CN": "百强集团", "en": "Top groups"},
    "group:a": {"zh-CN": "A 类集团", "en": "Groups of class A"},
    "group:b": {"zh-CN": "B 类集团", "en": "Groups of class B"},
    "group:c": {"zh-CN": "C 类集团", "en": "Groups of class C"},
    "star7": {"zh-CN": "七星", "en": "7 stars"},
    "star6": {"zh-CN": "六星", "en": "6 stars"},
    "star5": {"zh-CN": "五星", "en": "5 stars"},
    OTHER: {"zh-CN": "其他有客户经理的客户", "en": "Others with an account manager"},
}


class BadVisitRule(Invalid):
    """A rhythm has a class (a tier, a class of groups, other), 1 to 8 times in 1 to 24 months, and a day from today on."""

    zh = "走访频次须有分类（等级、集团类别或其他）、1 至 24 个月内 1 至 8 次，且生效日不得早于今天。"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """So many times in so many months."""

    times: int
    months: int

    @property
    def days(self) -> int:
        """About how many days lie between two visits; what is sorted by."""
        return self.months * DAYS_A_MONTH // self.times


DEFAULTS: dict[str, Rhythm] = {
    "group:top": Rhythm(2, 1),
    "group:a": Rhythm(1, 1),
    "group:b": Rhythm(1, 2),
    "group:c": Rhythm(1, 3),
    "star7": Rhythm(1, 1),
    "star6": Rhythm(1, 2),
    "star5": Rhythm(1, 3),
    OTHER: Rhythm(1, 5),
}


def in_force(session: Session, programme_id: int, on: date) -> dict[str, Rhythm]:
    """Class -> rhythm on a day, in the order in which a member's class is looked for: groups, then often to seldom."""
    found = dict(DEFAULTS)
    asked = select(VisitRule).where(VisitRule.programme_id == programme_id, VisitRule.from_day <= on)
    for row in session.scalars(asked.order_by(VisitRule.from_day)):
        found[row.visit_class] = Rhythm(row.times, row.months)
    return dict(sorted(found.items(), key=_order))


def name_of(visit_class: str) -> Mapping[str, str]:
    """What a class is called; a tier without a name here by its code."""
    return NAMES.get(visit_class, {"zh-CN": visit_class, "en": visit_class})


def add_rule(
    session: Session, programme: Programme, visit_class: str, from_day: date, rhythm: Rhythm, by: str
) -> VisitRule:
    """From a day on, today or later, a class is visited so often. BadVisitRule; SameDayVersion."""
    programmes.open_one(session, programme.programme_id)
    now = clock.now()
    _check(visit_class, from_day, clock.day(now, programme.zone), rhythm)
    same = (
        VisitRule.programme_id == programme.programme_id,
        VisitRule.visit_class == visit_class,
        VisitRule.from_day == from_day,
    )
    if session.scalar(select(VisitRule.rule_id).where(*same)) is not None:
        raise SameDayVersion(from_day=str(from_day))
    row = VisitRule(
        rule_id=ids.new_id(),
        programme_id=programme.programme_id,
        entered_at=now,
        from_day=from_day,
        months=rhythm.months,
        times=rhythm.times,
        visit_class=visit_class,
        entered_by=by,
    )
    session.add(row)
    session.flush()
    audit.write(session, by, "visit-rule.added", visit_class, from_day=str(from_day), times=rhythm.times, months=rhythm.months)  # fmt: skip
    return row


def _order(one: tuple[str, Rhythm]) -> tuple[bool, bool, int, str]:
    visit_class, rhythm = one
    return visit_class == OTHER, not visit_class.startswith(GROUP), rhythm.days, visit_class


def _check(visit_class: str, from_day: date, today: date, rhythm: Rhythm) -> None:
    known = _GROUPS.fullmatch(visit_class) or TIER_CODE.fullmatch(visit_class)
    wrong = {
        "class": "" if known else f"is a tier, {OTHER}, or {GROUP} and one of {', '.join(CLASSES)}",
        "months": "" if 1 <= rhythm.months <= MOST_MONTHS else f"are 1 to {MOST_MONTHS}",
        "times": "" if 1 <= rhythm.times <= MOST_TIMES else f"are 1 to {MOST_TIMES}",
        "from_day": "is over" if from_day < today else "",
    }
    if faults := {name: text for name, text in wrong.items() if text}:
        raise BadVisitRule(
            "; ".join(f"{name}: {text}" for name, text in faults.items()),
            errors=[{"pointer": f"/{name}", "detail": text} for name, text in faults.items()],
        )
