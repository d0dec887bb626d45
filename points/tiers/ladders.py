"""Ladders of programmes: the versions of their tier policies, read once for a batch of work."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from base import database, ids
from points.tiers.models import TierPolicy
from points.tiers.reckoning import Rule, Step


@dataclass(frozen=True)
class Ladders:
    """All versions of a programme's ladders, by ladder and day."""

    versions: tuple[Rule, ...] = ()

    @property
    def names(self) -> list[str]:
        """The ladders there are, one day or another."""
        return sorted({rule.ladder for rule in self.versions})

    def in_force(self, ladder: str, on: date) -> Rule | None:
        """The version of a day; None before the ladder's first."""
        begun = [rule for rule in self.versions if rule.ladder == ladder and rule.from_day <= on]
        return max(begun, key=lambda rule: rule.from_day, default=None)

    def every(self, on: date) -> list[Rule]:
        """The version in force of each ladder that has begun."""
        return [rule for name in self.names if (rule := self.in_force(name, on))]

    def order(self, ladder: str) -> tuple[str, ...]:
        """Its tiers, lowest first. A later version keeps those of an earlier one in their order, so the last one's will do."""
        last = max((rule for rule in self.versions if rule.ladder == ladder), key=lambda one: one.from_day)
        return tuple(step.tier for step in last.steps)

    def has(self, tier: str, on: date) -> bool:
        """Whether a ladder that has begun has this tier; what another system tells about it then counts no more."""
        return any(rule.rank(tier) for rule in self.versions if rule.from_day <= on)

    def ladder_of(self, tier: str) -> str | None:
        """On which ladder a tier is; None: on none. No tier is on two."""
        return next((rule.ladder for rule in self.versions if rule.rank(tier)), None)

    def step(self, policy_id: int, tier: str | None) -> Step | None:
        """A tier's step in a version."""
        rule = next(rule for rule in self.versions if rule.policy_id == policy_id)
        return rule.step(rule.rank(tier))


NO_LADDERS = Ladders()


def load(session: Session, programme_id: int) -> Ladders:
    """The ladders of a programme."""
    return Ladders(tuple(map(rule_of, database.rows(session, _POLICIES, (programme_id,)))))


# Asked with every look at a member, so in words that need no compiling.
_POLICIES = f"select {database.columns(TierPolicy)} from tier_policy where programme_id = %s order by ladder, from_day"


def rule_of(row: TierPolicy) -> Rule:
    """The version that a row says."""
    return Rule(
        policy_id=row.policy_id,
        ladder=row.ladder,
        from_day=row.from_day,
        window_months=row.window_months,
        hold_months=row.hold_months,
        grace_months=row.grace_months,
        grace_days=row.grace_days,
        most_down=row.most_down,
        lot_classes=tuple(row.lot_classes),
        steps=tuple(Step(one["tier"], one["points"], one["names"]) for one in row.steps),
    )


def add(
    session: Session,
    programme_id: int,
    ladder: str,
    from_day: date,
    steps: Iterable[Step],
    *,
    window_months: int | None,
    hold_months: int,
    grace_months: int = 0,
    grace_days: int = 0,
    most_down: int = 1,
    lot_classes: Sequence[int],
    reason: str,
    approval: str | None,
    at: datetime,
) -> TierPolicy:
    """A version from a day on; whether it may be is asked by points/tiers/proposals.py."""
    row = TierPolicy(
        policy_id=ids.new_id(),
        programme_id=programme_id,
        entered_at=at,
        from_day=from_day,
        window_months=window_months,
        hold_months=hold_months,
        grace_months=grace_months,
        grace_days=grace_days,
        most_down=most_down,
        lot_classes=list(lot_classes),
        steps=[{"tier": one.tier, "points": one.points, "names": dict(one.names)} for one in steps],
        ladder=ladder,
        reason=reason,
        approval=approval,
    )
    session.add(row)
    session.flush()
    return row
