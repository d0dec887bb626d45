"""The refuse rules of the trials: which of them the sums break, by contrast."""

from __future__ import annotations

from collections.abc import Mapping

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


def refusals(sums: Sums, models: Models, contrast: int, options: Options, last_month: int) -> list[Reason]:
    """Why a contrast's intention-to-treat estimate must not be given; empty if it may."""
    n = sums.total["n"][contrast]
    if n.min() == 0:
        return [Reason("one_arm_empty", 0, 1)]
    name = models.contrasts[contrast]
    found = []
    if sums.total["leavers"][contrast, 0] < FEWEST_TREATED_LEAVERS:
        found.append(
            Reason("few_treated_leavers", int(sums.total["leavers"][contrast, 0]), FEWEST_TREATED_LEAVERS)
        )
    if n[0] < FEWEST_TREATED_TRIALS:
        found.append(Reason("few_treated_trials", int(n[0]), FEWEST_TREATED_TRIALS))
    effective = effective_sample(sums, contrast) / n
    if effective.min() < LEAST_EFFECTIVE_SHARE:
        found.append(Reason("low_effective_sample", float(effective.min()), LEAST_EFFECTIVE_SHARE))
    differences = balance(sums, models, contrast)[1]
    worst = max((abs(value) for value in differences.values()), default=0.0)
    if worst > MOST_IMBALANCE:
        found.append(Reason("imbalance", worst, MOST_IMBALANCE))
    heaviest = heaviest_share(sums, contrast)
    if heaviest > HEAVIEST_SHARE:
        found.append(Reason("heavy_weight", heaviest, HEAVIEST_SHARE))
    if models.median[name] < RAREST_EXPOSURE:
        found.append(Reason("rare_exposure", models.median[name], RAREST_EXPOSURE))
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
    square = sums.total["square"][contrast]
    return np.where(square > 0, sums.total["weight"][contrast] ** 2 / np.where(square > 0, square, 1), 0.0)


def heaviest_share(sums: Sums, contrast: int) -> float:
    """The largest part of its arm's weight that one trial holds."""
    weight = sums.total["weight"][contrast]
    return float((sums.most["heaviest"][contrast] / np.where(weight > 0, weight, np.inf)).max())


def balance(sums: Sums, models: Models, contrast: int) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Standardised differences of what was known before, by name: plain, and weighted."""
    names = next(iter(models.by_washout.values())).terms.names
    n = sums.total["n"][contrast][:, None]
    mean = sums.total["balance_plain"][contrast] / n
    spread = np.maximum(sums.total["balance_squares"][contrast] / n - mean**2, 0.0)
    weighted = sums.total["balance_weighted"][contrast] / sums.total["weight"][contrast][:, None]
    return (
        standardised_differences(mean[0], mean[1], spread[0], spread[1], names),
        standardised_differences(weighted[0], weighted[1], spread[0], spread[1], names),
    )
