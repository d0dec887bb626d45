"""E3: who leaves sooner, month by month? Cox regression with an exposure that begins at the redemption.

Partial likelihood with Efron's ties (Efron 1977), late entry, Newton's method. `se` comes from the
information matrix, `se_robust` from the members' summed score residuals (Lin & Wei 1989). Every sum over the
members at risk is a running sum over the distinct leaving times, so the cost is a few passes over the rows
per step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from admin.analytics import products
from admin.analytics.histories import Bools, Floats, Histories, Ints
from admin.analytics.raw_gap import Z95
from admin.analytics.refusals import FEWEST_TREATED_LEAVERS, Reason

MOST_STEPS = 50
SMALL_STEP = 1e-9
SAME_FOR_ALL = 1e-8  # of a covariate's variance, what rounding may leave within those at risk together
FAR_OUT = 12.0  # log hazard per standard deviation beyond which only separation leads


class NoFiniteAnswer(ArithmeticError):
    """The likelihood has no maximum that can be named; args[0] is the code of the reason."""


@dataclass(frozen=True)
class Fit:
    """Coefficients (log hazard ratios) with both standard errors, in the order of the columns."""

    coef: Floats
    se: Floats
    se_robust: Floats
    log_likelihood: float


@dataclass(frozen=True)
class Term:
    """One coefficient; the interval of the hazard ratio is the 95 % one from `se_robust`."""

    coef: float
    se: float
    se_robust: float

    @property
    def hr(self) -> float:
        """Hazard ratio: leaving per month of the exposed over that of the unexposed in the same month."""
        return math.exp(self.coef)

    @property
    def hr_interval(self) -> tuple[float, float]:
        """95 % interval of the hazard ratio."""
        half = Z95 * self.se_robust
        return math.exp(self.coef - half), math.exp(self.coef + half)


@dataclass(frozen=True)
class Comparison:
    """Exposed against unexposed, alone and with covariates (`adjusted` by name, the exposure as "exposed").

    A covariate that follows from the time alone is left out: those at risk together never differ in it.
    `n` members, `events` leavers, of them `exposed_events` while exposed. `exposed` is None where `refused`
    says why; `adjusted` is empty where there are no covariates or the fit with them has no answer (a reason
    then says so).
    """

    n: int
    events: int
    exposed_events: int
    exposed: Term | None
    adjusted: dict[str, Term]
    refused: tuple[Reason, ...] = ()
    reasons: tuple[Reason, ...] = ()


def time_varying(histories: Histories, *, fewest_leavers: int = FEWEST_TREATED_LEAVERS) -> Comparison:
    """Members count as exposed only while they are: from the month after their first redemption on."""
    return _compare(histories, histories.exposed, fewest_leavers)


def ever(histories: Histories, *, fewest_leavers: int = FEWEST_TREATED_LEAVERS) -> Comparison:
    """Who redeems one day counts as exposed from the first day on: wrong on purpose, to show the error."""
    return _compare(histories, histories.ever[histories.member], fewest_leavers)


def _compare(histories: Histories, exposed: Bools, fewest_leavers: int) -> Comparison:
    events, treated = int(histories.event.sum()), int((histories.event & exposed).sum())
    counts = histories.members, events, treated
    refused = _refusals(histories, exposed, treated, fewest_leavers)
    if refused:
        return Comparison(*counts, None, {}, refused)
    alone = exposed.astype(np.float64)[:, None]
    names = _told_apart(histories)
    try:
        term = _terms(_fit(histories, alone))[0]
    except NoFiniteAnswer as error:
        return Comparison(*counts, None, {}, (Reason(error.args[0]),))
    if not names:
        return Comparison(*counts, term, {})
    try:
        both = _fit(histories, np.column_stack([alone, *(histories.covariates[name] for name in names)]))
    except NoFiniteAnswer as error:
        return Comparison(*counts, term, {}, (), (Reason("adjusted_refused"), Reason(error.args[0])))
    return Comparison(*counts, term, dict(zip(["exposed", *names], _terms(both), strict=True)))


def _told_apart(histories: Histories) -> list[str]:
    """The covariates in which those at risk together ever differ.

    What follows from the time alone ("in the first year") is the same for all of them: it drops out of the partial
    likelihood, and no fit could give it a coefficient.
    """
    times = LeavingTimes.of(histories.start, histories.stop, histories.event)
    at_risk = times.at_risk(np.ones(histories.rows))
    found = []
    for name, values in histories.covariates.items():
        spread = values.std()
        x = (values - values.mean()) / (spread if spread > 0 else 1.0)
        within = times.at_risk(x**2) / at_risk - (times.at_risk(x) / at_risk) ** 2
        if times.deaths @ within > SAME_FOR_ALL * times.deaths.sum():
            found.append(name)
    return found


def _fit(histories: Histories, columns: Floats) -> Fit:
    return fit(histories.start, histories.stop, histories.event, columns, histories.member)


def _terms(fitted: Fit) -> list[Term]:
    return [Term(*map(float, row)) for row in zip(fitted.coef, fitted.se, fitted.se_robust, strict=True)]


def _refusals(histories: Histories, exposed: Bools, treated: int, fewest_leavers: int) -> tuple[Reason, ...]:
    if exposed.all() or not exposed.any():
        return (Reason("one_arm_empty", 0, 1),)
    found = []
    times = LeavingTimes.of(histories.start, histories.stop, histories.event)
    arms = [times.at_risk((exposed == arm).astype(np.float64)) for arm in (True, False)]
    both = (arms[0] > 0.5) & (arms[1] > 0.5)
    leavers = exposed[times.leaving][both[times.last[times.leaving]]]
    if len(leavers) == 0 or leavers.all() or not leavers.any():
        found.append(Reason("separation", int(leavers.sum()), len(leavers)))
    if treated < fewest_leavers:
        found.append(Reason("few_treated_leavers", treated, fewest_leavers))
    return tuple(found)


@dataclass(frozen=True)
class LeavingTimes:
    """The distinct leaving times; per row, the first and last of them in (start, stop]."""

    times: Floats
    deaths: Ints
    first: Ints
    last: Ints
    leaving: Ints

    @classmethod
    def of(cls, start: Floats, stop: Floats, event: Bools) -> LeavingTimes:
        """Rank every row among the times at which somebody left."""
        times, deaths = np.unique(stop[event], return_counts=True)
        first = np.searchsorted(times, start, side="right")
        last = np.searchsorted(times, stop, side="right") - 1
        return cls(times, deaths, first, last, np.flatnonzero(event))

    def at_risk(self, values: Floats) -> Floats:
        """Sum of `values` over the rows at risk at each leaving time."""
        size = len(self.times) + 1
        opened = np.bincount(self.first, values, size)
        closed = np.bincount(self.last + 1, values, size)
        return np.cumsum(opened - closed)[:-1]

    def at_leaving(self, values: Floats) -> Floats:
        """Sum at each leaving time over the rows that leave then; `values` has one value per leaving row."""
        return np.bincount(self.last[self.leaving], values, len(self.times)).astype(np.float64)


def fit(start: Floats, stop: Floats, event: Bools, columns: Floats, member: Ints) -> Fit:
    """Maximise the partial likelihood; `columns` is rows x terms, `member` the cluster of each row.

    Raises NoFiniteAnswer("separation" or "not_converged").
    """
    centre, scale = columns.mean(axis=0), columns.std(axis=0)
    if not event.any() or not (scale > 0).all():
        raise NoFiniteAnswer("not_converged")
    x = (columns - centre) / scale
    times = LeavingTimes.of(start, stop, event)
    coef = np.zeros(x.shape[1])
    here = _Likelihood.at(times, x, coef)
    for _ in range(MOST_STEPS):
        move = _solve(here.information, here.gradient)
        there = _Likelihood.at(times, x, coef + move)
        while not there.value >= here.value - 1e-10 * abs(here.value) and np.abs(move).max() > SMALL_STEP:
            move = move / 2
            there = _Likelihood.at(times, x, coef + move)
        coef, here = coef + move, there
        if np.abs(coef).max() > FAR_OUT:
            raise NoFiniteAnswer("separation")
        if np.abs(move).max() < SMALL_STEP:
            break
    else:
        raise NoFiniteAnswer("not_converged")
    inverse = _solve(here.information, np.eye(len(coef)))
    scores = here.member_scores(times, x, member)
    robust = inverse @ (scores.T @ scores) @ inverse
    return Fit(coef / scale, _root(inverse) / scale, _root(robust) / scale, here.value)


def _solve(information: Floats, right: Floats) -> Floats:
    if not np.isfinite(information).all() or np.linalg.cond(information) > 1e12:
        raise NoFiniteAnswer("not_converged")
    return np.asarray(np.linalg.solve(information, right))


def _root(covariance: Floats) -> Floats:
    return np.sqrt(np.diag(covariance))


@dataclass(frozen=True)
class _Likelihood:
    """The log partial likelihood at one set of coefficients, its slope, its curvature, parts of residuals.

    With d leaving at one time, Efron takes d denominators D_l = S0 - c_l E0, c_l = l/d, where S sums over
    those at risk and E over those leaving. All that follows needs only these sums over l: a = sum 1/D, b =
    sum c/D, aa = sum 1/D^2, bb = sum c/D^2, cc = sum c^2/D^2.
    """

    value: float
    gradient: Floats
    information: Floats
    weight: Floats
    a: Floats
    b: Floats
    mean: Floats  # sum over l of the mean of x under D_l, one row per leaving time
    mean_over: Floats  # sum over l of that mean / D_l
    mean_over_late: Floats  # sum over l of c_l times that

    @classmethod
    def at(cls, times: LeavingTimes, x: Floats, coef: Floats) -> _Likelihood:
        leaving, terms = times.leaving, range(x.shape[1])
        score = products.scores(x, coef)
        weight = np.exp(score)
        gone = weight[leaving]
        s0, e0 = times.at_risk(weight), times.at_leaving(gone)
        s1 = np.column_stack([times.at_risk(weight * x[:, j]) for j in terms])
        e1 = np.column_stack([times.at_leaving(gone * x[leaving, j]) for j in terms])

        slot = np.repeat(np.arange(len(times.times)), times.deaths)
        before = np.cumsum(times.deaths) - times.deaths
        late = (np.arange(len(slot)) - before[slot]) / times.deaths[slot]
        denominator = s0[slot] - late * e0[slot]
        a, b, aa, bb, cc = (
            np.bincount(slot, part).astype(np.float64)
            for part in (
                1 / denominator,
                late / denominator,
                1 / denominator**2,
                late / denominator**2,
                (late / denominator) ** 2,
            )
        )
        mean = s1 * a[:, None] - e1 * b[:, None]
        # Sums of products over those at risk at t, times what t weighs, are sums over rows of what their times weigh.
        late_leaver = gone * b[times.last[leaving]]
        information = products.gram(x, weight * _between(a, times))
        information -= products.gram(x[leaving], late_leaver)
        information -= s1.T @ (s1 * aa[:, None]) + e1.T @ (e1 * cc[:, None])
        crossed = s1.T @ (e1 * bb[:, None])
        information += crossed + crossed.T
        return cls(
            float(score[leaving].sum() - np.log(denominator).sum()),
            x[leaving].sum(axis=0) - mean.sum(axis=0),
            information,
            weight,
            a,
            b,
            mean,
            s1 * aa[:, None] - e1 * bb[:, None],
            s1 * bb[:, None] - e1 * cc[:, None],
        )

    def member_scores(self, times: LeavingTimes, x: Floats, member: Ints) -> Floats:
        """Score residuals, summed by member: members x terms."""
        hazard = _between(self.a, times)
        drift = np.column_stack([_between(column, times) for column in self.mean_over.T])
        scores = -self.weight[:, None] * (x * hazard[:, None] - drift)
        leaving = times.leaving
        slot = times.last[leaving]
        gone = x[leaving]
        # Among those who leave together, each is at risk with 1 - c_l: give the c_l back.
        late = self.weight[leaving, None] * (gone * self.b[slot, None] - self.mean_over_late[slot])
        scores[leaving] += gone - self.mean[slot] / times.deaths[slot, None] + late
        return np.column_stack([np.bincount(member, column) for column in scores.T])


def _between(values: Floats, times: LeavingTimes) -> Floats:
    """Per row, the sum of `values` over the leaving times at which it is at risk."""
    running = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(running[times.last + 1] - running[times.first])
