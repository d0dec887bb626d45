"""E1 and E2: the share still there, month by month. A description, not a cause.

E2 (Simon & Makuch 1984): members count in the arm in which they are *at that time*; whoever redeems moves
over. E1: members are sorted by what they did in the end; kept to show that its curves part before anyone
could have redeemed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from admin.analytics.cox import LeavingTimes
from admin.analytics.histories import Bools, Floats, Histories, Ints
from admin.analytics.raw_gap import Z95


@dataclass(frozen=True)
class Curve:
    """One product-limit curve at 0 and at every time at which anybody of either arm left.

    `survival` with its 95 % band (Greenwood, log-log) is NaN after the last time at which the arm was in
    view; `at_risk` and `events` are counts; `until` is the last time at which somebody of the arm was in
    view.
    """

    time: Floats
    at_risk: Ints
    events: Ints
    survival: Floats
    low: Floats
    high: Floats
    until: float

    @property
    def fewest_at_risk(self) -> int:
        """The smallest risk set behind the curve; 0 for an arm nobody was ever in."""
        seen = self.at_risk[1:][~np.isnan(self.survival[1:])]
        return int(seen.min()) if len(seen) else 0

    def at(self, time: float) -> float:
        """Share still there at a time; NaN if nobody of the arm was in view so late."""
        if time > self.until:
            return float("nan")
        return float(self.survival[np.searchsorted(self.time, time, side="right") - 1])

    def mean_within(self, horizon: float) -> float:
        """Mean time still there within the horizon (RMST); NaN if nobody of the arm was in view so late."""
        if horizon > self.until:
            return float("nan")
        inside = self.time < horizon
        return float(np.sum(self.survival[inside] * np.diff(np.append(self.time[inside], horizon))))


def by_exposure(histories: Histories) -> tuple[Curve, Curve]:
    """Simon-Makuch: (exposed, unexposed) by the state at each time."""
    return _pair(histories, histories.exposed)


def by_ever(histories: Histories) -> tuple[Curve, Curve]:
    """Naive: (ever, never) by what members did in the end."""
    return _pair(histories, histories.ever[histories.member])


def _pair(histories: Histories, arm: Bools) -> tuple[Curve, Curve]:
    times = LeavingTimes.of(histories.start, histories.stop, histories.event)
    return _curve(histories, times, arm), _curve(histories, times, ~arm)


def _curve(histories: Histories, times: LeavingTimes, arm: Bools) -> Curve:
    at_risk = np.rint(times.at_risk(arm.astype(np.float64)))
    events = times.at_leaving(arm[times.leaving].astype(np.float64))
    until = float(histories.stop[arm].max()) if arm.any() else 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(at_risk > 0, events / at_risk, 0.0)
        survival = np.cumprod(1 - hazard)
        spread = np.cumsum(np.where(at_risk > 0, events / (at_risk * (at_risk - events)), 0.0))
        exponent = Z95 * np.sqrt(spread) / np.log(survival)
        # Before the first leaver the band has no width; after the last member left it has no meaning.
        low, high = (np.where(survival == 1, 1.0, survival ** np.exp(sign * exponent)) for sign in (-1, 1))
    seen = (times.times <= until) & arm.any()
    survival, low, high = (
        np.concatenate([[1.0 if arm.any() else np.nan], np.where(seen, part, np.nan)])
        for part in (survival, low, high)
    )
    return Curve(
        time=np.concatenate([[0.0], times.times]),
        at_risk=np.concatenate([[(arm & (histories.start == 0)).sum()], at_risk]).astype(np.int64),
        events=np.concatenate([[0], events]).astype(np.int64),
        survival=survival,
        low=low,
        high=high,
        until=until,
    )
