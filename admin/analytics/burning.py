"""How points of an age are spent, and so how many of those that are there will lapse. Pure.

The burn hazard of an age in months is the share of the points live at the opening of a month that is redeemed in it, by
class of points, over the last 24 months. What is expected to lapse of a lot is the product of what is not burnt at each
age until its last day. Buckets of members are what the interval draws by.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admin.analytics.money import HIGH, LOW, bucket_draws
from points import lots

Floats = NDArray[np.float64]
BUCKETS = 200
MONTHS = 24
DRAWS, SEED = 400, 1
FEWEST_POINTS = 1  # an age at which nothing was ever live says nothing


@dataclass(frozen=True, slots=True)
class Flow:
    """Points of members of a bucket, of a class and an issue month, over a month: given, burnt, gone otherwise.

    Months are counted on one calendar, year * 12 + month - 1. `given` is net of nothing; what a redemption that was
    undone gave back is taken off `burnt`, which may therefore be below zero.
    """

    bucket: int
    lot_class: int
    issued: int
    month: int
    given: int
    burnt: int
    gone: int


@dataclass(frozen=True, eq=False)
class Burn:
    """By class: points live at the opening of a month at each age, and points burnt, of shape (buckets, ages)."""

    live: Mapping[int, Floats]
    burnt: Mapping[int, Floats]

    def hazards(self, lot_class: int, draws: Floats | None = None) -> Floats:
        """The burn hazard of each age, a row a draw (without draws one row: everybody).

        An age of which nothing is known is as the nearest younger one; a class without any history never burns.
        """
        live, burnt = self.live.get(lot_class), self.burnt.get(lot_class)
        if live is None or burnt is None:
            return np.zeros((1 if draws is None else len(draws), 1))
        weights = np.ones((1, len(live))) if draws is None else draws
        below, above = weights @ live, weights @ burnt
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.clip(above / below, 0.0, 1.0)
        return _carried(np.where(below >= FEWEST_POINTS, found, np.nan))

    def known(self, lot_class: int) -> bool:
        """Whether there is any history of a class."""
        return bool(self.live.get(lot_class, np.zeros(1)).any())

    def to_facts(self) -> dict[str, Any]:
        """As it is kept: by class the rows of buckets, whole points."""
        return {
            str(lot_class): [
                [[int(n) for n in row] for row in table.tolist()]
                for table in (self.live[lot_class], self.burnt[lot_class])
            ]
            for lot_class in sorted(self.live)
        }


def from_facts(facts: Mapping[str, Any]) -> Burn:
    """What `to_facts` kept."""
    tables = {int(name): [np.array(rows, float) for rows in pair] for name, pair in facts.items()}
    return Burn(
        {name: pair[0] for name, pair in tables.items()}, {name: pair[1] for name, pair in tables.items()}
    )


def burn(flows: Iterable[Flow], month: int, months: int = MONTHS) -> Burn:
    """Hazards' sums over the whole months before `month`, so many of them, at most as far back as there are flows."""
    chains: dict[tuple[int, int, int], dict[int, list[int]]] = defaultdict(
        lambda: defaultdict(lambda: [0, 0, 0])
    )
    for flow in flows:
        numbers = chains[flow.bucket, flow.lot_class, flow.issued][flow.month]
        for at, value in enumerate((flow.given, flow.burnt, flow.gone)):
            numbers[at] += value
    found: dict[str, dict[int, dict[tuple[int, int], list[int]]]] = {"sums": defaultdict(dict)}
    for (bucket, lot_class, issued), by_month in chains.items():
        for age, live, burnt in _followed(by_month, issued, month - months, month):
            pair = found["sums"][lot_class].setdefault((bucket, age), [0, 0])
            pair[0] += live
            pair[1] += burnt
    return _tables(found["sums"])


def _followed(
    by_month: Mapping[int, Sequence[int]], issued: int, first: int, end: int
) -> Iterable[tuple[int, int, int]]:
    """Age, points live at the opening and points burnt of each month from the first one on, before `end`.

    In the month of issue nothing is live at the opening: what was given in it stands for that.
    """
    live = 0
    for month in sorted({*by_month, *range(max(first, issued), end)}):
        if month >= end:
            return
        given, burnt, gone = by_month.get(month, (0, 0, 0))
        opening = given if month <= issued else live
        if month >= first and opening > 0:
            yield max(month - issued, 0), opening, min(max(burnt, 0), opening)
        live += given - burnt - gone


def _tables(sums: Mapping[int, Mapping[tuple[int, int], Sequence[int]]]) -> Burn:
    live: dict[int, Floats] = {}
    burnt: dict[int, Floats] = {}
    for lot_class, pairs in sums.items():
        ages = max(age for _, age in pairs) + 1
        live[lot_class], burnt[lot_class] = np.zeros((BUCKETS, ages)), np.zeros((BUCKETS, ages))
        for (bucket, age), (opening, spent) in pairs.items():
            live[lot_class][bucket, age] = opening
            burnt[lot_class][bucket, age] = spent
    return Burn(live, burnt)


def _carried(hazards: Floats) -> Floats:
    """Gaps filled from the left, a gap at the left with 0."""
    filled = hazards.copy()
    filled[:, 0] = np.where(np.isnan(filled[:, 0]), 0.0, filled[:, 0])
    for age in range(1, filled.shape[1]):
        filled[:, age] = np.where(np.isnan(filled[:, age]), filled[:, age - 1], filled[:, age])
    return filled


def not_burnt(hazards: Floats, issued: int, on: date, last_day: date) -> Floats:
    """The share of points of an issue month, live at the end of a day, that is never burnt until their last day.

    A value a draw. A month of which only some days are left counts in proportion. Points without an end never lapse: 0.
    """
    if last_day >= lots.NO_END:
        return np.zeros(len(hazards))
    with np.errstate(divide="ignore"):
        kept = np.log1p(-hazards)
    total = np.zeros(len(hazards))
    for month, share in _months_left(on, last_day):
        age = min(max(month - issued, 0), hazards.shape[1] - 1)
        total += share * kept[:, age]
    return np.exp(total)


def _months_left(on: date, last_day: date) -> Iterable[tuple[int, float]]:
    """The months after a day until another (included), each with the share of its days that lies between."""
    at = on + timedelta(days=1)
    while at <= last_day:
        length = monthrange(at.year, at.month)[1]
        end = min(date(at.year, at.month, length), last_day)
        yield month_of(at), ((end - at).days + 1) / length
        at = end + timedelta(days=1)


def month_of(day: date) -> int:
    """The month of a day on the common calendar."""
    return day.year * 12 + day.month - 1


def month_text(month: int) -> str:
    """A month of the common calendar as YYYY-MM."""
    return f"{month // 12}-{month % 12 + 1:02d}"


def draws_of() -> Floats:
    """The draws of the buckets that every interval here stands on."""
    return bucket_draws(BUCKETS, DRAWS, SEED)


def interval(values: Floats) -> list[int]:
    """The middle 95 % of the draws, in whole numbers."""
    return [round(float(end)) for end in np.percentile(values, [LOW, HIGH])]
