"""Who looks after a member: the department that its card belongs to, and a named person.

The department follows from the member's tiers by dated rules; a programme without rules of its own goes by DEFAULTS. Of
several tiers that rules name, the one that stands first in IMPORTANT counts, then the first by code. Who works where is
not known here: whoever puts things together says who a person is.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, exists, func, literal_column, select
from sqlalchemy.orm import Session, aliased

from base import clock, ids
from base.auth.principals import Principal, Service, Staff
from base.errors import Invalid, NotFound
from points import programmes
from points.adjustments.adjustments import MOST_TEXT, said_plainly
from points.care.models import CareAssignment, CareRule
from points.kinds import State
from points.members import scope
from points.members.models import Member, MemberFacts
from points.models import Programme, WalletRow
from points.policies import SameDayVersion
from points.tiers import tiers

ASSIGNS, RULES, READS = "care:assign", "care:rules", "members:read"
NO_TIER = ""
IMPORTANT = (
    "diamond",
    "gold",
)  # who must have a named person, the most important first; two indexes hold them alone
LOOKED_AT = 5_000  # important members for one page
DEPARTMENT = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
GOVERNMENT = ("government-enterprise", {"zh-CN": "政企客户部", "en": "Government and enterprise"})
SERVICE = ("customer-service", {"zh-CN": "客户服务部", "en": "Customer service"})
DEFAULTS = {"diamond": GOVERNMENT, "gold": GOVERNMENT, "silver": SERVICE, NO_TIER: SERVICE}


class PersonUnknown(NotFound):
    """There is no such person among the staff, or the person has left."""

    zh = "没有该员工，或已离职。"


class BadCare(Invalid):
    """A department has a code and a name in both languages; an assignment has a reason and a day that is not over."""

    zh = "部门须有代码和中英文名称；指派须有原因，且日期不得早于今天。"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the staff."""

    staff_id: int
    name: str


Persons = Callable[[Session, str], Person | None]
_persons: Persons = lambda session, text: None  # noqa: E731


def persons_by(found: Persons) -> None:
    """How a person is found by mail address or "staff:NUMBER"; leavers are found by their number alone."""
    global _persons
    _persons = found


def person(session: Session, text: str) -> Person:
    """A person of the staff; PersonUnknown."""
    found = _persons(session, text)
    if found is None:
        raise PersonUnknown()
    return found


@dataclass(frozen=True, slots=True)
class Department:
    """A department by code, with its names, and the tier for which it cares."""

    code: str
    names: dict[str, str]
    tier: str


@dataclass(frozen=True, slots=True)
class Care:
    """Who looks after a member on a day: department, and the assignment in force (None: nobody is named)."""

    department: Department
    manager: CareAssignment | None
    needs_person: bool


def of(session: Session, member: Member, on: date) -> Care:
    """Who looks after a member on a day."""
    programme = programmes.by_id(session, member.programme_id)
    facts = session.get(MemberFacts, member.member_id)
    sure = facts is not None and (facts.tiers_until is None or on <= facts.tiers_until)
    held = set(facts.tiers if facts and sure else tiers.codes(session, member.member_id, on))
    manager = manager_of(session, member.member_id, on)
    department = _department(rules(session, programme, on), held)
    return Care(department, manager, manager is None and bool(held & set(IMPORTANT)))


def rules(session: Session, programme: Programme, on: date) -> dict[str, Department]:
    """Tier -> department on a day."""
    found = {tier: Department(code, names, tier) for tier, (code, names) in DEFAULTS.items()}
    asked = select(CareRule).where(CareRule.programme_id == programme.programme_id, CareRule.from_day <= on)
    for row in session.scalars(asked.order_by(CareRule.from_day)):
        found[row.tier] = Department(row.department, row.names, row.tier)
    return found


def add_rule(
    session: Session,
    programme: Programme,
    tier: str,
    from_day: date,
    department: str,
    names: dict[str, str],
    by: str,
) -> CareRule:
    """From a day on, today or later, members with a tier belong to a department. BadCare; SameDayVersion."""
    programmes.open_one(session, programme.programme_id)
    now = clock.now()
    if not DEPARTMENT.fullmatch(department) or from_day < clock.day(now, programme.zone):
        raise BadCare(department=department[:32], from_day=str(from_day))
    same = (
        CareRule.programme_id == programme.programme_id,
        CareRule.tier == tier,
        CareRule.from_day == from_day,
    )
    if session.scalar(select(CareRule.rule_id).where(*same)) is not None:
        raise SameDayVersion(from_day=str(from_day))
    row = CareRule(
        rule_id=ids.new_id(),
        programme_id=programme.programme_id,
        entered_at=now,
        from_day=from_day,
        tier=tier,
        department=department,
        names=names,
        entered_by=by,
    )
    session.add(row)
    session.flush()
    return row


def manager_of(session: Session, member_id: int, on: date) -> CareAssignment | None:
    """The assignment in force on a day; None: nobody is named."""
    asked = (
        select(CareAssignment)
        .where(CareAssignment.member_id == member_id, CareAssignment.from_day <= on)
        .order_by(CareAssignment.from_day.desc(), CareAssignment.assignment_id.desc())
        .limit(1)
    )
    found = session.scalar(asked)
    return found if found and found.staff_id is not None else None


def assign(
    session: Session,
    member: Member,
    staff_id: int | None,
    reason: str,
    by: str,
    at: datetime,
    from_day: date | None = None,
) -> CareAssignment:
    """From a day on (None: today) a person looks after a member; `staff_id` None: nobody any more. BadCare."""
    today = clock.day(at, programmes.by_id(session, member.programme_id).zone)
    if not said_plainly(reason, MOST_TEXT) or (from_day or today) < today:
        raise BadCare()
    row = CareAssignment(
        member_id=member.member_id,
        assignment_id=ids.new_id(),
        staff_id=staff_id,
        at=at,
        from_day=from_day or today,
        reason=reason,
        assigned_by=by,
    )
    session.add(row)
    session.flush()
    return row


def without_a_person(
    session: Session, principal: Principal, programme: Programme, on: date, after: int, limit: int
) -> tuple[Sequence[MemberFacts], int | None]:
    """Important members of one's own scope whom nobody looks after, by id, and behind whom to go on (None: at the end).

    So many at most are looked at, LOOKED_AT, that a page may hold less than its limit, or nobody, and not be the last.
    """
    assert isinstance(principal, Staff | Service)
    looked_at = (
        select(MemberFacts)
        .where(
            scope.of_facts(principal),
            MemberFacts.programme_id == programme.programme_id,
            MemberFacts.member_id > after,
            MemberFacts.tiers.op("&&")(literal_column(f"'{{{','.join(IMPORTANT)}}}'::text[]")),
        )
        .order_by(MemberFacts.member_id)
        .limit(LOOKED_AT)
        .subquery()
    )
    one = aliased(MemberFacts, looked_at)
    found = session.scalars(_unmanaged(one, on).order_by(one.member_id).limit(limit + 1)).all()
    if len(found) > limit:
        return found[:limit], found[limit - 1].member_id
    ids_of = select(looked_at.c.member_id).offset(LOOKED_AT - 1)
    return found, session.scalar(ids_of)


def _unmanaged(one: type[MemberFacts], on: date) -> Select[MemberFacts]:
    latest = (
        select(CareAssignment.staff_id)
        .where(CareAssignment.member_id == one.member_id, CareAssignment.from_day <= on)
        .order_by(CareAssignment.from_day.desc(), CareAssignment.assignment_id.desc())
        .limit(1)
        .correlate(one)
        .scalar_subquery()
    )
    here = exists().where(
        WalletRow.member_id == one.member_id, WalletRow.state.not_in((State.CLOSED, State.MERGED))
    )
    return select(one).where(func.coalesce(latest, 0) == 0, here)


def _department(found: dict[str, Department], held: set[str]) -> Department:
    named = [tier for tier in (*IMPORTANT, *sorted(held)) if tier in held and tier in found]
    return found[named[0] if named else NO_TIER]


def name_of(session: Session, staff_id: int | None) -> str | None:
    """What a named person is called."""
    found = _persons(session, f"staff:{staff_id}")
    return found.name if found else None
