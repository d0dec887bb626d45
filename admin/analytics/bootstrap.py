"""Intervals by drawing buckets of members: each counts as often as a Poisson variable with mean 1 says.

The first draw is the data as they are (every bucket once), so that a point estimate and its draws come from one
computation. Weights are not fitted again per draw.
"""

from __future__ import annotations

import numpy as np

from admin.analytics.histories import Floats

LOW, HIGH = 2.5, 97.5


def draws_of(buckets: int, draws: int, seed: int) -> Floats:
    """(1 + draws) x buckets: how often each bucket counts; row 0 counts each once."""
    random = np.random.Generator(np.random.PCG64(seed))
    found = np.ones((1 + draws, buckets), dtype=np.float64)
    found[1:] = random.poisson(1.0, (draws, buckets))
    return found


def drawn(counts: Floats, sums: Floats) -> Floats:
    """The sums (buckets x ...) added up under every draw: draws x ..."""
    flat = sums.reshape(len(sums), -1)
    return np.asarray((counts @ flat).reshape(len(counts), *sums.shape[1:]))


def interval(values: Floats) -> tuple[float, float]:
    """The 95 % interval of a figure from its draws (the point estimate, first, is not one of them)."""
    if not np.isfinite(values).all() or len(values) < 3:
        return float("nan"), float("nan")
    low, high = np.percentile(values[1:], [LOW, HIGH])
    return float(low), float(high)


def standard_error(values: Floats) -> float:
    """The spread of a figure over its draws."""
    return float(np.std(values[1:], ddof=1)) if len(values) > 2 else float("nan")
