"""The rows that members share: what is left of a rule's budget, and how many bonuses it gave for a day.

One bonus takes from them last before the commit, by a conditional update each: of two for the last points one wins. Many
at once lock them first, for they must know how many there is room for, and then take what was really given. Days come
before their rule's budget and rules in one order, so that two transactions never wait for each other in a ring. A rule
without a cap for all and without a budget has no such row.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import database
from base.errors import Problem
from points.bonuses.deciding import Asked, day_after
from points.bonuses.models import BonusBudget, BonusDay, BonusRule
from points.bonuses.refusals import BonusCapReached, BudgetUsedUp

Numbered = dict[int, Asked]


def take(session: Session, rule: BonusRule, on: date, points: int, count: int = 1) -> None:
    """Take so many bonuses of a day, and their points, out of what is left; BonusCapReached, BudgetUsedUp."""
    take_day(session, rule, on, count)
    take_budget(session, rule, points)


def take_day(session: Session, rule: BonusRule, on: date, count: int) -> None:
    """Count bonuses of a day under the cap for all members; BonusCapReached."""
    if rule.most_per_day is None:
        return
    taken = database.driver(session).execute(
        "insert into bonus_day (rule_id, on_day, given) values (%(r)s, %(d)s, %(n)s) on conflict (rule_id, on_day) "
        "do update set given = bonus_day.given + %(n)s where bonus_day.given + %(n)s <= %(most)s",
        {"r": rule.rule_id, "d": on, "n": count, "most": rule.most_per_day},
    )
    if taken.rowcount != 1:
        raise day_is_full(rule, on)


def take_budget(session: Session, rule: BonusRule, points: int) -> None:
    """Take points out of the budget; BudgetUsedUp."""
    if rule.budget_points is None:
        return
    taken = database.driver(session).execute(
        "update bonus_budget set left_points = left_points - %(n)s where rule_id = %(r)s and left_points >= %(n)s",
        {"r": rule.rule_id, "n": points},
    )
    if taken.rowcount != 1:
        raise BudgetUsedUp(rule=rule.code)


def fitting(session: Session, asked: Numbered) -> tuple[Numbered, dict[int, Problem]]:
    """Those for which days and budgets have room, first come first served, and the refusals of the others.

    The rows stay locked until the commit.
    """
    refused: dict[int, Problem] = {}
    for rule, of_rule in _by_rule(asked):
        fit: list[int] = []
        for on, numbers in _by_day(of_rule):
            room = day_left(session, rule, on, lock=True)
            cut = len(numbers) if room is None else room
            fit += numbers[:cut]
            refused |= {number: day_is_full(rule, on) for number in numbers[cut:]}
        left = budget_left(session, rule, lock=True)
        if left is None:
            continue
        for number in sorted(fit):
            if asked[number].points > left:
                refused[number] = BudgetUsedUp(rule=rule.code)
            else:
                left -= asked[number].points
    return {number: one for number, one in asked.items() if number not in refused}, refused


def take_all(session: Session, given: Numbered) -> None:
    """What a batch really gave, out of the rows that `fitting` locked."""
    for rule, of_rule in _by_rule(given):
        for on, numbers in _by_day(of_rule):
            take_day(session, rule, on, len(numbers))
        take_budget(session, rule, sum(one.points for one in of_rule.values()))


def day_left(session: Session, rule: BonusRule, on: date, *, lock: bool = False) -> int | None:
    """How many more bonuses all members together may get for a day; None: there is no such cap."""
    if rule.most_per_day is None:
        return None
    if lock:
        database.driver(session).execute(
            "insert into bonus_day (rule_id, on_day, given) values (%s, %s, 0) on conflict do nothing",
            (rule.rule_id, on),
        )
    asked = select(BonusDay.given).where(BonusDay.rule_id == rule.rule_id, BonusDay.on_day == on)
    return rule.most_per_day - (session.scalar(asked.with_for_update() if lock else asked) or 0)


def budget_left(session: Session, rule: BonusRule, *, lock: bool = False) -> int | None:
    """Points that are left of the budget; None: there is none."""
    if rule.budget_points is None:
        return None
    asked = select(BonusBudget.left_points).where(BonusBudget.rule_id == rule.rule_id)
    return session.scalar(asked.with_for_update() if lock else asked) or 0


def day_is_full(rule: BonusRule, on: date) -> BonusCapReached:
    """The refusal where a day's bonuses for all members were given."""
    return BonusCapReached(rule=rule.code, cap="day", most=rule.most_per_day, resets_on=day_after(on))


def _by_rule(asked: Numbered) -> list[tuple[BonusRule, Numbered]]:
    found: dict[int, Numbered] = defaultdict(dict)
    for number, one in asked.items():
        found[one.rule.rule_id][number] = one
    return [(next(iter(found[key].values())).rule, found[key]) for key in sorted(found)]


def _by_day(asked: Numbered) -> Iterable[tuple[date, list[int]]]:
    found: dict[date, list[int]] = defaultdict(list)
    for number, one in asked.items():
        found[one.wanted.on].append(number)
    return sorted(found.items())
