"""E4, landmarks: of those still there after m months, do those who had redeemed by then leave less afterwards?

Source: Anderson, Cain & Gelber 1983. Nobody is sorted by what came after m, so unequal time plays no part; choice
does, as far as the weights do not take it out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from admin.analytics import cox
from admin.analytics.cox import Comparison, NoFiniteAnswer
from admin.analytics.histories import Bools, Floats, Histories, Ints, of_rows
from admin.analytics.raw_gap import Z95, Interval
from admin.analytics.refusals import FEWEST_TREATED_LEAVERS, Reason
from admin.analytics.weights import logistic, truncated


@dataclass(frozen=True)
class Landmark:
    """One landmark: counts, risks within the horizon after it (shares), the difference plain and weighted (pp).

    `interval_pp` belongs to the weighted difference where there is one, else to the plain one.
    """

    at: float
    n: int
    n_exposed: int
    risk_exposed: float | None
    risk_unexposed: float | None
    difference_pp: float | None
    weighted_difference_pp: float | None
    interval_pp: Interval | None
    cox: Comparison | None
    refused: tuple[Reason, ...] = ()
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class _Sample:
    """Who is in view at the landmark, one value a member: exposed by then, until when seen after it, left then."""

    exposed: Bools
    stop: Floats
    event: Bools
    covariates: dict[str, Floats]


def landmark(
    histories: Histories, at: float, horizon: float, *, fewest_leavers: int = FEWEST_TREATED_LEAVERS
) -> Landmark:
    """Exposed = redeemed at or before `at`; outcome within `horizon` after it, in the unit of the histories."""
    sample = _sample(histories, at)
    n, exposed = len(sample.exposed), int(sample.exposed.sum())
    if exposed in (0, n):
        refused = (Reason("one_arm_empty", min(exposed, n - exposed), 1),)
        return Landmark(at, n, exposed, None, None, None, None, None, None, refused)
    leavers = int((sample.event & sample.exposed & (sample.stop <= at + horizon)).sum())
    if leavers < fewest_leavers:
        refused = (Reason("few_treated_leavers", leavers, fewest_leavers),)
        return Landmark(at, n, exposed, None, None, None, None, None, None, refused)
    if sample.stop[sample.exposed].max() < at + horizon or sample.stop[~sample.exposed].max() < at + horizon:
        refused = (Reason("short_follow_up", float(sample.stop.max() - at), horizon),)
        return Landmark(at, n, exposed, None, None, None, None, None, None, refused)
    return _compared(sample, at, horizon, fewest_leavers)


def _compared(sample: _Sample, at: float, horizon: float, fewest_leavers: int) -> Landmark:
    n = len(sample.exposed)
    plain = _difference(sample, at + horizon, np.ones(n))
    reasons: list[Reason] = []
    weighted = None
    if sample.covariates:
        try:
            weighted = _difference(sample, at + horizon, _weights(sample))
        except NoFiniteAnswer as error:
            reasons.append(Reason(error.args[0]))
    headline = weighted or plain
    half = Z95 * headline[3]
    return Landmark(
        at,
        n,
        int(sample.exposed.sum()),
        plain[0],
        plain[1],
        plain[2],
        None if weighted is None else weighted[2],
        (headline[2] - half, headline[2] + half),
        cox.time_varying(_from(sample, at), fewest_leavers=fewest_leavers),
        (),
        tuple(reasons),
    )


def _sample(histories: Histories, at: float) -> _Sample:
    """Members in view right after `at`, each followed as long as its rows go on without a gap."""
    here = np.flatnonzero((histories.start <= at) & (histories.stop > at))
    same = histories.member[1:] == histories.member[:-1]
    goes_on = same & (histories.start[1:] == histories.stop[:-1])
    ends = np.flatnonzero(~np.append(goes_on, False))
    run = np.cumsum(np.concatenate([[0], ~goes_on]))[: histories.rows]
    end = ends[run[here]]
    return _Sample(
        histories.exposed[here],
        histories.stop[end],
        histories.event[end],
        {name: values[here] for name, values in histories.covariates.items()},
    )


def _weights(sample: _Sample) -> Floats:
    """1 over the chance of the own arm, cut within the arm at the 99.9th percentile."""
    columns = np.column_stack(list(sample.covariates.values()))
    spread = columns.std(axis=0)
    columns = (columns - columns.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    squares = [column**2 for column in columns.T if len(np.unique(column)) > 2]
    x = np.column_stack([np.ones(len(columns)), columns, *squares])
    chance = logistic(x, sample.exposed, ridge=np.append(0.0, np.full(x.shape[1] - 1, 1e-4))).fitted
    weight = 1 / np.where(sample.exposed, chance, 1 - chance)
    for arm in (sample.exposed, ~sample.exposed):
        weight[arm] = truncated(weight[arm])[0]
    return weight


def _difference(sample: _Sample, until: float, weight: Floats) -> tuple[float, float, float, float]:
    """Weighted risks of both arms, their difference in pp and its standard error (members, weights as given)."""
    parts = [_risk(sample, arm, until, weight) for arm in (sample.exposed, ~sample.exposed)]
    (one, first), (other, second) = parts
    return one, other, 100 * (one - other), 100 * math.sqrt(first + second)


def _risk(sample: _Sample, arm: Bools, until: float, weight: Floats) -> tuple[float, float]:
    """1 - the weighted product-limit curve at `until`, and its variance by influence of each member."""
    stop, event, w = sample.stop[arm], sample.event[arm] & (sample.stop[arm] <= until), weight[arm]
    times = np.unique(stop[event])
    if not len(times):
        return 0.0, 0.0
    last = np.searchsorted(times, stop, side="right") - 1
    size = len(times) + 1
    at_risk = np.cumsum(np.bincount(last + 1, w, size)[::-1])[::-1][1:]
    left = np.bincount(last[event], w[event], len(times))
    hazard = left / at_risk
    stay = np.prod(1 - hazard)
    share = 1 / (at_risk * np.maximum(1 - hazard, 1e-12))
    exposed_to = np.append(0.0, np.cumsum(hazard * share))[last + 1]
    own = np.zeros(len(stop))
    own[event] = share[last[event]]
    influence = stay * w * (own - exposed_to)
    return float(1 - stay), float(np.sum(influence**2))


def _from(sample: _Sample, at: float) -> Histories:
    """Everybody from the landmark on, in the arm they were in there."""
    members: Ints = np.arange(len(sample.exposed))
    made = of_rows(
        members,
        np.full(len(members), at),
        sample.stop,
        sample.event,
        sample.exposed,
        covariates=sample.covariates,
    )
    varying = {name: values for name, values in made.covariates.items() if values.std() > 0}
    return replace(made, covariates=varying)
