"""Who redeems, given what was known when the month opened: the weights that make two arms alike.

Logistic regression by Newton's method; a choice among several kinds as one logit per kind against none, fitted on
those who could choose it and renormalised over what each could afford.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from admin.analytics import products
from admin.analytics.cox import FAR_OUT, NoFiniteAnswer
from admin.analytics.histories import Bools, Floats
from admin.analytics.person_months import Floats32, Ints64, PersonMonths

MOST_STEPS = 50
SMALL_STEP = 1e-8
BLOCK_ROWS = 65_536
MONTH_GROUPS = 36
MONTH_RIDGE = 0.1
TERM_RIDGE = 1e-4
FEWEST_FOR_TERMS = 50  # with fewer redemptions of a kind only its level is fitted
FAR_VALUE = 8.0
TRUNCATION = 0.999


@dataclass(frozen=True)
class Logit:
    """Coefficients (log odds), the inverse of the information, and the fitted probabilities."""

    coef: Floats
    covariance: Floats
    fitted: Floats

    @property
    def se(self) -> Floats:
        """Standard errors from the information matrix."""
        return np.sqrt(np.diag(self.covariance))


def logistic(
    columns: NDArray[np.floating],
    outcome: Bools,
    *,
    weight: Floats | None = None,
    ridge: Floats | float = 0.0,
    start: Floats | None = None,
) -> Logit:
    """Maximise the (weighted, penalised) binomial likelihood; `columns` is rows x terms, its own constant included.

    `ridge` is half the precision of a normal prior around 0, per term; `start` are coefficients near the answer. Raises NoFiniteAnswer("separation" or
    "not_converged").
    """
    terms = columns.shape[1]
    scale = _spread(columns)
    penalty = np.broadcast_to(np.asarray(ridge, dtype=np.float64), (terms,))
    known = np.ones(len(outcome)) if weight is None else weight
    coef = np.zeros(terms) if start is None else start
    here = _Likelihood.at(columns, outcome, known, coef, penalty)
    for _ in range(MOST_STEPS):
        move = _solve(here.information, here.gradient)
        there = _Likelihood.at(columns, outcome, known, coef + move, penalty)
        while not there.value >= here.value - 1e-10 * abs(here.value) and np.abs(move).max() > SMALL_STEP:
            move = move / 2
            there = _Likelihood.at(columns, outcome, known, coef + move, penalty)
        coef, here = coef + move, there
        if np.abs(coef * scale).max() > FAR_OUT:
            raise NoFiniteAnswer("separation")
        if np.abs(move * scale).max() < SMALL_STEP:
            return Logit(coef, _solve(here.information, np.eye(terms)), here.fitted)
    raise NoFiniteAnswer("not_converged")


def clustered(
    fit: Logit, columns: NDArray[np.floating], outcome: Bools, member: NDArray[np.integer]
) -> Floats:
    """Standard errors from the scores summed by member (rows of a member need not be independent)."""
    residual = outcome - fit.fitted
    scores = np.column_stack([np.bincount(member, residual * column) for column in columns.T])
    return np.sqrt(np.diag(fit.covariance @ (scores.T @ scores) @ fit.covariance))


def truncated(weight: Floats, share: float = TRUNCATION) -> tuple[Floats, float]:
    """The weights cut at their own percentile, and that percentile."""
    cap = float(np.quantile(weight, share)) if len(weight) else np.inf
    return np.minimum(weight, cap), cap


@dataclass(frozen=True)
class _Likelihood:
    value: float
    gradient: Floats
    information: Floats
    fitted: Floats

    @classmethod
    def at(
        cls, columns: NDArray[np.floating], outcome: Bools, weight: Floats, coef: Floats, penalty: Floats
    ) -> _Likelihood:
        value = -0.5 * float(penalty @ coef**2)
        gradient, information = -penalty * coef, np.diag(penalty).astype(np.float64)
        fitted = np.empty(len(outcome))
        for start in range(0, len(outcome), BLOCK_ROWS):
            part = slice(start, start + BLOCK_ROWS)
            x = np.asarray(columns[part], dtype=np.float64)
            y, w = outcome[part], weight[part]
            score = products.scores(x, coef)
            # One exponential for both the probability and log(1 + exp(score)).
            small = np.exp(-np.abs(score))
            p = fitted[part] = np.where(score >= 0, 1.0, small) / (1 + small)
            value += float(w @ (np.where(y, score, 0.0) - np.maximum(score, 0) - np.log1p(small)))
            gradient += products.crossed(x, (w * (y - p))[:, None])[:, 0]
            information += products.gram(x, w * p * (1 - p))
        return cls(value, gradient, information, fitted)


def _solve(information: Floats, right: Floats) -> Floats:
    # Scaled to a unit diagonal, else columns of very different units would look like repeats of each other.
    size = np.sqrt(np.diag(information))
    if not np.isfinite(information).all() or not (size > 0).all():
        raise NoFiniteAnswer("not_converged")
    scaled = information / np.outer(size, size)
    if np.linalg.cond(scaled) > 1e13:
        raise NoFiniteAnswer("not_converged")
    solved = np.linalg.solve(scaled, (right.T / size).T)
    return np.asarray((solved.T / size).T)


def _spread(columns: NDArray[np.floating]) -> Floats:
    spread = columns.std(axis=0, dtype=np.float64)
    return np.asarray(np.where(spread > 0, spread, np.abs(columns[:1]).max(axis=0, initial=0.0)))


@dataclass(frozen=True)
class Terms:
    """How covariates, tenure and calendar month enter a model: centred, in standard deviations, with squares.

    A covariate of two values has no square. Months enter one by one (in at most `MONTH_GROUPS` groups).
    """

    names: tuple[str, ...]
    centre: Floats
    scale: Floats
    squared: Ints64
    first_month: int
    months_each: int
    groups: int

    @classmethod
    def of(cls, sample: PersonMonths, rows: Ints64) -> Terms:
        """Measured on some rows."""
        names = ("tenure", *sample.covariates)
        columns = [_column(sample, name)[rows] for name in names]
        centre = np.array([column.mean(dtype=np.float64) if len(column) else 0.0 for column in columns])
        scale = np.array([column.std(dtype=np.float64) if len(column) else 0.0 for column in columns])
        squared = [i for i, column in enumerate(columns) if scale[i] > 0 and not _two_values(column)]
        months = sample.month[rows]
        first, last = (int(months.min()), int(months.max())) if len(rows) else (0, 0)
        each = -(-(last - first + 1) // MONTH_GROUPS)
        return cls(
            names,
            centre,
            np.where(scale > 0, scale, 1.0),
            np.array(squared, dtype=np.int64),
            first,
            each,
            (last - first) // each + 1,
        )

    @property
    def ridge(self) -> Floats:
        """Next to none for terms (so that a repeated column does no harm), a weak one for months."""
        terms = len(self.names) + len(self.squared)
        return np.concatenate([[0.0], np.full(terms, TERM_RIDGE), np.full(self.groups, MONTH_RIDGE)])

    def standardised(self, sample: PersonMonths, rows: Ints64 | slice) -> Floats32:
        """Rows x names, in standard deviations."""
        size = len(sample.month[rows])
        found = np.empty((size, len(self.names)), dtype=np.float32)
        for i, name in enumerate(self.names):
            found[:, i] = (_column(sample, name)[rows] - self.centre[i]) / self.scale[i]
        return np.clip(found, -FAR_VALUE, FAR_VALUE, out=found)

    def columns(self, sample: PersonMonths, rows: Ints64 | slice) -> Floats32:
        """Rows x terms: constant, terms, squares, months."""
        months = sample.month[rows]
        linear = self.standardised(sample, rows)
        wide = 1 + len(self.names) + len(self.squared)
        found = np.zeros((len(months), wide + self.groups), dtype=np.float32)
        found[:, 0] = 1
        found[:, 1 : 1 + len(self.names)] = linear
        np.square(linear[:, self.squared], out=found[:, 1 + len(self.names) : wide])
        group = np.clip((months - self.first_month) // self.months_each, 0, self.groups - 1)
        found[np.arange(len(months)), wide + group] = 1
        return found


@dataclass(frozen=True)
class Propensity:
    """The chance of each kind, and of none, among what a member can afford in a month."""

    terms: Terms
    kinds: tuple[str, ...]
    coef: Floats32  # terms x kinds
    never: Bools  # kinds that nobody redeemed

    @classmethod
    def of(cls, sample: PersonMonths, rows: Ints64, near: Propensity | None = None) -> Propensity:
        """One logit per kind against none on those rows who could afford it. Raises NoFiniteAnswer.

        `near` are the chances of other rows of the same members, not far from these.
        """
        terms = Terms.of(sample, rows)
        coef = np.zeros((len(terms.ridge), len(sample.kinds)))
        never = np.zeros(len(sample.kinds), dtype=np.bool_)
        everything = terms.columns(sample, rows)
        for index, name in enumerate(sample.kinds):
            kind = sample.kind[rows]
            able = (kind == index) | (kind < 0)
            if name in sample.can:
                able &= sample.can[name][rows]
            chosen, x = kind[able] == index, everything[able]
            never[index] = not chosen.any()
            if never[index]:
                continue
            if chosen.sum() < FEWEST_FOR_TERMS or chosen.all():
                coef[0, index] = _log_odds(chosen.mean())
                continue
            start = np.append(_log_odds(chosen.mean()), np.zeros(len(coef) - 1))
            if near is not None and not near.never[index] and len(near.coef) == len(coef):
                start = near.coef[:, index].astype(np.float64)
            coef[:, index] = logistic(x, chosen, ridge=terms.ridge, start=start).coef
        return cls(terms, sample.kinds, coef.astype(np.float32), never)

    def of_rows(self, sample: PersonMonths, rows: Ints64) -> tuple[Floats32, Floats32]:
        """(rows x kinds, none): probabilities that sum to 1 over the affordable kinds and none."""
        chance = np.empty((len(rows), len(self.kinds)), dtype=np.float32)
        none = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), BLOCK_ROWS):
            part = slice(start, start + BLOCK_ROWS)
            score = products.scores(self.terms.columns(sample, rows[part]), self.coef)
            odds = np.exp(np.clip(score, -30, 30))
            odds[:, self.never] = 0
            for index, name in enumerate(self.kinds):
                if name in sample.can:
                    odds[:, index] *= sample.can[name][rows[part]]
            total = 1 + odds.sum(axis=1)
            chance[part] = odds / total[:, None]
            none[part] = 1 / total
        return chance, none


def _log_odds(share: float) -> float:
    inside = min(max(share, 1e-9), 1 - 1e-9)
    return float(np.log(inside / (1 - inside)))


def _column(sample: PersonMonths, name: str) -> NDArray[np.generic]:
    return sample.tenure if name == "tenure" else sample.covariates[name]


def _two_values(column: NDArray[np.generic]) -> bool:
    low, high = column.min(), column.max()
    return bool(((column == low) | (column == high)).all())


def standardised_differences(
    treated: Floats, control: Floats, spread_treated: Floats, spread_control: Floats, names: Sequence[str]
) -> dict[str, float]:
    """(mean of treated - mean of control) over the root of the mean of both variances, by name."""
    spread = np.sqrt((spread_treated + spread_control) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(spread > 0, (treated - control) / spread, 0.0)
    return dict(zip(names, map(float, found), strict=True))
