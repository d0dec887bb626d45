"""Which member-months begin a trial, in which arm, and with what weight.

A contrast compares those who redeem in a month (any kind, or one) with those who redeem nothing in it, among
members for whom both were possible.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from admin.analytics.follow import Followed
from admin.analytics.histories import Bools, Floats
from admin.analytics.person_months import NO_KIND, Ints64, PersonMonths
from admin.analytics.weights import Propensity

ANY = "any"
LEAST_CHANCE = 1e-9


@dataclass(frozen=True)
class Window:
    """The months in which trials begin, both included, and for how many months each is followed."""

    first: int
    last: int
    horizon: int


def widest(windows: list[Window]) -> Window | None:
    """A window in which all of these lie with their follow-up; None of none."""
    if not windows:
        return None
    first = min(one.first for one in windows)
    last = max(one.last for one in windows)
    end = max(one.last + one.horizon for one in windows)
    return Window(first, last, end - last)


@dataclass(frozen=True, eq=False)
class TrialRows:
    """The member-months of a window that begin a trial; one value per trial unless said otherwise.

    `chance` has one column per contrast ("any" first, then the kinds): the chance of its treated arm; `none` is that
    of no redemption. `able` says by contrast whether the trial belongs to it. `cumulated`, per row of the sample,
    is minus the logarithm of the chance of no redemption, summed over the rows so far.
    """

    sample: PersonMonths
    followed: Followed
    window: Window
    row: Ints64
    kind: Ints64
    able: Bools
    chance: Floats
    none: Floats
    cumulated: Floats

    @classmethod
    def of(
        cls,
        sample: PersonMonths,
        followed: Followed,
        propensity: Propensity,
        window: Window,
        washout: int | None,
        min_history: int,
    ) -> TrialRows:
        """Who is eligible, and the chances of what they did."""
        clean = followed.washed_out(washout)
        clean &= (sample.month >= window.first) & (sample.month < window.last + window.horizon)
        rows = np.flatnonzero(clean)
        chances, none = propensity.of_rows(sample, rows)
        cumulated = np.zeros(sample.rows)
        cumulated[rows] = -np.log(none)
        np.cumsum(cumulated, out=cumulated)
        begins = (sample.month[rows] <= window.last) & (followed.history[rows] >= min_history)
        able = np.ones((len(rows), 1 + len(sample.kinds)), dtype=np.bool_)
        for index, name in enumerate(sample.kinds):
            if name in sample.can:
                able[:, 1 + index] = sample.can[name][rows]
        able[:, 0] = able[:, 1:].any(axis=1)
        kind = sample.kind[rows].astype(np.int64)
        begins &= able[np.arange(len(rows)), 1 + kind]  # none (-1) reads the column of "any"
        kept = np.flatnonzero(begins)
        # A kind that nobody of the fitted sample redeemed has no chance; its own contrast is refused.
        each = np.maximum(chances[kept].astype(np.float64), LEAST_CHANCE)
        return cls(
            sample,
            followed,
            window,
            rows[kept],
            kind[kept],
            able[kept],
            np.column_stack([each.sum(axis=1), each]),
            none[kept].astype(np.float64),
            cumulated,
        )

    @property
    def contrasts(self) -> tuple[str, ...]:
        """Names of the comparisons: any kind first."""
        return (ANY, *self.sample.kinds)

    @cached_property
    def controls(self) -> Ints64:
        """Which trials redeem nothing."""
        return np.flatnonzero(self.kind == NO_KIND)

    def treated(self, contrast: int) -> Ints64:
        """Which trials redeem the kind of the contrast."""
        return np.flatnonzero(self.kind != NO_KIND if contrast == 0 else self.kind == contrast - 1)

    @cached_property
    def member(self) -> Ints64:
        """Whose trial it is."""
        return self.sample.member[self.row].astype(np.int64)

    @cached_property
    def bucket(self) -> Ints64:
        """The bucket by which intervals are drawn."""
        return self.sample.bucket[self.member].astype(np.int64)

    @cached_property
    def ahead(self) -> Ints64:
        """Months in view from the trial's month on, itself included."""
        return self.followed.ahead[self.row]

    @cached_property
    def leaves(self) -> Bools:
        """Whether the view ends because the member leaves."""
        return self.followed.leaves[self.row]

    @cached_property
    def patterns(self) -> tuple[Bools, Ints64]:
        """The different rows of `able` among controls, and which of them each control has."""
        if not len(self.controls):
            return np.zeros((1, self.able.shape[1]), dtype=np.bool_), self.controls
        bits = self.able[self.controls] @ (1 << np.arange(self.able.shape[1]))
        seen, where = np.unique(bits, return_inverse=True)
        table = (seen[:, None] >> np.arange(self.able.shape[1])) & 1
        return table.astype(np.bool_), where.astype(np.int64)

    def kept_weights(self, caps: Floats | None, lag: int) -> Iterator[tuple[Ints64, Floats]]:
        """Month by month of follow-up: which controls have still redeemed nothing, and their weights.

        A weight is 1 over the chance of having redeemed nothing in the trial's month and in every later one up to
        this (with a lag: up to the one before, for a redemption in the month of leaving is not known then); cut at
        the month's cap.
        """
        controls = self.controls
        rows = self.row[controls]
        months = np.minimum(self.ahead[controls], self.followed.until_redeemed[rows] + lag)
        most = self.window.horizon + 1
        months = np.minimum(months, most).astype(np.int16)
        order = np.argsort(-months, kind="stable")
        months, rows = months[order], rows[order]
        first = self.cumulated[rows] + np.log(self.none[controls][order])
        counts = len(months) - np.cumsum(np.bincount(months, minlength=most + 1))
        for month in range(most):
            size = counts[month]
            weight = np.exp(self.cumulated[rows[:size] + max(month - lag, 0)] - first[:size])
            if caps is not None:
                np.minimum(weight, caps[month], out=weight)
            yield order[:size], weight


@dataclass(frozen=True, eq=False)
class Arms:
    """Both arms of the trials of a window, with the weights that make them alike, cut at `caps` (contrasts x arms).

    Weights are reckoned once, for many sums ask for them.
    """

    trials: TrialRows
    caps: Floats

    @cached_property
    def control(self) -> Floats:
        """The weights of `trials.controls`."""
        return np.asarray(np.minimum(1 / self.trials.none[self.trials.controls], self.caps[0, 1]))

    @cached_property
    def treated(self) -> list[tuple[Ints64, Floats]]:
        """By contrast, the trials that redeem and their weights."""
        rows = [self.trials.treated(contrast) for contrast in range(len(self.trials.contrasts))]
        return [
            (mine, np.minimum(1 / self.trials.chance[mine, contrast], self.caps[contrast, 0]))
            for contrast, mine in enumerate(rows)
        ]
