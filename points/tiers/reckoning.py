"""Which tier follows from what was earned: the pure core. Values in, values out; no database, no clock.

A tier rises at once. It then holds for some months, whatever is earned; after that it is kept for another such time when
what was earned in the window still reaches it, and else there is a grace in which it can be reached again. Only then does
it fall, at most so many steps at once, and the lower tier holds again. The balance plays no part.
"""

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

REACHED, KEPT, FELL = "reached", "kept", "fell"
REASONS = (REACHED, KEPT, FELL)
DAY = timedelta(days=1)
_points = attrgetter("points")


class Step(NamedTuple):
    """A tier, how many points earned in the window it takes, and its names."""

    tier: str
    points: int
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rule:
    """A version of a ladder. Steps ascend; `window_months` None: the calendar year, in which a tier holds to a year's end."""

    policy_id: int
    ladder: str
    from_day: date
    window_months: int | None
    hold_months: int
    grace_months: int
    grace_days: int
    most_down: int
    lot_classes: tuple[int, ...]
    steps: tuple[Step, ...]

    def rank_for(self, earned: int) -> int:
        """How many steps so many points reach; 0: none."""
        return bisect_right(self.steps, earned, key=_points)

    def rank(self, tier: str | None) -> int:
        """Which step a tier is, from 1; 0: none, or none of this ladder."""
        return next((at for at, step in enumerate(self.steps, 1) if step.tier == tier), 0)

    def step(self, rank: int) -> Step | None:
        """The step of a rank; None below the first and above the last."""
        return self.steps[rank - 1] if 1 <= rank <= len(self.steps) else None

    def window_first(self, on: date) -> date:
        """The first day of the window that ends on a day; both days belong to it."""
        if self.window_months is None:
            return date(on.year, 1, 1)
        return add_months(on + DAY, -self.window_months)

    def holds_until(self, on: date) -> date:
        """Until when a tier holds that was reached or kept on a day."""
        last = add_months(on, self.hold_months)
        return date(last.year, 12, 31) if self.window_months is None else last - DAY

    def grace_until(self, holds_until: date) -> date:
        """The last day of the grace after that."""
        return add_months(holds_until, self.grace_months) + timedelta(days=self.grace_days)


class Standing(NamedTuple):
    """Where a member stands on a ladder since its last change."""

    from_day: date
    tier: str | None
    holds_until: date
    grace_until: date


class Change(NamedTuple):
    """What follows for a member: the tier from a day on and why."""

    from_day: date
    tier: str | None
    rank: int
    before: str | None
    reason: str
    holds_until: date
    grace_until: date


def reckon(rule: Rule, standing: Standing | None, earned: int, on: date) -> Change | None:
    """What points earned in the window that ends on a day make of a member's tier; None: it stays as it is.

    On the day of a change, and before it, nothing follows: at most one change a day.
    """
    reached = rule.rank_for(earned)
    if standing is None:
        return _change(rule, None, reached, REACHED, on) if reached else None
    if on <= standing.from_day:
        return None
    rank = rule.rank(standing.tier)
    if reached > rank:
        return _change(rule, standing.tier, reached, REACHED, on)
    if rank == 0:
        return None
    if reached == rank:
        again = on > standing.holds_until or (
            rule.window_months is None and rule.holds_until(on) > standing.holds_until
        )
        return _change(rule, standing.tier, rank, KEPT, on) if again else None
    if on <= standing.grace_until:
        return None
    return _change(rule, standing.tier, max(reached, rank - rule.most_down), FELL, on)


def _change(rule: Rule, before: str | None, rank: int, reason: str, on: date) -> Change:
    step = rule.step(rank)
    holds = rule.holds_until(on) if step else on
    grace = rule.grace_until(holds) if step else on
    return Change(on, step.tier if step else None, rank, before, reason, holds, grace)


class Granted(NamedTuple):
    """A tier given by hand, from a day to a day, both included."""

    from_day: date
    until_day: date
    tier: str


class Span(NamedTuple):
    """From a day on, until the next span: the tier that counts, and whether it does by a grant alone."""

    from_day: date
    tier: str | None
    by_grant: bool


def spans(
    order: Sequence[str], earned: Iterable[tuple[date, str | None]], granted: Iterable[Granted]
) -> tuple[Span, ...]:
    """The tier of every day on one ladder: the higher of earned and granted. `order`: the ladder's tiers, lowest first.

    A grant takes nothing from what is earned below it: the day after it ends, the earned tier is there.
    """
    steps, grants = sorted(earned, key=lambda one: one[0]), tuple(granted)
    ranks = {tier: at for at, tier in enumerate(order, 1)}
    days = {day for day, _ in steps}
    days |= {day for one in grants for day in (one.from_day, one.until_day + DAY)}
    found: list[Span] = []
    for day in sorted(days):
        own = next((tier for begun, tier in reversed(steps) if begun <= day), None)
        given = [one.tier for one in grants if one.from_day <= day <= one.until_day]
        best = max(given, key=lambda tier: ranks.get(tier, 0), default=None)
        by_grant = best is not None and ranks.get(best, 0) > ranks.get(own or "", 0)
        span = Span(day, best if by_grant else own, by_grant)
        if not found or (found[-1].tier, found[-1].by_grant) != (span.tier, span.by_grant):
            found.append(span)
    return tuple(found)


def at(found: Sequence[Span], on: date) -> Span | None:
    """The span that a day lies in."""
    return next((span for span in reversed(found) if span.from_day <= on), None)


@lru_cache(maxsize=10_000)  # a run asks for the same few days again and again
def add_months(on: date, months: int) -> date:
    """The same day of the month so many months later (or earlier), or the month's last day where there is no such day."""
    year, month = divmod(on.year * 12 + on.month - 1 + months, 12)
    return date(year, month + 1, min(on.day, monthrange(year, month + 1)[1]))
