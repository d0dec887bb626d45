"""The blocks of the report on parts of the members and on the months around a redemption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from admin.analytics import bootstrap, effects, judging
from admin.analytics.cuts import BRAND, NAMES, Cut
from admin.analytics.effects import Effect
from admin.analytics.event_study import MONTHS
from admin.analytics.histories import Floats
from admin.analytics.person_months import BUCKETS
from admin.analytics.protocol import Options
from admin.analytics.refusals import FEWEST_TREATED_TRIALS, MOST_IMBALANCE, Reason
from admin.analytics.trial_blocks import Answer, status, unfollowed
from admin.analytics.trial_rows import ANY

Block = dict[str, Any]
PART_FIELDS = ("risk_difference_pp", "se_pp", "interval_pp")
LEAVING_FIELDS = (
    "month", "treated", "control", "difference_pp", "low", "high", "at_risk_treated", "at_risk_control",
)  # fmt: skip
BEFORE_FIELDS = ("month", "difference", "low", "high", "n_treated", "n_control")


def cuts_block(found: Answer, options: Options, last_month: int) -> Block:
    """The effect by parts of the members, by cut; each refused by the rules that hold for all."""
    if found.models is None or found.sums is None or found.models.cuts is None:
        reasons = found.reasons or [Reason("no_trial")]
        return status(reasons, refused=True) | {name: _no_cut(reasons) for name in NAMES if name != BRAND}
    made = found.models.cuts
    blocks = {name: _no_cut([Reason(code)]) for name, code in (made.missing or {}).items()}
    counts = bootstrap.draws_of(BUCKETS, options.draws, options.seed)
    for nth, cut in enumerate(made.made):
        blocks[cut.name] = _cut(found, cut, made.rare[nth], options, counts, last_month)
    return (
        status([Reason("many_parts")] if made.made else [Reason("one_part")], refused=not made.made) | blocks
    )


def _no_cut(reasons: Sequence[Reason]) -> Block:
    return status(reasons, refused=True) | {"column": None, "groups": []}


def _cut(found: Answer, cut: Cut, rare: Floats, options: Options, counts: Floats, last_month: int) -> Block:
    assert found.models is not None
    assert found.sums is not None
    total = found.sums.total
    seen, left = (bootstrap.drawn(counts, total[f"cut:{cut.name}:{name}"]) for name in ("seen", "left"))
    rates, numbers = effects.hazards(seen, left), total[f"cut:{cut.name}:n"]
    months = slice(options.lag, options.horizon + options.lag)
    groups = []
    for part, label in enumerate(cut.labels):
        if not numbers[part].any():
            continue
        kinds = {}
        for index, name in enumerate(found.models.contrasts):
            reasons = [*found.refused[name]] or _refusals(
                found, cut, part, index, float(rare[part, index]), options, last_month
            )
            at_risk = effects.at_risk(seen[0, part, index])[:, months]
            effect = Effect(rates[:, part, index, 0, months], rates[:, part, index, 1, months], *at_risk)
            kinds[name] = _part(found, cut, part, index, effect, reasons or unfollowed(effect, options))
        low, high = cut.bounds(part)
        whole = kinds.pop(ANY)
        groups.append(whole | {"name": label, "from": low, "below": high, "kinds": kinds})
    return status([]) | {"column": cut.column, "groups": groups}


def _refusals(
    found: Answer, cut: Cut, part: int, contrast: int, median: float, options: Options, last_month: int
) -> list[Reason]:
    """The rules of the whole, held against a part; spreads are those of all members, so that parts compare."""
    assert found.models is not None
    assert found.sums is not None
    total, most = found.sums.total, found.sums.most
    n, leavers, weight, square = (
        total[f"cut:{cut.name}:{name}"][part, contrast] for name in ("n", "leavers", "weight", "square")
    )
    if n.min() == 0:
        return [Reason("one_arm_empty", 0, 1)]
    spread = judging.spreads(found.sums, contrast)
    means = total[f"cut:{cut.name}:balance"][part, contrast] / weight[:, None]
    differences = judging.apart(found.models, means, spread)
    arms = judging.ArmFacts(n, leavers, weight, square, most[f"cut:{cut.name}:heaviest"][part, contrast])
    return judging.broken(arms, differences, median, found.models.contrasts[contrast], options, last_month)


def _part(
    found: Answer, cut: Cut, part: int, contrast: int, effect: Effect, reasons: Sequence[Reason]
) -> Block:
    assert found.sums is not None
    n, leavers = (found.sums.total[f"cut:{cut.name}:{name}"][part, contrast] for name in ("n", "leavers"))
    block = status(reasons, refused=bool(reasons)) | dict.fromkeys(PART_FIELDS)
    block |= {"n_trials": int(n.sum()), "n_treated": int(n[0]), "n_treated_leavers": int(leavers[0])}
    if reasons:
        return block
    difference = effect.difference_pp(effect.horizon)
    return block | {
        "risk_difference_pp": difference[0],
        "se_pp": bootstrap.standard_error(difference),
        "interval_pp": bootstrap.interval(difference),
    }


def event_study_block(found: Answer, options: Options) -> Block:
    """The months around a redemption, of any kind and of each: what members did before, who left after."""
    if found.models is None or found.sums is None or found.estimates is None:
        return status(found.reasons, refused=True) | {"leaving": None, "before": {}, "kinds": {}}
    counts = bootstrap.draws_of(BUCKETS, options.draws, options.seed)
    blocks = {name: _around(found, name, options, counts) for name in found.models.contrasts}
    return blocks.pop(ANY) | {"kinds": blocks}


def _around(found: Answer, name: str, options: Options, counts: Floats) -> Block:
    assert found.models is not None
    assert found.estimates is not None
    refused = found.refused[name]
    if refused:
        return status(refused, refused=True) | {"leaving": None, "before": {}}
    index = found.models.contrasts.index(name)
    before = {one: _before(found, index, one, counts) for one in found.models.measures}
    cautions = [reason for block in before.values() for reason in _unlike(block)]
    leaving = _leaving(found.estimates.contrasts[name].itt, options)
    if not before:
        cautions = [Reason("nothing_before")]
    return status(cautions[:1]) | {"leaving": leaving, "before": before}


def _leaving(effect: Effect, options: Options) -> Block:
    """Who left in which month, of 100 who began: months add up to the difference of the whole horizon."""
    went = [-100 * np.diff(effect.survival(arm), axis=1) for arm in (effect.treated, effect.control)]
    apart = went[0] - went[1]
    ends = [bootstrap.interval(column) for column in apart.T]
    values = (
        [month + options.lag for month in range(effect.horizon)], went[0][0], went[1][0], apart[0],
        [low for low, _ in ends], [high for _, high in ends],
        effect.at_risk_treated.astype(np.int64), effect.at_risk_control.astype(np.int64),
    )  # fmt: skip
    return dict(zip(LEAVING_FIELDS, values, strict=True))


def _before(found: Answer, contrast: int, name: str, counts: Floats) -> Block:
    """The weighted difference of a measure in standard deviations; nothing where few had been in view so long."""
    assert found.sums is not None
    total = found.sums.total
    n = total["before_n"][contrast]
    weight, value = (
        bootstrap.drawn(counts, total[one][:, contrast]) for one in ("before_weight", f"before:{name}")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        means = value / weight
    apart = means[:, 0] - means[:, 1]
    apart[:, n.min(axis=0) < FEWEST_TREATED_TRIALS] = np.nan
    ends = [bootstrap.interval(column) for column in apart.T]
    values = (
        list(MONTHS), apart[0], [low for low, _ in ends], [high for _, high in ends],
        n[0].astype(np.int64), n[1].astype(np.int64),
    )  # fmt: skip
    return dict(zip(BEFORE_FIELDS, values, strict=True))


def _unlike(before: Mapping[str, Any]) -> list[Reason]:
    """Months before in which the arms lie further apart than balance allows, beyond chance."""
    worst = [
        abs(value)
        for value, low, high in zip(*(before[part] for part in ("difference", "low", "high")), strict=True)
        if abs(value) > MOST_IMBALANCE and not low <= 0 <= high
    ]
    return [Reason("unlike_before", float(max(worst)), MOST_IMBALANCE)] if worst else []
