"""Pooled logistic regression: the odds of leaving in a month, by whether one had redeemed before it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from admin.analytics.cox import NoFiniteAnswer
from admin.analytics.histories import Floats
from admin.analytics.person_months import PersonMonths
from admin.analytics.refusals import FEWEST_TREATED_LEAVERS, Reason
from admin.analytics.weights import clustered, logistic

EXPOSED = "exposed"


@dataclass(frozen=True)
class Pooled:
    """Log odds by term with standard errors clustered by member; the exposure is the term "exposed"."""

    coef: dict[str, float]
    se_robust: dict[str, float]
    refused: tuple[Reason, ...] = ()

    @property
    def odds_ratio(self) -> float:
        """Odds of leaving of those who had redeemed over those of who had not."""
        return math.exp(self.coef[EXPOSED])


def pooled_logistic(sample: PersonMonths, *, fewest_leavers: int = FEWEST_TREATED_LEAVERS) -> Pooled:
    """logit of leaving in a month on tenure (with square and root), redeemed before, and the covariates."""
    exposed, event = sample.redeemed_earlier, sample.event
    if exposed.all() or not exposed.any():
        return Pooled({}, {}, (Reason("one_arm_empty", 0, 1),))
    treated = int((event & exposed).sum())
    if treated < fewest_leavers:
        return Pooled({}, {}, (Reason("few_treated_leavers", treated, fewest_leavers),))
    columns = {EXPOSED: exposed.astype(np.float64)} | _tenure(sample)
    columns |= {name: values.astype(np.float64) for name, values in sample.covariates.items()}
    columns = {name: values for name, values in columns.items() if values.std() > 0}
    try:
        return _fitted(sample, columns)
    except NoFiniteAnswer as error:
        return Pooled({}, {}, (Reason(error.args[0]),))


def _tenure(sample: PersonMonths) -> dict[str, Floats]:
    months = sample.tenure.astype(np.float64)
    return {"tenure": months, "tenure_squared": months**2, "tenure_root": np.sqrt(months)}


def _fitted(sample: PersonMonths, columns: dict[str, Floats]) -> Pooled:
    values = np.column_stack(list(columns.values()))
    centre, scale = values.mean(axis=0), values.std(axis=0)
    values -= centre
    values /= scale
    x = np.column_stack([np.ones(len(values)), values])
    event = sample.event
    fit = logistic(x, event)
    robust = clustered(fit, x, event, sample.member)
    names = list(columns)
    return Pooled(
        dict(zip(names, map(float, fit.coef[1:] / scale), strict=True)),
        dict(zip(names, map(float, robust[1:] / scale), strict=True)),
    )
