"""What members of both arms spent in the months after a trial began: fen or points, later redemptions too."""

from __future__ import annotations

import numpy as np

from admin.analytics.histories import Floats
from admin.analytics.person_months import Ints64
from admin.analytics.trial_rows import Arms


def sums(arms: Arms, amounts: Ints64, buckets: int) -> Floats:
    """Weighted sums of what was spent in each month of follow-up, by bucket, contrast and arm."""
    trials = arms.trials
    months, size = trials.window.horizon, len(trials.contrasts)
    found = np.zeros((buckets, size, 2, months))
    place = np.full(trials.sample.rows, -1, dtype=np.int64)
    place[trials.row] = np.arange(len(trials.row))
    table, pattern = trials.patterns
    weight, of_pattern = np.zeros(len(trials.row)), np.full(len(trials.row), -1)
    weight[trials.controls], of_pattern[trials.controls] = arms.control, pattern
    own = np.zeros((size, len(trials.row)))
    for index, (rows, mine) in enumerate(arms.treated):
        own[index, rows] = mine
    paid = np.flatnonzero(amounts)
    for month in range(months):
        begun = paid - month
        inside = (begun >= 0) & (place[np.maximum(begun, 0)] >= 0)
        trial = place[begun[inside]]
        still = trials.ahead[trial] > month
        trial, spent = trial[still], amounts[paid[inside][still]].astype(np.float64)
        here = of_pattern[trial] >= 0
        other, cell = trial[here], trials.bucket[trial[here]] * len(table) + of_pattern[trial[here]]
        cells = np.bincount(cell, weight[other] * spent[here], buckets * len(table))
        found[:, :, 1, month] = cells.reshape(buckets, -1) @ table.astype(np.float64)
        trial, spent = trial[~here], spent[~here]
        for index in range(size):
            found[:, index, 0, month] = np.bincount(trials.bucket[trial], own[index, trial] * spent, buckets)
    return found
