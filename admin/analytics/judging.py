"""The refuse rules of the trials: which of them the sums break, by contrast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from admin.analytics.histories import Floats
from admin.analytics.protocol import Options
from admin.analytics.refusals import (
    FEWEST_TREATED_LEAVERS,
    FEWEST_TREATED_TRIALS,
    HEAVIEST_SHARE,
    LEAST_EFFECTIVE_SHARE,
    MONTHS_AFTER_CHANGE,
    MOST_IMBALANCE,
    RAREST_EXPOSURE,
    Reason,
)
from admin.analytics.trials import Models, Sums
from admin.analytics.weights import standardised_differences

ARMS = ("treated", "control")


@dataclass(frozen=True, eq=False)
class ArmFacts:
    """Of both arms: trials, leavers, weights, their squares, and the heaviest of them."""

    n: Floats
    leavers: Floats
    weight: Floats
    square: Floats
    heaviest: Floats

    @property
    def effective(self) -> Floats:
        """(sum of weights)^2 / sum of squared weights."""
        return np.where(self.square > 0, self.weight**2 / np.where(self.square > 0, self.square, 1), 0.0)

    @property
    def heaviest_share(self) -> float:
        """The largest part of its arm's weight that one trial holds."""
        return float((self.heaviest / np.where(self.weight > 0, self.weight, np.inf)).max())


def refusals(sums: Sums, models: Models, contrast: int, options: Options, last_month: int) -> list[Reason]:
    """Why a contrast's intention-to-treat estimate must not be given; empty if it may."""
    arms = facts(sums, contrast)
    if arms.n.min() == 0:
        return [Reason("one_arm_empty", 0, 1)]
    name = models.contrasts[contrast]
    return broken(arms, balance(sums, models, contrast)[1], models.median[name], name, options, last_month)


def facts(sums: Sums, contrast: int) -> ArmFacts:
    """What the rules ask of both arms of a contrast."""
    n, leavers, weight, square = (sums.total[name][contrast] for name in ("n", "leavers", "weight", "square"))
    return ArmFacts(n, leavers, weight, square, sums.most["heaviest"][contrast])


def broken(
    arms: ArmFacts,
    differences: Mapping[str, float],
    median: float,
    name: str,
    options: Options,
    last_month: int,
) -> list[Reason]:
    """The rules that two arms break, neither of them empty: of a contrast, or of a part of its members."""
    found = []
    if arms.leavers[0] < FEWEST_TREATED_LEAVERS:
        found.append(Reason("few_treated_leavers", int(arms.leavers[0]), FEWEST_TREATED_LEAVERS))
    if arms.n[0] < FEWEST_TREATED_TRIALS:
        found.append(Reason("few_treated_trials", int(arms.n[0]), FEWEST_TREATED_TRIALS))
    effective = arms.effective / arms.n
    if effective.min() < LEAST_EFFECTIVE_SHARE:
        found.append(Reason("low_effective_sample", float(effective.min()), LEAST_EFFECTIVE_SHARE))
    worst = max((abs(value) for value in differences.values()), default=0.0)
    if worst > MOST_IMBALANCE:
        found.append(Reason("imbalance", worst, MOST_IMBALANCE))
    if arms.heaviest_share > HEAVIEST_SHARE:
        found.append(Reason("heavy_weight", arms.heaviest_share, HEAVIEST_SHARE))
    if median < RAREST_EXPOSURE:
        found.append(Reason("rare_exposure", median, RAREST_EXPOSURE))
    changes = [options.changed[name]] if name in options.changed else []
    if changes and last_month - max(changes) < MONTHS_AFTER_CHANGE:
        found.append(Reason("recent_rule_change", last_month - max(changes), MONTHS_AFTER_CHANGE))
    return found


def refusals_per_protocol(sums: Sums, contrast: int, months: slice) -> list[Reason]:
    """Further reasons not to follow controls "without a redemption": whether enough of them are left, each of the
    months of follow-up.
    """
    n, seen = sums.total["kept_n"][contrast, months], sums.total["kept_seen"][:, contrast, months].sum(axis=0)
    if n.min() == 0:
        return [Reason("one_arm_empty", 0, 1)]
    found = []
    effective = float((seen**2 / sums.total["kept_square"][contrast, months] / n).min())
    if effective < LEAST_EFFECTIVE_SHARE:
        found.append(Reason("low_effective_sample", effective, LEAST_EFFECTIVE_SHARE))
    heaviest = float((sums.most["kept_heaviest"][contrast, months] / seen).max())
    if heaviest > HEAVIEST_SHARE:
        found.append(Reason("heavy_weight", heaviest, HEAVIEST_SHARE))
    return found


def effective_sample(sums: Sums, contrast: int) -> Floats:
    """(sum of weights)^2 / sum of squared weights, by arm."""
    return facts(sums, contrast).effective


def heaviest_share(sums: Sums, contrast: int) -> float:
    """The largest part of its arm's weight that one trial holds."""
    return facts(sums, contrast).heaviest_share


def balance(sums: Sums, models: Models, contrast: int) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Standardised differences of what was known before, by name: plain, and weighted."""
    mean = sums.total["balance_plain"][contrast] / sums.total["n"][contrast][:, None]
    weighted = sums.total["balance_weighted"][contrast] / sums.total["weight"][contrast][:, None]
    spread = spreads(sums, contrast)
    return apart(models, mean, spread), apart(models, weighted, spread)


def spreads(sums: Sums, contrast: int) -> Floats:
    """The variance of what was known before, by arm."""
    n = sums.total["n"][contrast][:, None]
    mean = sums.total["balance_plain"][contrast] / n
    return np.asarray(np.maximum(sums.total["balance_squares"][contrast] / n - mean**2, 0.0))


def apart(models: Models, means: Floats, spread: Floats) -> Mapping[str, float]:
    """How far two arms' means lie apart in standard deviations, by name."""
    names = next(iter(models.by_washout.values())).terms.names
    return standardised_differences(means[0], means[1], spread[0], spread[1], names)
