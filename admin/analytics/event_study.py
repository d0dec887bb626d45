"""What both arms used month by month before a trial began: alike, if weights did what they are for.

Before a redemption nobody can have left, for who had left could not redeem; so the months before show what members
did, not whether they stayed. Weights see the month's opening alone: that the months before agree as well is no matter
of course, and where they do not, the arms were under way to different ends. After the redemption only those who are
still there use anything, and redeeming may have chosen them: what they use is not compared. Who left in which month is,
of all who began, so that the months add up to the effect.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from admin.analytics.cuts import USED
from admin.analytics.histories import Bools, Floats
from admin.analytics.person_months import BUCKETS, Ints64, PersonMonths
from admin.analytics.trial_rows import Arms
from admin.analytics.weights import Terms

BEFORE = 6
POINTS = "balance"
MONTHS = tuple(range(-BEFORE, 1))  # 0 is the opening of the trial's own month


def measures(sample: PersonMonths) -> tuple[str, ...]:
    """What tells of a member's doings in these records: of the bill or the use, and of points."""
    used = [name for name in USED if name in sample.covariates][:1]
    return (*used, *(name for name in (POINTS,) if name in sample.covariates))


def sums(arms: Arms, names: Sequence[str], terms: Terms) -> dict[str, Floats]:
    """Weighted sums by bucket, contrast, arm and month before: of trials ("before_weight", "before_n") and of each measure."""
    trials = arms.trials
    shape = (BUCKETS, len(trials.contrasts), 2, len(MONTHS))
    total = {name: np.zeros(shape) for name in ("before_weight", *(f"before:{one}" for one in names))}
    total["before_n"] = np.zeros(shape[1:])
    values = [_standardised(trials.sample, name, terms) for name in names]
    bucket = trials.bucket % BUCKETS

    def add(rows: Ints64, weight: Floats, arm: int, pattern: Ints64, table: Bools) -> None:
        kinds, size = table.astype(np.float64), BUCKETS * len(table)
        cell = bucket[rows] * len(table) + pattern
        for nth, month in enumerate(MONTHS):
            earlier = trials.row[rows] + month
            known = np.flatnonzero(_same_run(trials.sample, earlier, -month))
            cells, weights = cell[known], weight[known]
            total["before_n"][:, arm, nth] += np.bincount(pattern[known], minlength=len(table)) @ kinds
            by_name = {"before_weight": weights} | {
                f"before:{name}": weights * column[earlier[known]]
                for name, column in zip(names, values, strict=True)
            }
            for name, one in by_name.items():
                by_cell = np.bincount(cells, one, size).reshape(BUCKETS, len(table))
                total[name][:, :, arm, nth] += by_cell @ kinds

    table, pattern = trials.patterns
    add(trials.controls, arms.control, 1, pattern, table)
    for contrast, (rows, weight) in enumerate(arms.treated):
        mine = np.arange(len(trials.contrasts))[None] == contrast
        add(rows, weight, 0, np.zeros(len(rows), dtype=np.int64), mine)
    return total


def _standardised(sample: PersonMonths, name: str, terms: Terms) -> Floats:
    place = terms.names.index(name)
    values = sample.covariates[name].astype(np.float64)
    return np.asarray((values - terms.centre[place]) / terms.scale[place])


def _same_run(sample: PersonMonths, earlier: Ints64, months: int) -> Bools:
    """Whether so many months before a row the same member was in view; `earlier` are the places of those months."""
    there, later = np.maximum(earlier, 0), earlier + months
    same = sample.member[there] == sample.member[later]
    return np.asarray((earlier >= 0) & same & (sample.month[later] - sample.month[there] == months))
