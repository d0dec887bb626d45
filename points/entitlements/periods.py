"""Periods and allowances: pure arithmetic of what may still be used; no database, no clock.

Uses that came over from the period before are used first, so what is carried on can only be the period's own: nothing is
ever carried over twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

MONTH, QUARTER, YEAR = "month", "quarter", "year"
_MONTHS = {MONTH: 1, QUARTER: 3, YEAR: 12}
PERIODS = tuple(_MONTHS)


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar month, quarter or year: its first day and the first day after it."""

    first: date
    until: date

    @property
    def last(self) -> date:
        return self.until - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a member may use of a perk in a period: the tier's own, what came over, what was used."""

    own: int
    carried: int
    used: int

    @property
    def allowed(self) -> int:
        """In all, in this period."""
        return self.own + self.carried

    @property
    def left(self) -> int:
        """Nothing where a lower tier allows less than was used before."""
        return max(0, self.allowed - self.used)


def period(kind: str, on: date) -> Period:
    """The period that a day lies in."""
    months = _MONTHS[kind]
    first = (on.month - 1) // months * months + 1
    year, month = divmod(on.year * 12 + first - 1 + months, 12)
    return Period(date(on.year, first, 1), date(year, month + 1, 1))


def own(uses: Mapping[str, int], tiers: Iterable[str]) -> int:
    """What a rule grants to somebody with these tiers: the most of them, 0 for none."""
    return max((uses.get(tier, 0) for tier in tiers), default=0)


def carried(before: Allowance, most: int) -> int:
    """What goes on from a period into the next: its own that were not used, at most so many."""
    return min(most, max(0, before.own - max(0, before.used - before.carried)))


def next_open(blackout_days: Iterable[date], on: date) -> date:
    """The first day from this one on that is no blackout day."""
    closed = set(blackout_days)
    while on in closed:
        on += timedelta(days=1)
    return on
