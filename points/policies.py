"""Policies: how points arise and how long they live, each versioned by date. A change is a later row, never an edit."""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from base import ids
from base.errors import Conflict, NotFound
from points import lots
from points.models import EarnFactor, EarnRule, ExpiryPolicy
from points.tiers import ladders
from points.tiers.ladders import NO_LADDERS, Ladders

Version = TypeVar("Version", EarnRule, ExpiryPolicy)
BILL_POINTS = 1
PROMOTION_POINTS = 2
_CLASSES = {BILL_POINTS: "bill", PROMOTION_POINTS: "promotion"}


def class_name(lot_class: int) -> str:
    """What a class of points is called outside: bill, promotion, or its number where it has no name."""
    return _CLASSES.get(lot_class, str(lot_class))


class NoRuleInForce(NotFound):
    """No rule is in force for this on that day."""

    zh = "该日期没有生效的规则。"


class SameDayVersion(Conflict):
    """There is a version for this day already; versions are never edited."""

    zh = "该日期已有版本；版本不可修改，请选择其他生效日期。"


@dataclass(frozen=True)
class Policies:
    """All versions of one programme, read once for a batch of work."""

    earn_rules: tuple[EarnRule, ...]
    expiry: tuple[ExpiryPolicy, ...]
    factors: tuple[EarnFactor, ...] = ()
    ladders: Ladders = NO_LADDERS

    @property
    def asked_ladders(self) -> Ladders:
        """The ladders where a factor asks for a tier; else none, and nobody need look who stands where."""
        return self.ladders if any(factor.tier is not None for factor in self.factors) else NO_LADDERS

    def earn_rule(self, line_type: str, on: date) -> EarnRule:
        """The earn rule in force for a type of bill line on a day; NoRuleInForce."""
        return _in_force([r for r in self.earn_rules if r.line_type == line_type], on, line_type)

    def expiry_policy(self, lot_class: int, on: date) -> ExpiryPolicy:
        """The expiry policy in force for a class of points on a day; NoRuleInForce."""
        return _in_force([p for p in self.expiry if p.lot_class == lot_class], on, f"class {lot_class}")


def load(session: Session, programme_id: int) -> Policies:
    """The versions of a programme."""
    return Policies(
        tuple(session.scalars(select(EarnRule).where(EarnRule.programme_id == programme_id))),
        tuple(session.scalars(select(ExpiryPolicy).where(ExpiryPolicy.programme_id == programme_id))),
        tuple(session.scalars(select(EarnFactor).where(EarnFactor.programme_id == programme_id))),
        ladders.load(session, programme_id),
    )


def expiry_by_id(session: Session, policy_ids: set[int]) -> dict[int, ExpiryPolicy]:
    """Expiry policies by their ids: those that lines were rated under."""
    if not policy_ids:
        return {}
    asked = select(ExpiryPolicy).where(ExpiryPolicy.policy_id.in_(policy_ids))
    return {policy.policy_id: policy for policy in session.scalars(asked)}


def add_earn_rule(
    session: Session, programme_id: int, line_type: str, from_day: date, *, points: int, per_fen: int
) -> EarnRule:
    """From a day on, lines of a type earn `points` for each `per_fen` fen; SameDayVersion."""
    _free(session, EarnRule, programme_id, from_day, EarnRule.line_type == line_type)
    rule = EarnRule(
        rule_id=ids.new_id(),
        programme_id=programme_id,
        line_type=line_type,
        from_day=from_day,
        points=points,
        per_fen=per_fen,
    )
    session.add(rule)
    session.flush()
    return rule


def add_expiry_policy(
    session: Session, programme_id: int, lot_class: int, from_day: date, *, months: int | None
) -> ExpiryPolicy:
    """From a day on, points of a class live to the end of the month that many months later; None: without end."""
    _free(session, ExpiryPolicy, programme_id, from_day, ExpiryPolicy.lot_class == lot_class)
    policy = ExpiryPolicy(
        policy_id=ids.new_id(),
        programme_id=programme_id,
        lot_class=lot_class,
        from_day=from_day,
        months=months,
    )
    session.add(policy)
    session.flush()
    return policy


def points_for(rule: EarnRule, amount_fen: int, waived_fen: int, factors: Iterable[EarnFactor] = ()) -> int:
    """Points of a bill line: what is to be paid, times the rule, times the factors, rounded down once, at the end."""
    points, parts = fraction(rule.points, rule.per_fen, max(0, amount_fen - waived_fen), factors)
    return points // parts


def fraction(points: int, per_fen: int, fen: int, factors: Iterable[EarnFactor]) -> tuple[int, int]:
    """What so many fen earn, as whole points over whole parts: nothing is rounded yet.

    Percents that are added are added to 100 first, then the others multiply; their order changes nothing.
    """
    top, parts, added = fen * points, per_fen, 100
    for factor in factors:
        if factor.adds:
            added += factor.percent
        else:
            top, parts = top * factor.percent, parts * 100
    return (top * added, parts * 100) if added > 100 else (top, parts)


def lot_key(policy: ExpiryPolicy, earned_on: date) -> int:
    """The lot that points earned on a day enter."""
    if policy.months is None:
        return lots.key(lots.NO_END, policy.lot_class)
    return lots.key(min(month_end(earned_on, policy.months), lots.NO_END), policy.lot_class)


def month_end(on: date, months: int) -> date:
    """The last day of the month that lies so many months after the month of a day."""
    month = on.year * 12 + on.month - 1 + months
    year, month = divmod(month, 12)
    return date(year, month + 1, monthrange(year, month + 1)[1])


def _in_force(versions: list[Version], on: date, what: str) -> Version:
    begun = [version for version in versions if version.from_day <= on]
    if not begun:
        raise NoRuleInForce(f"{what} on {on}")
    return max(begun, key=lambda version: version.from_day)


def _free(
    session: Session,
    table: type[EarnRule | ExpiryPolicy],
    programme_id: int,
    from_day: date,
    same: ColumnElement[bool],
) -> None:
    taken = select(table.from_day).where(table.programme_id == programme_id, table.from_day == from_day, same)
    if session.scalar(taken) is not None:
        raise SameDayVersion(from_day=str(from_day))
