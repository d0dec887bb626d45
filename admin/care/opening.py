"""The nightly walk that opens tasks: some members at a time, each part in one transaction, so that it may stop anywhere.

A task that is there is not opened again, which its unique key promises; a night on which nothing ran is made good by the
next one, up to a week. Whoever left needs nothing any more, whoever got an account manager is that person's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from admin.care import occasions
from admin.care.models import CareTask, CareWalk
from admin.care.occasions import APOLOGY, BIRTHDAY, EXPIRY, HOLIDAY, MANAGER, SILENT, VISIT, Rule
from base import clock, database, ids
from merchants import business_days
from merchants.cycles import Calendar
from points import programmes
from points.bonuses.occasions import birthdays_kept
from points.care import care
from points.kinds import State
from points.models import Programme

EVERY_S = 600
BATCH = 1_000
LOCK = "care.opening"
ACTOR = "job:care"
OPEN, DONE, NOT_REACHED, NOT_NEEDED = STATES = ("open", "done", "not-reached", "not-needed")
LEFT, CORRECTED = "left", "birthday-corrected"
CATCH_UP = timedelta(days=7)
SILENT_MONTHS = 6
_LOOK_AHEAD = timedelta(days=400)


@dataclass(frozen=True)
class Day:
    """What a part of the walk goes by: the day, from which one on it makes good, rules, departments, working days."""

    programme: Programme
    on: date
    since: date
    rules: Mapping[str, Rule]
    departments: Mapping[str, care.Department]
    calendar: Calendar

    def asked(self, low: int, high: int) -> dict[str, Any]:
        """What every statement asks for."""
        order = [tier for tier in care.IMPORTANT if tier in self.departments]
        order += sorted(tier for tier in self.departments if tier and tier not in order)
        return {
            "programme": self.programme.programme_id, "low": low, "high": high, "on": self.on, "since": self.since,
            "led": order, "leads": [self.departments[tier].code for tier in order],
            "else_leads": self.departments[care.NO_TIER].code, "actor": ACTOR, "months": SILENT_MONTHS,
        }  # fmt: skip


Also = Callable[[Session, Day, int, int, datetime], None]
_also: list[Also] = []


def also(*deeds: Also) -> None:
    """What else is done for each part of the walk: the day, members above one number up to another."""
    _also[:] = deeds


def step() -> bool:
    """For the worker: the next part of some programme's walk of today; whether there may be more."""
    with database.begin() as session:
        return walk(session, clock.now())


def walk(session: Session, at: datetime, limit: int = BATCH) -> bool:
    """The next members of a walk that is not at its end; False: all of today's are."""
    if not session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtextextended(LOCK, 0)))):
        return False  # another worker is at it
    for programme in programmes.every(session):
        on = clock.day(at, programme.zone)
        row = session.get(CareWalk, (programme.programme_id, on)) or _begun(session, programme, on, at)
        if row.ended_at is None:
            _part(session, day_of(session, programme, on), row, at, limit)
            return True
    return False


def day_of(session: Session, programme: Programme, on: date) -> Day:
    """What a walk of a day goes by."""
    last = session.scalar(
        select(func.max(CareWalk.on_day)).where(
            CareWalk.programme_id == programme.programme_id, CareWalk.on_day < on, CareWalk.ended_at.is_not(None)
        )
    )  # fmt: skip
    return Day(
        programme,
        on,
        max(last + timedelta(days=1), on - CATCH_UP) if last else on,
        occasions.in_force(session, programme.programme_id, on),
        care.rules(session, programme, on),
        business_days.load(session, first=on, last=on + _LOOK_AHEAD),
    )


def _begun(session: Session, programme: Programme, on: date, at: datetime) -> CareWalk:
    row = CareWalk(
        programme_id=programme.programme_id,
        on_day=on,
        last_member=0,
        opened=0,
        began_at=at,
        changed_at=at,
        ended_at=None,
    )
    session.add(row)
    return row


def _part(session: Session, day: Day, row: CareWalk, at: datetime, limit: int) -> None:
    members = database.rows(
        session,
        "select member_id from member where programme_id = %s and member_id > %s order by member_id limit %s",
        (day.programme.programme_id, row.last_member, limit),
    )
    if members:
        row.opened += _opened(session, day, (row.last_member, members[-1].member_id), at)
        for also in _also:
            also(session, day, row.last_member, members[-1].member_id, at)
        row.last_member = members[-1].member_id
    row.changed_at = at
    if len(members) < limit:
        row.ended_at = at


def _opened(session: Session, day: Day, part: tuple[int, int], at: datetime) -> int:
    """What is needed no more ends, what has another owner changes hands, what is due opens; how many of these."""
    asked = day.asked(*part) | {"at": at}
    for statement in (_LEAVE, _CORRECT, _HAND_OVER, _NAMED):
        database.driver(session).execute(statement, asked)
    opened = 0
    for occasion, source, more in _sources(day):
        rule = day.rules[occasion]
        if rule.is_on:
            found = database.rows(
                session,
                _candidates(source),
                asked | more | {"occasion": occasion, "tiers": list(rule.tiers)},
            )
            opened += put(session, day, occasion, found, ACTOR, at, owned=occasion != MANAGER)
    return opened


def put(
    session: Session,
    day: Day,
    occasion: str,
    found: Iterable[Any],
    by: str,
    at: datetime,
    *,
    owned: bool = True,
) -> int:
    """Open tasks for rows of member, period, day, person and department; how many were not there yet."""
    rows = [
        {
            "member_id": row.member_id,
            "task_id": ids.new_id(),
            "programme_id": day.programme.programme_id,
            "staff_id": row.staff_id if owned else None,
            "opened_at": at,
            "on_day": row.on_day,
            "due_on": occasions.due_on(day.rules[occasion], row.on_day, day.calendar),
            "occasion": occasion,
            "period": row.period,
            "department": row.department,
            "state": OPEN,
            "opened_by": by,
        }
        for row in found
    ]
    if not rows:
        return 0
    made = session.execute(insert(CareTask).values(rows).on_conflict_do_nothing().returning(CareTask.task_id))
    return len(made.all())


def told(session: Session, day: Day, member_id: int, occasion: str, on: date, by: str, at: datetime) -> bool:
    """Open the task of an occasion that a system tells of one member; whether there is one now."""
    if not day.rules[occasion].is_on:
        return False
    asked = day.asked(member_id - 1, member_id)
    more = {"occasion": occasion, "tiers": list(day.rules[occasion].tiers), "day": on}
    found = database.rows(session, _candidates(_TOLD), asked | more)
    put(session, day, occasion, found, by, at)
    there = select(CareTask.task_id).where(
        CareTask.member_id == member_id, CareTask.occasion == occasion, CareTask.period == str(on)
    )
    return session.scalar(there) is not None


def _sources(day: Day) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """Each occasion that the walk finds by itself, how, and what that asks for besides."""
    kept = birthdays_kept(_days(day, BIRTHDAY))
    yield BIRTHDAY, _BIRTHDAY, {"birthdays": [one for one, _ in kept], "days": [on for _, on in kept]}
    yield APOLOGY, _APOLOGY, {}
    yield MANAGER, f"{_HIGHER} where up.after and manager.staff_id is null", {}
    yield VISIT, f"{_HIGHER} where up.after", {}
    yield EXPIRY, _EXPIRY, {"until": day.on + timedelta(days=day.rules[EXPIRY].days_ahead)}
    span = _days(day, HOLIDAY)
    yield HOLIDAY, _HOLIDAY, {"days": occasions.holidays_in(day.rules[HOLIDAY], span[0], span[-1])}
    yield SILENT, _SILENT, {}


def _days(day: Day, occasion: str) -> list[date]:
    last = day.on + timedelta(days=day.rules[occasion].days_ahead)
    return [day.since + timedelta(days=n) for n in range((last - day.since).days + 1)]


# Whoever looks after a member, and the department of the card. Given: f, the member's facts.
OWNERS = """
left join lateral (select case when f.tiers_until < %(on)s then '{}' else f.tiers end tiers) held on true
left join lateral (
  select a.staff_id from care_assignment a where a.member_id = f.member_id and a.from_day <= %(on)s
  order by a.from_day desc, a.assignment_id desc limit 1) manager on true
left join lateral (
  select d.lead from unnest(%(led)s::text[], %(leads)s::text[]) with ordinality d(tier, lead, n)
  where d.tier = any(held.tiers) order by n limit 1) led on true
"""
PRESENT = f"""
exists (select from wallet w where w.member_id = f.member_id and w.state not in ({State.CLOSED:d}, {State.MERGED:d}))
"""


def _candidates(source: str) -> str:
    """Members of a part for whom an occasion's task is not there yet; `source` gives period and on_day."""
    return f"""
select c.* from (
  select f.member_id, manager.staff_id, coalesce(led.lead, %(else_leads)s) department, x.period, x.on_day
  from member_facts f {OWNERS} cross join lateral ({source}) x
  where f.programme_id = %(programme)s and f.member_id > %(low)s and f.member_id <= %(high)s
    and (%(tiers)s::text[] = '{{}}' or held.tiers && %(tiers)s::text[]) and {PRESENT}) c
where not exists (select from care_task t
  where t.member_id = c.member_id and t.occasion = %(occasion)s and t.period = c.period)
"""


_TOLD = "select %(day)s::date::text period, %(day)s::date on_day"
_BIRTHDAY = """
select k.on_day::text period, k.on_day from unnest(%(birthdays)s::text[], %(days)s::date[]) k(birthday, on_day)
where k.birthday = f.birthday
"""
_HOLIDAY = "select h::text period, h on_day from unnest(%(days)s::date[]) h"
_EXPIRY = """
select e.last_day::text period, %(on)s::date on_day from expiry_notice e
where e.member_id = f.member_id and e.last_day between %(on)s and %(until)s group by e.last_day
"""
_SILENT = """
select %(on)s::date::text period, %(on)s::date on_day
where f.joined_on <= %(on)s::date - make_interval(months => %(months)s::int)
  and not exists (select from contact c where c.member_id = f.member_id and c.result = 'reached'
    and c.at > %(on)s::date - make_interval(months => %(months)s::int))
  and not exists (select from care_task t where t.member_id = f.member_id and t.occasion = %(occasion)s
    and (t.state = 'open' or t.on_day > %(on)s::date - make_interval(months => %(months)s::int)))
"""
# The tiers of the rule stand the highest first; what a ladder reckoned and what another system told, alike.
_HIGHER = """
select up.from_day::text period, greatest(up.from_day, %(since)s) on_day from (
  select u.from_day, array_position(%(tiers)s::text[], u.tier) <
    coalesce(array_position(%(tiers)s::text[], u.before), 1000) after
  from (
    select c.from_day, c.tier, c.before from tier_change c where c.member_id = f.member_id
    union all
    select a.from_day, a.value, (select b.value from member_attribute b where b.member_id = a.member_id
      and b.name = a.name and b.from_day < a.from_day order by b.from_day desc limit 1)
    from member_attribute a where a.member_id = f.member_id and a.name = 'tier') u
  where u.from_day > %(since)s::date - 7 and u.from_day <= %(on)s) up
"""
# A wish for a day that was not the birthday: within two months somebody says so.
_WRONG = """
t.occasion = 'birthday' and t.member_id > %(low)s and t.member_id <= %(high)s and t.on_day > %(on)s::date - 60
and f.birthday is not null and to_char(t.on_day, 'MM-DD') <> f.birthday
and not (f.birthday = '02-29' and to_char(t.on_day, 'MM-DD') = '02-28')
"""
_APOLOGY = (
    """
select t.on_day::text period, %(on)s::date on_day from care_task t
where t.member_id = f.member_id and t.state = 'done' and """
    + _WRONG
)
_END = "update care_task t set state = %s, ended_at = %%(at)s, ended_by = %%(actor)s, reason = %s"
_LEAVE = f"""
{_END % ("'not-needed'", f"'{LEFT}'")} from member_facts f
where t.state = 'open' and t.programme_id = %(programme)s and t.member_id > %(low)s and t.member_id <= %(high)s
  and f.member_id = t.member_id and not {PRESENT}
"""
_CORRECT = f"""
{_END % ("'not-needed'", f"'{CORRECTED}'")} from member_facts f
where t.state = 'open' and f.member_id = t.member_id and {_WRONG}
"""
_MANAGED = """
from (select t.member_id, t.task_id, (
    select a.staff_id from care_assignment a where a.member_id = t.member_id and a.from_day <= %(on)s
    order by a.from_day desc, a.assignment_id desc limit 1) manager_id
  from care_task t where t.state = 'open' and t.member_id > %(low)s and t.member_id <= %(high)s) m
where t.member_id = m.member_id and t.task_id = m.task_id and t.state = 'open'
"""
_HAND_OVER = f"""
update care_task t set staff_id = m.manager_id {_MANAGED}
  and t.occasion <> '{MANAGER}' and t.staff_id is distinct from m.manager_id
"""
_NAMED = f"""
{_END % ("'done'", "null")}, staff_id = m.manager_id {_MANAGED}
  and t.occasion = '{MANAGER}' and m.manager_id is not null
"""


def follow(session: Session, member_id: int, on: date, at: datetime, by: str) -> None:
    """After somebody was named to look after a member: open tasks are that person's, and naming one is done."""
    asked = {"low": member_id - 1, "high": member_id, "on": on, "at": at, "actor": by}
    for statement in (_HAND_OVER, _NAMED):
        database.driver(session).execute(statement, asked)
