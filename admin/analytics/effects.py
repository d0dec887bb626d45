"""From the sums of the trials to risks, differences and their intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from admin.analytics import bootstrap
from admin.analytics.histories import Floats
from admin.analytics.trials import Models, Sums


@dataclass(frozen=True)
class Effect:
    """Two arms side by side. Hazards are draws x months of follow-up, the data themselves first.

    `at_risk_treated` and `at_risk_control` count trials, unweighted, at the opening of each month.
    """

    treated: Floats
    control: Floats
    at_risk_treated: Floats
    at_risk_control: Floats

    @property
    def horizon(self) -> int:
        """Months of follow-up."""
        return int(self.treated.shape[1])

    def risks(self, months: int) -> tuple[Floats, Floats]:
        """Share that left within so many months, by draw: treated, control."""
        return _risk(self.treated[:, :months]), _risk(self.control[:, :months])

    def difference_pp(self, months: int) -> Floats:
        """Risk difference in percentage points, by draw."""
        treated, control = self.risks(months)
        return 100 * (treated - control)

    def survival(self, arm: Floats) -> Floats:
        """Share still there at the opening of months 0..horizon, by draw."""
        return np.asarray(np.cumprod(np.column_stack([np.ones(len(arm)), 1 - arm]), axis=1))

    def rmst_difference(self) -> Floats:
        """Difference of the mean months still there within the horizon, by draw."""
        apart = self.survival(self.treated)[:, :-1] - self.survival(self.control)[:, :-1]
        return np.asarray(np.sum(apart, axis=1))


def _risk(hazard: Floats) -> Floats:
    return np.asarray(1 - np.prod(1 - hazard, axis=1))


def hazards(seen: Floats, left: Floats) -> Floats:
    """Leaving per month: `seen` are trials by how long they are in view, `left` by the month of leaving."""
    return _rate(left, at_risk(seen))


def _rate(left: Floats, at_risk: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(at_risk > 0, left / np.where(at_risk > 0, at_risk, 1), np.nan)


def at_risk(seen: Floats) -> Floats:
    """Who is still in view at the opening of each month."""
    return np.cumsum(seen[..., ::-1], axis=-1)[..., ::-1]


@dataclass(frozen=True)
class Estimated:
    """Everything that the trials say of one contrast, by draw."""

    itt: Effect
    unweighted: Effect
    per_protocol: Effect
    unweighted_per_protocol: Effect
    lagged: Effect


@dataclass(frozen=True)
class Estimates:
    """By contrast, what the trials say; by variant, the risk difference of "any" in pp; by draw. `counts` are the draws."""

    contrasts: dict[str, Estimated]
    variants: dict[str, Floats]
    counts: Floats


def estimate(sums: Sums, models: Models, draws: int, seed: int, *, lag: int = 0) -> Estimates:
    """Risks of every contrast with as many draws as asked for; `lag` as in the protocol."""
    counts = bootstrap.draws_of(models.buckets, draws, seed)
    total, horizon = sums.total, models.window.horizon
    weighted = hazards(bootstrap.drawn(counts, total["seen"]), bootstrap.drawn(counts, total["left"]))
    plain = hazards(
        bootstrap.drawn(counts, total["plain_seen"]), bootstrap.drawn(counts, total["plain_left"])
    )
    kept = _rate(bootstrap.drawn(counts, total["kept_left"]), bootstrap.drawn(counts, total["kept_seen"]))
    numbers = at_risk(total["plain_seen"].sum(axis=0))
    contrasts = {}
    for index, name in enumerate(models.contrasts):

        def both(
            rates: Floats, first: int, end: int, at: Floats = numbers[index], one: int = index
        ) -> Effect:
            treated, control = (rates[:, one, arm, first:end] for arm in (0, 1))
            return Effect(treated, control, at[0, first:end], at[1, first:end])

        itt = both(weighted, lag, horizon + lag)
        months = slice(lag, horizon + lag)
        unweighted = both(plain, lag, horizon + lag)
        numbers_kept = total["kept_n"][index, months]
        went = _rate(total["kept_gone"][index, months], numbers_kept)[None]
        contrasts[name] = Estimated(
            itt,
            unweighted,
            Effect(itt.treated, kept[:, index, months], itt.at_risk_treated, numbers_kept),
            Effect(unweighted.treated[:1], went, itt.at_risk_treated, numbers_kept),
            both(weighted, 1, horizon + 1),
        )
    return Estimates(contrasts, _variants(sums, models, counts, lag), counts)


def _variants(sums: Sums, models: Models, counts: Floats, lag: int) -> dict[str, Floats]:
    found = {}
    for variant in models.variants:
        name = f"variant:{variant.name}:"
        if name + "seen" not in sums.total:
            continue
        rates = hazards(
            bootstrap.drawn(counts, sums.total[name + "seen"]),
            bootstrap.drawn(counts, sums.total[name + "left"]),
        )
        none, months = np.zeros(0), slice(lag, variant.window.horizon + lag)
        effect = Effect(rates[:, 0, months], rates[:, 1, months], none, none)
        found[variant.name] = effect.difference_pp(variant.window.horizon)
    return found
