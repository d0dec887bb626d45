"""The retention report: the raw gap, why it misleads, what is left; as an object and as a page of words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from admin.analytics import (
    cox,
    curves,
    estimate_words,
    holdout,
    pooled,
    study_blocks,
    trial_blocks,
    verdict,
    wording,
)
from admin.analytics.histories import Histories
from admin.analytics.landmark import Landmark, landmark
from admin.analytics.person_months import histories_of
from admin.analytics.protocol import Options
from admin.analytics.raw_gap import CAUTION, LABEL, RawGap, by_kind, raw_gap
from admin.analytics.refusals import FEWEST_AT_RISK, FEWEST_TREATED_LEAVERS, Reason
from admin.analytics.sources import Gathered, Source, gather
from admin.analytics.trial_blocks import status as _status

SCHEMA = "jifen.retention/1"
DECIMALS = 6
STEPS = 6

Block = dict[str, Any]


def retention_report(
    source: Source,
    options: Options | None = None,
    run: Mapping[str, Any] | None = None,
    *,
    fewest_leavers: int = FEWEST_TREATED_LEAVERS,
    done: Callable[[], None] = lambda: None,
) -> Block:
    """The whole report: plain values only, floats to six decimals, None for what was refused.

    `source` is one of: `Histories` (trials only if in whole months); `PersonMonths`; or any iterable of
    `PersonMonths` that can be gone through several times (a list, or an object whose `__iter__` reads the parts
    again), all rows of a member in one part, each part with the same `kinds`, `can` and `covariates`, and with
    `bucket` 0..199 by a hash of the member. Only one part need be in memory at a time; the order of the parts does not
    matter. `options` is the protocol; `run` (code version, hashes, as of) is put in, with seed, draws and protocol
    added. `done` is called after each of the `STEPS`. The same source and options give the same object. Raises
    nothing for data that cannot carry a number: the block says so.
    """
    chosen = options or Options()
    gathered = gather(source)
    if gathered.form == "intervals":
        chosen = replace(chosen, lag=1)
    done()
    report = _descriptions(gathered, chosen, fewest_leavers)
    done()
    report |= _models(gathered, chosen, fewest_leavers, report["cox_time_varying"])
    done()
    found = trial_blocks.answer(gathered, chosen)
    done()
    experiment = holdout.block(gathered.parts, chosen.horizon) if gathered.sample is not None else None
    report |= {
        "trials": trial_blocks.trials_block(found, chosen),
        "diagnostics": trial_blocks.diagnostics_block(found),
        "sensitivity": trial_blocks.sensitivity_block(found, chosen),
        "waterfall": trial_blocks.waterfall_block(found, report["raw_gap"]["difference_pp"]),
        "money": trial_blocks.money_block(found, chosen),
        "cuts": study_blocks.cuts_block(found, chosen, gathered.span[1]),
        "event_study": study_blocks.event_study_block(found, chosen),
        "holdout": experiment,
        "run": _run(run, chosen, gathered),
    }
    done()
    plain: Block = _plain({name: block for name, block in report.items() if block is not None})
    plain["why_they_differ"] = _plain(_why(plain, gathered.histories))
    tipping = plain["sensitivity"]["tipping_point"]
    if tipping is not None:
        tipping["text"] = estimate_words.tipping(tipping["redeem_odds"], plain["trials"]["itt"])
    plain["verdict"] = _plain(verdict.verdict(plain))
    done()
    return plain


def headlines(source: Source, options: Options) -> Block:
    """The raw gap and what the trials say, as in the whole report; without curves, Cox and landmark, which take time."""
    gathered = gather(source)
    found = trial_blocks.answer(gathered, replace(options, study=False))
    plain: Block = _plain(
        {
            "raw_gap": _gaps(gathered),
            "trials": trial_blocks.trials_block(found, options),
            "sensitivity": trial_blocks.sensitivity_block(found, options),
            "money": trial_blocks.money_block(found, options),
        }
    )
    return plain | {"verdict": _plain(verdict.verdict(plain))}


def _descriptions(gathered: Gathered, options: Options, fewest_leavers: int) -> Block:
    """E0 to E3 without covariates: everybody's histories."""
    histories = gathered.histories
    return {
        "schema": SCHEMA,
        "input": _input(gathered),
        "raw_gap": _gaps(gathered),
        "km_ever": _curves(curves.by_ever(histories), ("ever", "never"), options.at, options.horizon),
        "km": _curves(curves.by_exposure(histories), ("exposed", "unexposed"), options.at, None),
        "cox_ever": _cox(cox.ever(histories, fewest_leavers=fewest_leavers), Reason("wrong_on_purpose")),
        "cox_time_varying": _cox(cox.time_varying(histories, fewest_leavers=fewest_leavers)),
    }


def _models(gathered: Gathered, options: Options, fewest_leavers: int, moving: Block) -> Block:
    """What needs covariates month by month: of a sample of members where they are many."""
    part = [] if gathered.whole else [Reason("sample_of_members", _sampled(gathered), None)]
    histories = gathered.histories
    blocks: Block = {}
    if gathered.form == "person_months" and gathered.sample is not None:
        histories = histories_of(gathered.sample)
        if histories.covariates and moving["status"] != "refused":
            adjusted = _cox(cox.time_varying(histories, fewest_leavers=fewest_leavers), *part)
            names = ("status", "reasons", "adjusted")
            blocks["cox_time_varying"] = moving | {name: adjusted[name] for name in names}
    blocks["landmark"] = [
        _landmark(landmark(histories, at, options.horizon, fewest_leavers=fewest_leavers), part)
        for at in options.landmarks
    ]
    blocks["pooled_logistic"] = _pooled(gathered, fewest_leavers, part)
    return blocks


def _sampled(gathered: Gathered) -> int | None:
    return None if gathered.sample is None else gathered.sample.members


def as_text(report: Block, language: str) -> str:
    """The report as a page of plain words in "zh-CN" or "en"; raw gap and check on adjoining lines."""
    tongue = "zh" if language.startswith("zh") else "en"
    return "\n".join(wording.page(report, tongue)) + "\n"


def _run(run: Mapping[str, Any] | None, options: Options, gathered: Gathered) -> Block:
    names = () if gathered.sample is None else tuple(gathered.sample.covariates)
    return dict(run or {}) | {
        "seed": options.seed,
        "draws": options.draws,
        "protocol": options.protocol(names or tuple(gathered.histories.covariates)),
    }


def _input(gathered: Gathered) -> Block:
    histories = gathered.histories
    covariates = histories.covariates if gathered.sample is None else gathered.sample.covariates
    late = int((histories.first_start > 0).sum())
    return _status([Reason("late_entry", late, 0)] if late else []) | {
        "format": gathered.form,
        "unit": histories.unit,
        "rows": gathered.rows,
        "members": histories.members,
        "leavers": int(histories.event.sum()),
        "involuntary": gathered.involuntary,
        "ever_exposed": int(histories.ever.sum()),
        "person_time": float((histories.stop - histories.start).sum()),
        "kinds": list(histories.kinds),
        "covariates": list(covariates),
        "dropped_covariates": list(histories.dropped_covariates),
        "excluded": [dict(one) for one in histories.excluded],
    }


def _gaps(gathered: Gathered) -> Block:
    """The raw gap of any redemption and of each kind, none without its caution."""
    kinds = by_kind(gathered.histories, gathered.of_kind)
    return _gap(raw_gap(gathered.histories)) | {"kinds": {name: _gap(gap) for name, gap in kinds.items()}}


def _gap(gap: RawGap) -> Block:
    values = {name: value for name, value in vars(gap).items() if name != "reasons"}
    return (
        _status(gap.reasons, refused=gap.difference_pp is None)
        | {"label": LABEL["en"], "label_zh": LABEL["zh"], "caution": CAUTION}
        | values
    )


def _curves(
    pair: tuple[curves.Curve, curves.Curve],
    names: tuple[str, str],
    at: Sequence[float],
    horizon: float | None,
) -> Block:
    arms = dict(zip(names, pair, strict=True))
    fewest = min(curve.fewest_at_risk for curve in pair)
    empty = any(math.isnan(curve.survival[0]) for curve in pair)
    reasons = [Reason("one_arm_empty", 0, 1)] if empty else []
    if not empty and fewest < FEWEST_AT_RISK:
        reasons = [Reason("few_at_risk", fewest, FEWEST_AT_RISK)]
    block = _status(reasons, refused=empty) | {
        "at": {f"{time:g}": {name: curve.at(time) for name, curve in arms.items()} for time in at},
    }
    for name, curve in arms.items():
        block[name] = {
            part: getattr(curve, part) for part in ("time", "at_risk", "events", "survival", "low", "high")
        }
    if horizon is None:
        return block | {"method": "simon-makuch"}
    means = {name: curve.mean_within(horizon) for name, curve in arms.items()}
    return block | {"rmst": means | {"difference": means[names[0]] - means[names[1]], "horizon": horizon}}


def _cox(found: cox.Comparison, *reasons: Reason) -> Block:
    return (
        _status([*found.refused, *found.reasons, *reasons], refused=found.exposed is None)
        | _term(found.exposed)
        | {
            "n": found.n,
            "events": found.events,
            "exposed_events": found.exposed_events,
            "ties": "efron",
            "adjusted": {name: _term(term) for name, term in found.adjusted.items()} or None,
        }
    )


def _landmark(found: Landmark, part: Sequence[Reason]) -> Block:
    names = (
        "at", "n", "n_exposed", "risk_exposed", "risk_unexposed", "difference_pp", "weighted_difference_pp",
        "interval_pp",
    )  # fmt: skip
    compared = found.cox
    term = None if compared is None else compared.exposed
    unfitted = [] if compared is None else [*compared.refused, *compared.reasons]
    reasons = dict.fromkeys([*found.reasons, *unfitted, *part])
    return (
        _status(found.refused or list(reasons), refused=bool(found.refused))
        | {name: getattr(found, name) for name in names}
        | {name: value for name, value in _term(term).items() if name != "se_robust"}
        | {
            "adjusted": {name: _term(one) for name, one in compared.adjusted.items()} or None
            if compared is not None
            else None
        }
    )


def _pooled(gathered: Gathered, fewest_leavers: int, part: Sequence[Reason]) -> Block:
    fields = ("coef", "se_robust", "odds_ratio", "terms")
    if gathered.sample is None:
        return _status([Reason("needs_person_months")], refused=True) | dict.fromkeys(fields)
    found = pooled.pooled_logistic(gathered.sample, fewest_leavers=fewest_leavers)
    if found.refused:
        return _status(found.refused, refused=True) | dict.fromkeys(fields)
    return _status(part) | {
        "coef": found.coef[pooled.EXPOSED],
        "se_robust": found.se_robust[pooled.EXPOSED],
        "odds_ratio": found.odds_ratio,
        "terms": {
            name: {"coef": coef, "se_robust": found.se_robust[name]} for name, coef in found.coef.items()
        },
    }


def _term(term: cox.Term | None) -> Block:
    names = ("coef", "se", "se_robust", "hr", "hr_interval")
    return {name: None if term is None else getattr(term, name) for name in names}


def _why(report: Block, histories: Histories) -> Block:
    """How much of the redeemers' time lies before their first redemption, and the sentences about it."""
    length = histories.stop - histories.start
    redeemers = histories.ever[histories.member]
    total = float(length[redeemers].sum())
    share = float(length[redeemers & ~histories.exposed].sum()) / total if total else None
    parts = [report[name] for name in ("raw_gap", "cox_time_varying")]
    missing = [reason for part in parts if part["status"] == "refused" for reason in part["reasons"]]
    return {
        "status": "refused" if missing else "ok",
        "reasons": missing,
        "share_of_time_before_redeeming": share,
        "text": wording.why_they_differ(report, share),
    }


def _plain(value: Any) -> Any:
    """The value with nothing but dicts, lists, text, whole numbers, rounded floats and None."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value.tolist()]
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        # Adding 0.0 turns a rounded -0.0 into 0.0.
        return round(value, DECIMALS) + 0.0 if math.isfinite(value) else None
    return value
