"""Bonuses that a date brings: joinings, birthdays and member days, given to everybody due, some at a time.

Who has the bonus is not due any more, so a run that was broken off goes on where it stopped, a second one finds nothing,
and a day on which nothing ran is made good by naming it. Members are met in the order of their ids: where a budget ends
within a step, they are served in that order.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from base.errors import Problem
from points.bonuses import granting, occasions, rules
from points.bonuses.deciding import Wanted
from points.bonuses.models import BonusRule
from points.bonuses.occasions import BIRTHDAY, BY_DATE, MEMBER_DAY, SIGN_UP
from points.bonuses.refusals import BudgetUsedUp
from points.models import Programme

STEP = 500


@dataclass(frozen=True, slots=True)
class Place:
    """How far a walk has come: the member and the day that were last."""

    member_id: int
    on: date


START = Place(0, date.min)


@dataclass(frozen=True)
class Task:
    """A version of a rule and the days on which it is to be given."""

    rule: BonusRule
    days: tuple[date, ...]


@dataclass
class Step:
    """What some steps did: members met, bonuses and points given, refusals by type, and where to go on (None: the end)."""

    looked_at: int = 0
    given: int = 0
    points: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    next: Place | None = None

    @property
    def used_up(self) -> bool:
        """Whether a budget had not enough for everybody."""
        return bool(self.refused[BudgetUsedUp.type_name()])

    def add(self, other: "Step") -> None:
        self.looked_at += other.looked_at
        self.given += other.given
        self.points += other.points
        self.refused += other.refused


def tasks(session: Session, programme: Programme, first: date, last: date) -> list[Task]:
    """What is to be given for some days (both included): of a joining all days since the rule's first one."""
    found = [rule for rule in rules.versions(session, programme.programme_id) if rule.occasion in BY_DATE]
    made = []
    for rule in found:
        since = date.min if rule.occasion == SIGN_UP else first
        days = rules.days_of(rule, found, since, last)
        if days is not None:
            made.append(Task(rule, tuple(_days(rule, *days))))
    return [task for task in made if task.days]


def count(session: Session, programme: Programme, task: Task) -> int:
    """How many bonuses are due (for a progress bar)."""
    statement, values = _due(programme, task, START)
    found = session.connection().exec_driver_sql(f"select count(*) from ({statement}) due", values)
    return int(found.scalar_one())


def step(session: Session, programme: Programme, task: Task, after: Place, at: datetime) -> Step:
    """Give to the next members who are due. Safe to repeat; commit after each step."""
    statement, values = _due(programme, task, after)
    rows = (
        session.connection()
        .exec_driver_sql(
            f"select member_id, on_day from ({statement}) due where (member_id, on_day) > (%(member)s, %(day)s) "
            "order by member_id, on_day limit %(limit)s",
            values | {"day": after.on, "limit": STEP},
        )
        .all()
    )
    wanted = [Wanted(member_id, task.rule.code, on, None) for member_id, on in rows]
    answers = granting.grant_many(session, programme, wanted, at) if wanted else []
    given = [one for one in answers if not isinstance(one, Problem) and not one.repeated]
    did = Step(len(rows), len(given), sum(one.points for one in given))
    did.refused.update(one.type_name() for one in answers if isinstance(one, Problem))
    if len(rows) == STEP and not did.used_up:
        did.next = Place(rows[-1][0], rows[-1][1])
    return did


def _days(rule: BonusRule, first: date, last: date) -> Iterable[date]:
    every = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return (
        on for on in every if rule.occasion != MEMBER_DAY or occasions.is_member_day(rule.month_day or 0, on)
    )


def _due(programme: Programme, task: Task, after: Place) -> tuple[str, dict[str, object]]:
    """Members still there with the day of the occasion, who have not got it; whom the rule is for is asked later."""
    values: dict[str, object] = {
        "programme": programme.programme_id,
        "code": task.rule.code,
        "member": after.member_id,
    }
    here = "m.programme_id = %(programme)s and m.left_on is null and m.member_id >= %(member)s"
    nothing = "not exists (select from bonus b where b.member_id = m.member_id and b.code = %(code)s and b.ref = {})"
    if task.rule.occasion == BIRTHDAY:
        kept = occasions.birthdays_kept(task.days)
        values |= {"birthdays": [birthday for birthday, _ in kept], "days": [on for _, on in kept]}
        source = (
            "unnest(%(birthdays)s::text[], %(days)s::date[]) k(birthday, on_day) "
            "join member_facts a on a.birthday = k.birthday "
            "join member m on m.member_id = a.member_id and m.joined_on <= k.on_day"
        )
        return f"select m.member_id, k.on_day from {source} where {here} and {nothing.format(_YEAR)}", values
    if task.rule.occasion == MEMBER_DAY:
        values |= {"days": list(task.days)}
        source = "unnest(%(days)s::date[]) k(on_day) join member m on m.joined_on <= k.on_day"
        return f"select m.member_id, k.on_day from {source} where {here} and {nothing.format(_DAY)}", values
    values |= {"first": task.days[0], "last": task.days[-1], "ref": SIGN_UP}
    joined = "m.joined_on between %(first)s and %(last)s"
    return (
        f"select m.member_id, m.joined_on as on_day from member m where {here} and {joined} "
        f"and {nothing.format('%(ref)s')}",
        values,
    )


_YEAR, _DAY = "to_char(k.on_day, 'FMYYYY')", "to_char(k.on_day, 'YYYY-MM-DD')"
