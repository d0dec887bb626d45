"""The blocks of the report that come from trials: estimates, diagnostics, sensitivity, money, waterfall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from admin.analytics import bootstrap, effects, judging, money, placebos, sensitivity, trials
from admin.analytics.cox import NoFiniteAnswer
from admin.analytics.effects import Effect, Estimates
from admin.analytics.protocol import Options
from admin.analytics.refusals import Reason
from admin.analytics.sources import Gathered
from admin.analytics.trial_rows import ANY
from admin.analytics.trials import Models, Sums

Block = dict[str, Any]
EFFECT_FIELDS = (
    "risk_treated", "risk_control", "risk_difference_pp", "se_pp", "interval_pp", "at", "retained_per_1000",
    "rmst_difference", "rmst_interval", "unweighted_difference_pp", "lagged_difference_pp", "curve",
)  # fmt: skip
COUNT_FIELDS = ("n_members", "n_trials", "n_treated", "n_treated_leavers")


@dataclass(frozen=True)
class Answer:
    """Everything the trials gave, or why they gave nothing; `refused` by contrast (and "CONTRAST per-protocol")."""

    models: Models | None = None
    sums: Sums | None = None
    estimates: Estimates | None = None
    refused: Mapping[str, Sequence[Reason]] = field(default_factory=dict)
    reasons: Sequence[Reason] = ()
    controls: Mapping[str, Effect | Sequence[Reason]] = field(default_factory=dict)

    @property
    def headline(self) -> Effect | None:
        """Any kind against none, intention to treat; None where refused."""
        if self.estimates is None or self.refused[ANY]:
            return None
        return self.estimates.contrasts[ANY].itt

    @property
    def suspicious(self) -> list[Reason]:
        """Controls that found an effect where there can be none."""
        return [
            Reason("negative_control_fails")
            for effect in self.controls.values()
            if isinstance(effect, Effect) and not sensitivity.holds_zero(effect.difference_pp(effect.horizon))
        ]


def answer(gathered: Gathered, options: Options) -> Answer:
    """Fit on the sample, add up all parts, estimate; refuse what the rules refuse."""
    if gathered.sample is None:
        return Answer(reasons=(Reason("needs_person_months"),))
    window = trials.window_of(options, *gathered.span)
    if window.last < window.first:
        months = gathered.span[1] - gathered.span[0] + 1
        return Answer(reasons=(Reason("short_follow_up", months, options.horizon + options.min_history),))
    if not (gathered.sample.kind >= 0).any():
        return Answer(reasons=(Reason("one_arm_empty", 0, 1),))
    try:
        models = trials.fit(gathered.sample, options, gathered.span)
    except NoFiniteAnswer as error:
        return Answer(reasons=(Reason(error.args[0]),))
    total = Sums()
    for part in gathered.parts:
        total = total + trials.sums(part, models, options)
    refused: dict[str, Sequence[Reason]] = {}
    followed = slice(options.lag, options.horizon + options.lag)
    for index, name in enumerate(models.contrasts):
        refused[name] = judging.refusals(total, models, index, options, gathered.span[1])
        refused[kept(name)] = [*refused[name], *judging.refusals_per_protocol(total, index, followed)]
    estimates = effects.estimate(total, models, options.draws, options.seed, lag=options.lag)
    for name, one in estimates.contrasts.items():
        for key, effect in ((name, one.itt), (kept(name), one.per_protocol)):
            refused[key] = refused[key] or unfollowed(effect, options)
    return Answer(models, total, estimates, refused, (), _controls(gathered, options))


def unfollowed(effect: Effect, options: Options) -> list[Reason]:
    """Some month of follow-up in which so few of an arm are still in view that a draw without any of them is likely."""
    if not np.isfinite(effect.difference_pp(effect.horizon)[0]):
        return [Reason("short_follow_up", None, options.horizon)]
    if np.isfinite(effect.difference_pp(effect.horizon)).all():
        return []
    fewest = int(min(effect.at_risk_treated.min(), effect.at_risk_control.min()))
    return [Reason("few_at_risk", fewest)]


def kept(contrast: str) -> str:
    """The key of the reasons of a per-protocol estimate."""
    return f"{contrast} per-protocol"


def _controls(gathered: Gathered, options: Options) -> dict[str, Effect | Sequence[Reason]]:
    """The estimate of each control that the records tell, or why there is none."""
    found: dict[str, Effect | Sequence[Reason]] = {}
    plain = Options(**(vars(options) | {"variants": False, "study": False}))
    for name, made in (("negative_control", placebos.negative_control), ("placebo", placebos.placebo)):
        sample = None if gathered.sample is None else made(gathered.sample)
        if sample is None or not (sample.kind >= 0).any():
            continue
        try:
            models = trials.fit(sample, plain, gathered.span)
        except NoFiniteAnswer as error:
            found[name] = [Reason(error.args[0])]
            continue
        total = Sums()
        for part in gathered.parts:
            changed = made(part)
            if changed is not None:
                total = total + trials.sums(changed, models, plain)
        effect = (
            effects.estimate(total, models, options.draws, options.seed, lag=options.lag).contrasts[ANY].itt
        )
        refused = judging.refusals(total, models, 0, plain, gathered.span[1])
        found[name] = refused or unfollowed(effect, plain) or effect
    return found


def trials_block(found: Answer, options: Options) -> Block:
    """E5 and E6: any kind against none, and each kind."""
    window = found.models.window if found.models else None
    head: Block = {
        "horizon": options.horizon,
        "washout": "ever" if options.washout is None else options.washout,
        "first": window.first if window else None,
        "last": window.last if window else None,
    }
    if found.models is None or found.sums is None:
        none = refused_effect(found.reasons)
        return (
            status(found.reasons, refused=True)
            | head
            | dict.fromkeys(COUNT_FIELDS)
            | {"itt": none, "per_protocol": none, "kinds": {}}
        )
    block = _contrast(found, ANY, options) | head
    block["n_members"] = int(found.sums.total["members"])
    kinds = {name: _contrast(found, name, options) for name in found.models.contrasts if name != ANY}
    worst = block["itt"]["status"]
    reasons = [*found.refused[ANY], *([Reason("within_month_unknown")] if options.lag else [])]
    return status(reasons, refused=worst == "refused") | block | {"kinds": kinds}


def _contrast(found: Answer, name: str, options: Options) -> Block:
    assert found.models is not None
    assert found.sums is not None
    assert found.estimates is not None
    index = found.models.contrasts.index(name)
    n, leavers = found.sums.total["n"][index], found.sums.total["leavers"][index]
    one = found.estimates.contrasts[name]
    suspicious = found.suspicious if name == ANY else []
    itt = effect_block(one.itt, found.refused[name], options, suspicious)
    if itt["status"] != "refused":
        if not options.lag:
            itt["lagged_difference_pp"] = one.lagged.difference_pp(options.horizon)[0]
        itt["unweighted_difference_pp"] = one.unweighted.difference_pp(options.horizon)[0]
    against = effect_block(one.per_protocol, found.refused[kept(name)], options, suspicious)
    if against["status"] != "refused":
        plain = one.unweighted_per_protocol.difference_pp(options.horizon)
        against["unweighted_difference_pp"] = plain[0]
    return {
        "n_trials": int(n.sum()),
        "n_treated": int(n[0]),
        "n_treated_leavers": int(leavers[0]),
        "itt": itt,
        "per_protocol": against,
    }


def effect_block(
    effect: Effect, refused: Sequence[Reason], options: Options, cautions: Sequence[Reason] = ()
) -> Block:
    """One estimate with its interval and curves; nothing but reasons where refused."""
    months = effect.horizon
    if refused:
        return refused_effect(refused)
    treated, control = effect.risks(months)
    difference, rmst = effect.difference_pp(months), effect.rmst_difference()
    return (
        status(cautions)
        | dict.fromkeys(EFFECT_FIELDS)
        | {
            "risk_treated": treated[0],
            "risk_control": control[0],
            "risk_difference_pp": difference[0],
            "se_pp": bootstrap.standard_error(difference),
            "interval_pp": bootstrap.interval(difference),
            "at": {f"{at:g}": _at(effect, int(at)) for at in options.at if at % 1 == 0 and 0 < at <= months},
            "retained_per_1000": -10 * difference[0],
            "rmst_difference": rmst[0],
            "rmst_interval": bootstrap.interval(rmst),
            "curve": _curve(effect),
        }
    )


def _at(effect: Effect, months: int) -> Block:
    treated, control = effect.risks(months)
    difference = effect.difference_pp(months)
    return {
        "risk_treated": treated[0],
        "risk_control": control[0],
        "risk_difference_pp": difference[0],
        "se_pp": bootstrap.standard_error(difference),
        "interval_pp": bootstrap.interval(difference),
    }


def _curve(effect: Effect) -> Block:
    """Shares still there at 0..horizon months; `low` and `high` are the band of the treated arm."""
    arms = {
        name: effect.survival(arm) for name, arm in (("treated", effect.treated), ("control", effect.control))
    }
    bands = {name: [bootstrap.interval(column) for column in values.T] for name, values in arms.items()}
    return {
        "month": list(range(effect.horizon + 1)),
        "treated": arms["treated"][0],
        "control": arms["control"][0],
        "low": [band[0] for band in bands["treated"]],
        "high": [band[1] for band in bands["treated"]],
        "control_low": [band[0] for band in bands["control"]],
        "control_high": [band[1] for band in bands["control"]],
        "at_risk_treated": effect.at_risk_treated.astype(np.int64),
        "at_risk_control": effect.at_risk_control.astype(np.int64),
    }


def refused_effect(reasons: Sequence[Reason]) -> Block:
    """An estimate that is not given."""
    return status(reasons, refused=True) | dict.fromkeys(EFFECT_FIELDS)


def diagnostics_block(found: Answer) -> Block:
    """Balance, weights, overlap and effective sample of "any kind against none"."""
    fields = (
        "smd_before", "smd_after", "weight_max", "weight_max_share", "weight_p995", "weight_cut", "effective_sample", "overlap",
        "median_probability", "per_protocol",
    )  # fmt: skip
    if found.models is None or found.sums is None or found.sums.total["n"][0].min() == 0:
        return status(found.reasons or [Reason("one_arm_empty", 0, 1)], refused=True) | dict.fromkeys(fields)
    before, after = judging.balance(found.sums, found.models, 0)
    effective = judging.effective_sample(found.sums, 0)
    return status([]) | {
        "smd_before": before,
        "smd_after": after,
        "weight_max": float(found.sums.most["heaviest"][0].max()),
        "weight_max_share": judging.heaviest_share(found.sums, 0),
        "weight_p995": dict(zip(judging.ARMS, found.models.percentiles[0], strict=True)),
        "weight_cut": dict(zip(judging.ARMS, found.models.caps[0], strict=True)),
        "effective_sample": dict(zip(judging.ARMS, effective, strict=True)),
        "overlap": found.models.overlap,
        "median_probability": found.models.median,
        "per_protocol": _kept_diagnostics(found.sums),
    }


def _kept_diagnostics(sums: Sums) -> Block:
    """By month of follow-up: controls without a later redemption, and for how many of them their weights stand."""
    n, seen = sums.total["kept_n"][0], sums.total["kept_seen"][:, 0].sum(axis=0)
    square = sums.total["kept_square"][0]
    effective = np.where(square > 0, seen**2 / np.where(square > 0, square, 1), 0.0)
    return {"controls": n.astype(np.int64), "effective_sample": effective}


def money_block(found: Answer, options: Options) -> Block | None:
    """What a retained member costs by kind; None where the records tell no cost."""
    if found.models is None or found.sums is None or found.estimates is None:
        return None
    if "cost_fen" not in found.sums.total:
        return None
    draws = found.estimates.counts[1:]
    kinds, refused = {}, {}
    for index, name in enumerate(found.models.contrasts):
        if name == ANY:
            continue
        kinds[name] = _arm_sums(found.sums, index)
        if found.refused[name]:
            refused[name] = found.refused[name]
    return money.money(kinds, draws, margin_fen=options.margin_fen, refused=refused)


def _arm_sums(sums: Sums, contrast: int) -> money.ArmSums:
    """Control first, then treated, month by month."""

    def turned(values: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float64]:
        return values[:, ::-1]

    seen = sums.total["seen"][:, contrast]
    at_risk = np.cumsum(seen[..., ::-1], axis=-1)[..., ::-1][..., :-1]
    cost = sums.total["cost_fen"][:, contrast]
    points = sums.total["points"][:, contrast] if "points" in sums.total else np.full_like(cost, np.nan)
    left = sums.total["left"][:, contrast, :, :-1]
    return money.ArmSums(turned(at_risk), turned(left), turned(cost), turned(points))


def sensitivity_block(found: Answer, options: Options) -> Block:
    """E-value, tipping point, controls and variants."""
    variants = [
        {"name": name, "itt_pp": values[0], "interval_pp": bootstrap.interval(values)}
        for name, values in (found.estimates.variants.items() if found.estimates else ())
    ]
    block = {
        "negative_control": _control(found, "negative_control"),
        "placebo": _control(found, "placebo"),
    }
    effect = found.headline
    if effect is None:
        reasons = found.refused.get(ANY) or found.reasons
        none = dict.fromkeys(("e_value", "e_value_interval", "tipping_point"))
        return status(reasons, refused=True) | none | block | {"variants": []}
    if not options.lag:
        variants.append(_lagged(found, options))
    point, end = sensitivity.e_values(effect, effect.horizon)
    treated, control = effect.risks(effect.horizon)
    tipping = sensitivity.tipping_point(float(treated[0]), float(control[0]))
    return (
        status(found.suspicious)
        | block
        | {
            "e_value": point,
            "e_value_interval": end,
            "tipping_point": None
            if tipping is None
            else {"redeem_odds": tipping.odds, "leave_odds": tipping.odds},
            "variants": variants,
        }
    )


def _lagged(found: Answer, options: Options) -> Block:
    assert found.estimates is not None
    values = found.estimates.contrasts[ANY].lagged.difference_pp(options.horizon)
    return {"name": "start_next_month", "itt_pp": values[0], "interval_pp": bootstrap.interval(values)}


def _control(found: Answer, name: str) -> Block:
    fields = ("difference_pp", "interval_pp")
    if name not in found.controls:
        return status([Reason("no_column")], refused=True) | dict.fromkeys(fields)
    effect = found.controls[name]
    if not isinstance(effect, Effect):
        return status(effect, refused=True) | dict.fromkeys(fields)
    values = effect.difference_pp(effect.horizon)
    failed = not sensitivity.holds_zero(values)
    reasons = [Reason("negative_control_fails")] if failed else []
    return status(reasons) | {"difference_pp": values[0], "interval_pp": bootstrap.interval(values)}


def waterfall_block(found: Answer, raw_gap_pp: float | None) -> Block:
    """The raw gap in three parts that add up to it: unequal time, choice that was measured, estimated effect."""
    fields = ("raw_gap_pp", "immortal_time_pp", "measured_choice_pp", "effect_pp")
    effect = found.headline
    if effect is None or raw_gap_pp is None or found.estimates is None:
        reasons = found.refused.get(ANY) or found.reasons or [Reason("one_arm_empty", 0, 1)]
        return status(reasons, refused=True) | dict.fromkeys(fields) | {"raw_gap_pp": raw_gap_pp}
    plain = float(found.estimates.contrasts[ANY].unweighted.difference_pp(effect.horizon)[0])
    estimate = float(effect.difference_pp(effect.horizon)[0])
    parts = (raw_gap_pp, raw_gap_pp - plain, plain - estimate, estimate)
    return status([]) | dict(zip(fields, parts, strict=True))


def status(reasons: Sequence[Reason], *, refused: bool = False) -> Block:
    """`status` and `reasons` as every block carries them."""
    what = "refused" if refused else "caution" if reasons else "ok"
    return {"status": what, "reasons": [reason.block() for reason in reasons]}
