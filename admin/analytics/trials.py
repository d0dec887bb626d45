"""E5 and E6: a trial is emulated in every month, of redeeming then against not redeeming then.

Everything is a sum over members, so that a million of them pass through in chunks: `fit` the models on a sample of
members, add up `sums` of every chunk, `estimate` from the total. Source of the method: Hernan et al. 2016, J Clin
Epidemiol 79:70.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from admin.analytics import cuts, event_study, products, trial_amounts
from admin.analytics.cuts import Cuts
from admin.analytics.follow import Followed
from admin.analytics.histories import Floats
from admin.analytics.person_months import BUCKETS, Ints64, PersonMonths
from admin.analytics.protocol import VARIANT_HORIZONS, VARIANT_WASHOUTS, Options
from admin.analytics.trial_rows import Arms, TrialRows, Window, widest
from admin.analytics.weights import TRUNCATION, Propensity, Terms

TRIM = (0.01, 0.99)
TOLD_SHARE = 0.995
OVERLAP_BINS = 20
# A control's weight grows with every month without a redemption, most for the keenest members: cut as early as the
# first weight, the months that follow would count them too little and make not redeeming look worse than it is.
LATER_TRUNCATION = 0.999


@dataclass(frozen=True)
class Variant:
    """One other way of asking the same: washout, window, between which weights each arm is cut, and whether who went
    by fraud, death or debt counts as having left (the bound of what leaving such members out can hide).
    """

    name: str
    washout: int | None
    window: Window
    floors: Floats
    caps: Floats
    involuntary: bool = False


@dataclass(frozen=True)
class Models:
    """What is fitted once: the chances of redeeming by washout, and where weights are cut.

    `caps` are per contrast and arm, and so are `percentiles`, below which `TOLD_SHARE` of the weights are; `later_caps` per month of follow-up without a redemption; `overlap` and
    `median` describe the chances in the fitted sample. `cuts` and `measures` are what the study looks at: parts of the
    members, and what tells of their doings before; neither without the option.
    """

    contrasts: tuple[str, ...]
    window: Window
    buckets: int
    by_washout: Mapping[int | None, Propensity]
    caps: Floats
    percentiles: Floats
    later_caps: Floats
    variants: tuple[Variant, ...]
    overlap: Mapping[str, list[int]]
    median: Mapping[str, float]
    cuts: Cuts | None = None
    measures: tuple[str, ...] = ()


def window_of(options: Options, first_month: int, last_month: int, horizon: int | None = None) -> Window:
    """The months in which trials can begin, given the first and last month of the data."""
    months = options.horizon if horizon is None else horizon
    first, last = first_month + options.min_history, last_month - options.lag - months + 1
    if options.first is not None:
        first = max(first, options.first)
    if options.last is not None:
        last = min(last, options.last)
    return Window(first, last, months)


def fit(sample: PersonMonths, options: Options, span: tuple[int, int] | None = None) -> Models:
    """The models from a sample of members; `span` is the first and last month of all the data.

    Raises NoFiniteAnswer where no chance of redeeming can be fitted.
    """
    first, last = span or (int(sample.month.min()), int(sample.month.max()))
    window = window_of(options, first, last)
    followed = Followed(sample)
    by_washout = {options.washout: _propensity(sample, followed, options.washout)}
    trials = _rows(sample, followed, by_washout[options.washout], window, options.washout, options)
    variants = []
    if options.variants:
        for washout in (None, *VARIANT_WASHOUTS):
            if washout != options.washout:
                by_washout[washout] = _propensity(sample, followed, washout, by_washout[options.washout])
                other = _rows(sample, followed, by_washout[washout], window, washout, options)
                name = "washout_ever" if washout is None else f"washout_{washout}"
                variants.append(Variant(name, washout, window, np.zeros(2), _cuts(other, TRUNCATION)[0]))
        for months in (one for one in VARIANT_HORIZONS if one != options.horizon):
            reach = window_of(options, first, last, months)
            other = _rows(sample, followed, by_washout[options.washout], reach, options.washout, options)
            if len(other.row):
                cut = _cuts(other, TRUNCATION)[0]
                variants.append(Variant(f"horizon_{months}", options.washout, reach, np.zeros(2), cut))
        low, high = (_cuts(trials, share)[0] for share in TRIM)
        variants.append(Variant("trimmed_1_99", options.washout, window, low, high))
        if sample.involuntary is not None and (sample.left & sample.involuntary).any():
            own = _cuts(trials, TRUNCATION)[0]
            variants.append(
                Variant("involuntary_as_leaves", options.washout, window, np.zeros(2), own, involuntary=True)
            )
    later = [
        float(np.quantile(weight, LATER_TRUNCATION)) if len(weight) else np.inf
        for _, weight in trials.kept_weights(None, options.lag)
    ]
    return Models(
        trials.contrasts,
        window,
        max(BUCKETS, int(sample.bucket.max(initial=0)) + 1),
        by_washout,
        _cuts(trials, TRUNCATION),
        _cuts(trials, TOLD_SHARE),
        np.array(later),
        tuple(variants),
        _overlap(trials),
        _medians(trials),
        cuts.of_trials(trials) if options.study else None,
        event_study.measures(sample) if options.study else (),
    )


def _propensity(
    sample: PersonMonths, followed: Followed, washout: int | None, near: Propensity | None = None
) -> Propensity:
    return Propensity.of(sample, np.flatnonzero(followed.washed_out(washout)), near)


def _rows(
    sample: PersonMonths,
    followed: Followed,
    propensity: Propensity,
    window: Window,
    washout: int | None,
    options: Options,
) -> TrialRows:
    return TrialRows.of(sample, followed, propensity, window, washout, options.min_history)


def _cuts(trials: TrialRows, share: float) -> Floats:
    """The percentile of the weights by contrast and arm (treated, control)."""

    def cut(chance: Floats) -> float:
        return float(np.quantile(1 / chance, share)) if len(chance) else np.inf

    none = cut(trials.none[trials.controls])
    return np.array(
        [[cut(trials.chance[trials.treated(one), one]), none] for one in range(len(trials.contrasts))]
    )


def _overlap(trials: TrialRows) -> dict[str, list[int]]:
    """How many trials of each arm have which chance of redeeming any kind, in twentieths."""
    arms = {"treated": trials.treated(0), "control": trials.controls}
    return {
        name: np.histogram(trials.chance[rows, 0], OVERLAP_BINS, (0.0, 1.0))[0].tolist()
        for name, rows in arms.items()
    }


def _medians(trials: TrialRows) -> dict[str, float]:
    """The median chance of the treated arm among all trials of a contrast."""
    found = {}
    for index, name in enumerate(trials.contrasts):
        chances = trials.chance[trials.able[:, index], index]
        found[name] = float(np.median(chances)) if len(chances) else float("nan")
    return found


@dataclass(frozen=True)
class Sums:
    """What adds up over members. B buckets, C contrasts, arms (treated, control), F = horizon + 1 months.

    `total`: "seen", "left" [B, C, 2, F] weighted trials by the months they are in view and by the month of leaving,
    "plain_seen", "plain_left" the same unweighted; "kept_seen", "kept_left" [B, C, F] at risk and leaving among
    controls without a later redemption, "kept_n", "kept_gone" [C, F] the same unweighted; "cost_fen", "points" [B, C, 2, H] weighted; "moments" and the like for
    balance; "variant:NAME:seen" and ":left" [B, 2, F]; "cut:NAME:..." and "before..." of the study. `most` are maxima of
    weights.
    """

    total: dict[str, Floats] = field(default_factory=dict)
    most: dict[str, Floats] = field(default_factory=dict)

    def __add__(self, other: Sums) -> Sums:
        return Sums(_joined(self.total, other.total, np.add), _joined(self.most, other.most, np.maximum))


def _joined(one: dict[str, Floats], other: dict[str, Floats], how: np.ufunc) -> dict[str, Floats]:
    return {
        name: how(one[name], other[name]) if name in one and name in other else (one | other)[name]
        for name in one | other
    }


def sums(chunk: PersonMonths, models: Models, options: Options) -> Sums:
    """The sums of some members, all rows of each together."""
    followed = Followed(chunk)
    total: dict[str, Floats] = {}
    most: dict[str, Floats] = {}
    for washout, propensity in models.by_washout.items():
        chosen = [one for one in models.variants if one.washout == washout]
        reach = widest([one.window for one in chosen] + [models.window] * (washout == options.washout))
        if reach is None:
            continue
        wide = _rows(chunk, followed, propensity, reach, washout, options)
        for variant in chosen:
            _add_variant(total, _inside(wide, variant.window), variant, models.buckets)
        if washout == options.washout:
            arms = Arms(_inside(wide, models.window), models.caps)
            _add_main(total, most, arms, models, options.lag)
            _add_kept(total, most, arms.trials, models, options.lag)
            _add_balance(total, arms, propensity.terms)
            for name in ("cost_fen", "points"):
                amounts = getattr(chunk, name)
                if amounts is not None:
                    total[name] = trial_amounts.sums(arms, amounts, models.buckets)
            if models.cuts is not None:
                _add_study(total, most, arms, models, propensity.terms, options.lag)
    return Sums(total, most)


def _add_study(
    total: dict[str, Floats], most: dict[str, Floats], arms: Arms, models: Models, terms: Terms, lag: int
) -> None:
    assert models.cuts is not None
    added, largest = cuts.sums(arms, models.cuts, terms, lag)
    total |= added | event_study.sums(arms, models.measures, terms)
    most |= largest


def _inside(trials: TrialRows, window: Window) -> TrialRows:
    month = trials.sample.month[trials.row]
    kept = np.flatnonzero((month >= window.first) & (month <= window.last))
    return replace(
        trials,
        window=window,
        row=trials.row[kept],
        kind=trials.kind[kept],
        able=trials.able[kept],
        chance=trials.chance[kept],
        none=trials.none[kept],
    )


def _count(
    bucket: Ints64, month: Ints64, weight: Floats | None, buckets: int, months: int
) -> NDArray[np.float64]:
    found = np.bincount(bucket * months + month, weight, buckets * months)
    return found.astype(np.float64, copy=False).reshape(buckets, months)


def _add_main(
    total: dict[str, Floats], most: dict[str, Floats], arms: Arms, models: Models, lag: int
) -> None:
    trials, months = arms.trials, arms.trials.window.horizon + 1
    end = months - 1 + lag
    shape = (models.buckets, len(models.contrasts), 2, months)
    parts = {name: np.zeros(shape) for name in ("seen", "left", "plain_seen", "plain_left")}
    facts = {name: np.zeros(shape[1:3]) for name in ("n", "weight", "square", "leavers")}
    heaviest = np.zeros(shape[1:3])
    seen = np.minimum(trials.ahead, months) - 1
    left = trials.leaves & (trials.ahead <= months)

    controls = trials.controls
    table, pattern = trials.patterns
    weight = arms.control
    cell = trials.bucket[controls] * len(table) + pattern
    gone = left[controls]
    counted = trials.leaves & (trials.ahead > lag) & (trials.ahead <= end)
    within = counted[controls]

    def by_contrast(cells: NDArray[np.float64]) -> Floats:
        each = cells.reshape(models.buckets, len(table), -1)
        return np.asarray(np.einsum("bpm,pc->bcm", each, table.astype(np.float64)))

    for name, known in (("", weight), ("plain_", None)):
        size = models.buckets * len(table)
        parts[name + "seen"][:, :, 1] = by_contrast(_count(cell, seen[controls], known, size, months))
        some = None if known is None else known[gone]
        parts[name + "left"][:, :, 1] = by_contrast(
            _count(cell[gone], seen[controls][gone], some, size, months)
        )
    for name, values in (("n", None), ("weight", weight), ("square", weight**2), ("leavers", within)):
        sized = np.bincount(pattern, values, len(table)).astype(np.float64)
        facts[name][:, 1] = sized @ table
    for index in range(len(models.contrasts)):
        mine = table[pattern, index]
        heaviest[index, 1] = weight[mine].max(initial=0.0)
        rows, own = arms.treated[index]
        bucket, when, gone_too = trials.bucket[rows], seen[rows], left[rows]
        for name, known in (("", own), ("plain_", None)):
            some = None if known is None else known[gone_too]
            parts[name + "seen"][:, index, 0] = _count(bucket, when, known, models.buckets, months)
            parts[name + "left"][:, index, 0] = _count(
                bucket[gone_too], when[gone_too], some, models.buckets, months
            )
        leavers = counted[rows].sum()
        for name, value in (
            ("n", len(rows)), ("weight", own.sum()), ("square", (own**2).sum()), ("leavers", leavers)
        ):  # fmt: skip
            facts[name][index, 0] = value
        heaviest[index, 0] = own.max(initial=0.0)
    total |= parts | facts
    total["members"] = np.array(float(len(np.unique(trials.member))))
    most["heaviest"] = heaviest


def _add_kept(
    total: dict[str, Floats], most: dict[str, Floats], trials: TrialRows, models: Models, lag: int
) -> None:
    """Controls followed while they redeem nothing."""
    controls, months = trials.controls, trials.window.horizon + 1
    table, pattern = trials.patterns
    bucket, ahead, leaves = (part[controls] for part in (trials.bucket, trials.ahead, trials.leaves))
    cell = bucket * len(table) + pattern
    shape = (models.buckets, len(models.contrasts), months)
    seen, left = np.zeros(shape), np.zeros(shape)
    counts, went, squares, heaviest = (np.zeros(shape[1:]) for _ in range(4))
    known = table.astype(np.float64)
    for month, (rows, weight) in enumerate(trials.kept_weights(models.later_caps, lag)):
        cells = np.bincount(cell[rows], weight, models.buckets * len(table))
        seen[:, :, month] = cells.reshape(models.buckets, -1) @ known
        gone = (ahead[rows] == month + 1) & leaves[rows]
        cells = np.bincount(cell[rows[gone]], weight[gone], models.buckets * len(table))
        left[:, :, month] = cells.reshape(models.buckets, -1) @ known
        mine = pattern[rows]
        counts[:, month] = np.bincount(mine, minlength=len(table)) @ known
        went[:, month] = np.bincount(mine[gone], minlength=len(table)) @ known
        squares[:, month] = np.bincount(mine, weight**2, len(table)) @ known
        for index in range(len(models.contrasts)):
            allowed = weight if table[:, index].all() else weight[table[mine, index]]
            heaviest[index, month] = allowed.max(initial=0.0)
    total |= {"kept_seen": seen, "kept_left": left, "kept_square": squares}
    total |= {"kept_n": counts, "kept_gone": went}
    most["kept_heaviest"] = heaviest


def _add_balance(total: dict[str, Floats], arms: Arms, terms: Terms) -> None:
    """Sums of the standardised covariates by contrast and arm: plain, weighted, and their squares."""
    trials, size = arms.trials, len(arms.trials.contrasts)
    shape = (size, 2, len(terms.names))
    plain, weighted, squares = (np.zeros(shape) for _ in range(3))
    controls = trials.controls
    able = trials.able[controls].astype(np.float32)
    weight = arms.control.astype(np.float32)
    for start in range(0, len(controls), 65_536):
        part = slice(start, start + 65_536)
        values = terms.standardised(trials.sample, trials.row[controls[part]])
        plain[:, 1] += products.crossed(able[part], values)
        weighted[:, 1] += products.crossed(able[part] * weight[part, None], values)
        squares[:, 1] += products.crossed(able[part], values**2)
    for index in range(size):
        rows, own = arms.treated[index]
        values = terms.standardised(trials.sample, trials.row[rows]).astype(np.float64)
        plain[index, 0], squares[index, 0] = values.sum(axis=0), (values**2).sum(axis=0)
        weighted[index, 0] = own @ values
    total |= {"balance_plain": plain, "balance_weighted": weighted, "balance_squares": squares}


def _add_variant(total: dict[str, Floats], trials: TrialRows, variant: Variant, buckets: int) -> None:
    months = trials.window.horizon + 1
    seen, left = np.zeros((buckets, 2, months)), np.zeros((buckets, 2, months))
    chance = np.where(trials.kind >= 0, trials.chance[:, 0], trials.none)
    leaves = trials.followed.ends[trials.row] if variant.involuntary else trials.leaves
    for arm, rows in enumerate((trials.treated(0), trials.controls)):
        weight = np.clip(1 / chance[rows], variant.floors[arm], variant.caps[arm])
        month = np.minimum(trials.ahead[rows], months) - 1
        gone = leaves[rows] & (trials.ahead[rows] <= months)
        seen[:, arm] = _count(trials.bucket[rows], month, weight, buckets, months)
        left[:, arm] = _count(trials.bucket[rows][gone], month[gone], weight[gone], buckets, months)
    total[f"variant:{variant.name}:seen"], total[f"variant:{variant.name}:left"] = seen, left
