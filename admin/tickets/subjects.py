"""What a ticket can be about, which department leads it, and within how many hours it is answered: by dated rules.

A programme without rules of its own goes by DEFAULTS. Where a subject's rule says so, the department of the member's card
(points/care) goes before the subject's.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.tickets import deadlines
from admin.tickets.models import TicketRule
from base import audit, clock, ids
from base.errors import Invalid, NotFound
from merchants import business_days
from points import programmes
from points.care import care
from points.care.care import DEPARTMENT
from points.members.models import Member
from points.models import Programme
from points.policies import SameDayVersion

RULES = "tickets:rules"
POINTS, REDEMPTION, VOUCHER, GOODS, EVENT, MERCHANT, PRIVACY, APP, OTHER = (
    "points", "redemption", "voucher", "goods", "event", "merchant", "privacy", "app", "other",
)  # fmt: skip
SUBJECTS: dict[str, dict[str, str]] = {
    POINTS: {"zh-CN": "积分", "en": "Points"},
    REDEMPTION: {"zh-CN": "兑换", "en": "Redemption"},
    VOUCHER: {"zh-CN": "券", "en": "Voucher"},
    GOODS: {"zh-CN": "实物礼品", "en": "Goods"},
    EVENT: {"zh-CN": "俱乐部活动", "en": "Club event"},
    MERCHANT: {"zh-CN": "合作商户", "en": "Merchant"},
    PRIVACY: {"zh-CN": "个人信息", "en": "Personal data"},
    APP: {"zh-CN": "网站与应用", "en": "Website and app"},
    OTHER: {"zh-CN": "其他", "en": "Something else"},
}
MOST_HOURS = 720
HOURS = 48
_NAME = re.compile(r"\S.{0,59}")


class SubjectUnknown(NotFound):
    """There is no such subject."""

    zh = "没有该问题类别。"


class BadRule(Invalid):
    """A rule has a subject of the list, a department with names in both languages, 1 to 720 hours, and a day from today on."""

    zh = "规则须有列表中的类别、带中英文名称的部门、1 至 720 小时的时限，且生效日不得早于今天。"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who leads a subject's tickets, and within how many hours they are answered."""

    department: str
    names: dict[str, str]
    by_card: bool = True
    hours: int = HOURS
    in_working_hours: bool = False


_SERVICE = Rule(*care.SERVICE)
DEFAULTS: dict[str, Rule] = {
    POINTS: _SERVICE,
    REDEMPTION: _SERVICE,
    VOUCHER: _SERVICE,
    GOODS: Rule("fulfilment", {"zh-CN": "礼品与物流部", "en": "Goods and delivery"}),
    EVENT: Rule("club", {"zh-CN": "俱乐部运营部", "en": "Club"}),
    MERCHANT: Rule("merchant-alliance", {"zh-CN": "商家联盟部", "en": "Merchant alliance"}),
    PRIVACY: Rule("privacy", {"zh-CN": "个人信息保护岗", "en": "Privacy office"}, by_card=False),
    APP: Rule("digital", {"zh-CN": "信息化部", "en": "Digital services"}, by_card=False),
    OTHER: _SERVICE,
}


def checked(subject: str) -> str:
    """The subject; SubjectUnknown."""
    if subject not in SUBJECTS:
        raise SubjectUnknown(choices=list(SUBJECTS))
    return subject


def in_force(session: Session, programme_id: int, on: date) -> dict[str, Rule]:
    """Subject -> rule on a day."""
    found = dict(DEFAULTS)
    asked = select(TicketRule).where(TicketRule.programme_id == programme_id, TicketRule.from_day <= on)
    for row in session.scalars(asked.order_by(TicketRule.from_day)):
        found[row.subject] = Rule(row.department, row.names, row.by_card, row.hours, row.in_working_hours)
    return found


def departments(session: Session) -> dict[str, dict[str, str]]:
    """Every department that leads tickets, whether by subject or by card, with its names."""
    found = {rule.department: rule.names for rule in DEFAULTS.values()}
    found |= dict(care.DEFAULTS.values())
    for row in session.scalars(select(TicketRule).order_by(TicketRule.from_day)):
        found[row.department] = row.names
    for programme in programmes.every(session):
        on = clock.day(clock.now(), programme.zone)
        found |= {one.code: one.names for one in care.rules(session, programme, on).values()}
    return dict(sorted(found.items()))


def lead(session: Session, member: Member, subject: str, on: date) -> tuple[str, dict[str, str]]:
    """Which department leads a member's ticket on a subject: its code and names."""
    rule = in_force(session, member.programme_id, on)[checked(subject)]
    if rule.by_card:
        of_card = care.of(session, member, on).department
        if of_card.tier != care.NO_TIER:
            return of_card.code, of_card.names
    return rule.department, rule.names


def due_at(session: Session, member: Member, subject: str, at: datetime) -> datetime:
    """Until when a ticket that comes in at a moment is to be answered."""
    zone = programmes.by_id(session, member.programme_id).zone
    on = clock.day(at, zone)
    rule = in_force(session, member.programme_id, on)[checked(subject)]
    calendar = (
        business_days.load(session, first=on, last=on + deadlines.LOOK_AHEAD) if rule.in_working_hours else {}
    )
    return deadlines.after(
        at, rule.hours, in_working_hours=rule.in_working_hours, zone=zone, calendar=calendar
    )


def add_rule(
    session: Session, programme: Programme, subject: str, from_day: date, rule: Rule, by: str
) -> TicketRule:
    """From a day on, today or later, a subject's tickets go by a rule. BadRule; SameDayVersion."""
    programmes.open_one(session, programme.programme_id)
    now = clock.now()
    _check(subject, rule, from_day, clock.day(now, programme.zone))
    same = (
        TicketRule.programme_id == programme.programme_id,
        TicketRule.subject == subject,
        TicketRule.from_day == from_day,
    )
    if session.scalar(select(TicketRule.rule_id).where(*same)) is not None:
        raise SameDayVersion(from_day=str(from_day))
    row = TicketRule(
        rule_id=ids.new_id(),
        programme_id=programme.programme_id,
        entered_at=now,
        from_day=from_day,
        hours=rule.hours,
        in_working_hours=rule.in_working_hours,
        by_card=rule.by_card,
        subject=subject,
        department=rule.department,
        names=rule.names,
        entered_by=by,
    )
    session.add(row)
    session.flush()
    audit.write(session, by, "ticket-rule.added", subject, from_day=str(from_day), hours=rule.hours)
    return row


def _check(subject: str, rule: Rule, from_day: date, today: date) -> None:
    named = set(rule.names) == {"zh-CN", "en"} and all(map(_NAME.fullmatch, rule.names.values()))
    wrong = {
        "subject": f"is one of {', '.join(SUBJECTS)}" if subject not in SUBJECTS else "",
        "department": ""
        if DEPARTMENT.fullmatch(rule.department)
        else "is a code: small letters, digits, dashes",
        "names": "" if named else "are given in zh-CN and en, each of 1 to 60 characters",
        "hours": "" if 1 <= rule.hours <= MOST_HOURS else f"are 1 to {MOST_HOURS}",
        "from_day": "is over" if from_day < today else "",
    }
    if faults := {name: text for name, text in wrong.items() if text}:
        raise BadRule(
            "; ".join(f"{name}: {text}" for name, text in faults.items()),
            errors=[{"pointer": f"/{name}", "detail": text} for name, text in faults.items()],
        )
