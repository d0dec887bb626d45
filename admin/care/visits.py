"""Visits that are due and those that were missed, counted by area, department and person: a visit is a contact that reached.

When a member is to be visited next follows from the last visit, or where there was none from the day on which the member joined
or got the account manager, and from the rhythm in force. That is kept by member with each part of the nightly walk
(admin/care/opening.py): over a million members it takes too long to be found out while somebody waits. Who was visited since is
left out of the list at once; all else (another manager, tier, rule) is seen on the next day.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin.care import opening, rhythm
from admin.care.models import CareWalk
from admin.care.opening import Day
from admin.care.rhythm import Rhythm
from base import database
from base.auth.principals import Staff
from points.models import Programme

SOON_DAYS = 14
BY_AREA, BY_DEPARTMENT, BY_PERSON, BY_CLASS = WAYS = ("area", "department", "person", "class")


class Count(NamedTuple):
    """Of a scope: members who are visited, those whose visit was missed, those whose visit is due soon."""

    scope: str
    members: int
    missed: int
    soon: int


class Due(NamedTuple):
    """A member, when visited last (None: never) and to be visited by when, and whose task that is."""

    member_id: int
    area: str
    visit_class: str
    staff_id: int | None
    department: str
    last_on: date | None
    due_on: date


@dataclass(frozen=True)
class Asked:
    """Whose visits: members of an area (within the person's own), maybe those of one person of the staff."""

    programme: Programme
    area: str
    on: date
    staff_id: int | None = None


def keep(session: Session, day: Day, low: int, high: int, at: datetime) -> None:
    """Find out anew when the members of a part (above `low`, up to `high`) are to be visited; who is nobody's to visit is so from now on."""
    rules: dict[str, Rhythm] = rhythm.in_force(session, day.programme.programme_id, day.on)
    values = day.asked(low, high) | {
        "at": at,
        "classes": list(rules),
        "rhythm_months": [one.months for one in rules.values()],
        "rhythm_times": [one.times for one in rules.values()],
        "zone": day.programme.zone,
    }
    database.driver(session).execute(_FORGET, values)
    database.driver(session).execute(_keep(list(rules), len(values["led"])), values)


def counted(session: Session, asked: Asked, way: str) -> list[Count]:
    """The counts of the scopes of a way, the most missed first; as of the last walk."""
    digits = min(len(asked.area) + 2, 6)
    column = {
        BY_AREA: f"left(v.area, {digits})",
        BY_DEPARTMENT: "v.department",
        BY_PERSON: "coalesce(v.staff_id::text, '')",
        BY_CLASS: "v.class",
    }[way]
    statement = f"""
select {column} scope, count(*) members, count(*) filter (where v.due_on < %(on)s) missed,
  count(*) filter (where v.due_on >= %(on)s and v.due_on <= %(on)s::date + {SOON_DAYS}) soon
from visit_standing v where {_OF} group by 1 order by 3 desc, 1"""
    return [Count(*row) for row in database.rows(session, statement, _values(asked))]


def due(
    session: Session, asked: Asked, *, after: tuple[date, int] | None = None, limit: int
) -> Sequence[Due]:
    """Whose visit was missed or is due soon, the longest due first, from beyond a place on; without those visited since."""
    day, member_id = after or (date.min, 0)
    values = _values(asked) | {"after_day": day, "after_member": member_id, "limit": limit}
    statement = f"""
select v.member_id, v.area, v.class visit_class, v.staff_id, v.department, v.last_on, v.due_on from visit_standing v
where {_OF} and v.due_on <= %(on)s::date + {SOON_DAYS} and (v.due_on, v.member_id) > (%(after_day)s, %(after_member)s)
  and not exists (select from contact c where c.member_id = v.member_id and c.purpose = 'visit' and c.result = 'reached'
    and c.at > v.taken_at)
order by v.due_on, v.member_id limit %(limit)s"""
    return [Due(*row) for row in database.rows(session, statement, values)]


def as_of(session: Session, programme: Programme) -> datetime | None:
    """When a walk was last at it; None: none has begun yet."""
    asked = select(func.max(CareWalk.changed_at)).where(CareWalk.programme_id == programme.programme_id)
    return session.scalar(asked)


def own(person: Staff, asked_mine: bool) -> int | None:
    """Whose visits a person asks for: the own ones, or everybody's."""
    return person.staff_id if asked_mine else None


def _values(asked: Asked) -> dict[str, Any]:
    return {
        "programme": asked.programme.programme_id,
        "area": asked.area,
        "own": asked.staff_id,
        "on": asked.on,
    }


def _keep(rules: Sequence[str], led: int) -> str:
    """The statement that keeps who of a part is to be visited; first of all it looks for who that may be, for they are few."""
    tests = [_TESTS.get(one.partition(":")[0], _TIER).format(n) for n, one in enumerate(rules, 1)]
    return _KEEP.format(nth_class=_first(tests), nth_lead=_first(_LED.format(n) for n in range(1, led + 1)))


def _first(tests: Iterable[str]) -> str:
    """The number of the first test that holds."""
    return " ".join(f"when {test} then {n}" for n, test in enumerate(tests, 1))


_TIER, _LED = "(%(classes)s::text[])[{}] = any(b.held)", "(%(led)s::text[])[{}] = any(b.held)"
_TESTS = {
    rhythm.GROUP.rstrip(":"): f"(%(classes)s::text[])[{{}}] = '{rhythm.GROUP}' || b.group_class",
    rhythm.OTHER: "true",
}
_OF = """
v.programme_id = %(programme)s and v.due_on is not null and v.area like %(area)s || '%%'
  and (%(own)s::bigint is null or v.staff_id = %(own)s)"""
_FORGET = """
update visit_standing set due_on = null, taken_at = %(at)s
where programme_id = %(programme)s and member_id > %(low)s and member_id <= %(high)s and due_on is not null"""
_KEEP = f"""
with managed as (
  select distinct on (a.member_id) a.member_id, a.staff_id, min(a.from_day) over (partition by a.member_id, a.staff_id) named_on
  from care_assignment a where a.from_day <= %(on)s and a.member_id > %(low)s and a.member_id <= %(high)s order by a.member_id, a.from_day desc, a.assignment_id desc),
who as materialized (
  select member_id, max(staff_id) staff_id, max(named_on) named_on from (
    select member_id, null::bigint staff_id, null::date named_on from member_facts
    where tiers <> '{{{{}}}}' and tiers && %(classes)s::text[] and programme_id = %(programme)s
      and member_id > %(low)s and member_id <= %(high)s
    union all select member_id, null, null from group_profile
      where programme_id = %(programme)s and member_id > %(low)s and member_id <= %(high)s
    union all select member_id, staff_id, named_on from managed where staff_id is not null) w
  group by member_id),
b as (
  select f.member_id, f.area, f.joined_on, g.group_class, who.staff_id, who.named_on, v.on_day last_on,
    case when f.tiers_until < %(on)s then '{{{{}}}}' else f.tiers end held
  from who join member_facts f on f.member_id = who.member_id
  left join group_profile g on g.member_id = f.member_id
  left join lateral (
    select (v.at at time zone %(zone)s)::date on_day from contact v
    where v.member_id = f.member_id and v.purpose = 'visit' and v.result = 'reached'
    order by v.contact_id desc limit 1) v on true
  where f.programme_id = %(programme)s and {opening.PRESENT}),
c as (select b.*, case {{nth_class}} end nth, case {{nth_lead}} end lead,
  coalesce(b.last_on, greatest(b.joined_on, b.named_on)) from_on from b)
insert into visit_standing (member_id, programme_id, taken_at, area, class, staff_id, department, last_on, due_on)
select c.member_id, %(programme)s, %(at)s, c.area, (%(classes)s::text[])[c.nth], c.staff_id,
  coalesce((%(leads)s::text[])[c.lead], %(else_leads)s), c.last_on,
  case when (%(rhythm_times)s::bigint[])[c.nth] = 1
    then (c.from_on + make_interval(months => (%(rhythm_months)s::bigint[])[c.nth]::int))::date
    else c.from_on + ((%(rhythm_months)s::bigint[])[c.nth] * {rhythm.DAYS_A_MONTH} / (%(rhythm_times)s::bigint[])[c.nth])::int
  end
from c where c.staff_id is not null or (%(classes)s::text[])[c.nth] <> '{rhythm.OTHER}'
on conflict (member_id) do update set programme_id = excluded.programme_id, taken_at = excluded.taken_at, area = excluded.area,
  class = excluded.class, staff_id = excluded.staff_id, department = excluded.department, last_on = excluded.last_on,
  due_on = excluded.due_on
"""
