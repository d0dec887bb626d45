"""E0, the raw gap: how those who ever redeemed differ from those who never did. Not an effect."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from admin.analytics.histories import Bools, Floats, Histories
from admin.analytics.refusals import Reason

LABEL = {"en": "raw gap - not an effect", "zh": "原始差距——不是效果"}
CAUTION = {
    "en": (
        "Members who stay longer have more months in which to redeem, and keen members both redeem more "
        "and leave less: such a gap appears even where redeeming changes nothing."
    ),
    "zh": (
        "在网越久的会员越有机会兑换，而且活跃的会员既兑换得多、又离网得少："
        "即使兑换毫无作用，也会出现这样的差距。"
    ),
}
Z95 = NormalDist().inv_cdf(0.975)

Interval = tuple[float, float]


@dataclass(frozen=True)
class RawGap:
    """Shares 0..1; differences are redeemed minus not redeemed (pp, and time in the file's unit).

    None where an arm is empty, or (tenure_interval) where one has a single member.
    """

    n_ever: int
    n_never: int
    left_ever: float | None
    left_never: float | None
    difference_pp: float | None
    interval_pp: Interval | None
    tenure_ever: float | None
    tenure_never: float | None
    tenure_difference: float | None
    tenure_interval: Interval | None
    reasons: tuple[Reason, ...]


def raw_gap(histories: Histories) -> RawGap:
    """Share that left (Wald interval) and mean tenure (Welch interval), ever against never redeemed, 95 %."""
    return _between(histories, histories.ever)


def by_kind(histories: Histories, of_kind: Mapping[str, Bools]) -> dict[str, RawGap]:
    """The same by kind: who ever redeemed it, whatever else they redeemed, against who never redeemed anything.

    `of_kind` says by kind and member who did. All kinds are held against the same members, so that they compare; what
    was redeemed before the records begin is of no known kind and counts for none.
    """
    return {name: _between(histories, mine) for name, mine in of_kind.items()}


def _between(histories: Histories, ever: Bools) -> RawGap:
    never = ~histories.ever
    left, tenure = histories.left.astype(np.float64), histories.tenure
    n = len(left[ever]), len(left[never])
    shares, means = (_mean(left[ever]), _mean(left[never])), (_mean(tenure[ever]), _mean(tenure[never]))
    reasons = [Reason("not_an_effect")]
    if min(n) == 0:
        reasons = [Reason("one_arm_empty", 0, 1)]
    if late := int((histories.first_start > 0).sum()):
        reasons.append(Reason("late_entry", late, 0))
    p, q = shares
    a, b = means
    difference = None if p is None or q is None else 100 * (p - q)
    longer = None if a is None or b is None else a - b
    return RawGap(
        *n,
        *shares,
        difference,
        None if difference is None else wald(difference, p or 0.0, n[0], q or 0.0, n[1]),
        *means,
        longer,
        None if longer is None else welch(tenure[ever], tenure[never]),
        tuple(reasons),
    )


def wald(difference_pp: float, p: float, n: int, q: float, m: int) -> Interval:
    """95 % interval of a difference of two shares, in percentage points."""
    half = 100 * Z95 * math.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    return difference_pp - half, difference_pp + half


def welch(a: Floats, b: Floats) -> Interval | None:
    """95 % interval of mean(a) - mean(b) for unequal variances; None if either has fewer than two values.

    Source: Welch 1947, degrees of freedom after Satterthwaite.
    """
    if min(len(a), len(b)) < 2:
        return None
    difference = float(a.mean() - b.mean())
    u, v = float(a.var(ddof=1)) / len(a), float(b.var(ddof=1)) / len(b)
    if u + v == 0:
        return difference, difference
    freedom = (u + v) ** 2 / (u**2 / (len(a) - 1) + v**2 / (len(b) - 1))
    half = t_quantile(freedom) * math.sqrt(u + v)
    return difference - half, difference + half


def t_quantile(freedom: float) -> float:
    """The 97.5 % point of Student's t: the x at which half of 95 % of the density lies between 0 and x."""
    if freedom > 1e6:
        return Z95
    peak = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)
    # With x = sqrt(f) tan(u) the density becomes cos(u)^(f - 1): smooth on a finite stretch (Simpson's rule).
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        u = np.linspace(0, middle, 4001)
        values = np.cos(u) ** (freedom - 1)
        area = (values[0] + 4 * values[1::2].sum() + 2 * values[2:-1:2].sum() + values[-1]) * u[1] / 3
        low, high = (middle, high) if peak * math.sqrt(freedom) * area < 0.475 else (low, middle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None
