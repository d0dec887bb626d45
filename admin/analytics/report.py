"""The retention report: the raw gap, why it misleads, what is left; as an object and as a page of words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from admin.analytics import cox, curves, wording
from admin.analytics.histories import Histories
from admin.analytics.raw_gap import CAUTION, LABEL, RawGap, raw_gap
from admin.analytics.refusals import FEWEST_AT_RISK, FEWEST_TREATED_LEAVERS, Reason

SCHEMA = "jifen.retention/1"
DECIMALS = 6

Block = dict[str, Any]


def retention_report(
    histories: Histories,
    *,
    at: Sequence[float] = (6, 12),
    horizon: float = 12,
    fewest_leavers: int = FEWEST_TREATED_LEAVERS,
    run: Mapping[str, Any] | None = None,
) -> Block:
    """The blocks of the report that the histories alone can fill; what is not computed is absent.

    `at` are the times at which curves are read, `horizon` that of the mean time still there, both in the
    file's unit; `run` (code version, hashes, seed) is put in as it is. Only plain values, floats to six
    decimals, None for what was refused: the same histories give the same object.
    """
    gap = raw_gap(histories)
    moving = cox.time_varying(histories, fewest_leavers=fewest_leavers)
    fixed = cox.ever(histories, fewest_leavers=fewest_leavers)
    block = {
        "schema": SCHEMA,
        "input": _input(histories),
        "raw_gap": _gap(gap),
        "km_ever": _curves(curves.by_ever(histories), ("ever", "never"), at, horizon),
        "km": _curves(curves.by_exposure(histories), ("exposed", "unexposed"), at, None),
        "cox_ever": _cox(fixed, Reason("wrong_on_purpose")),
        "cox_time_varying": _cox(moving),
    }
    report: Block = _plain(block if run is None else block | {"run": dict(run)})
    report["why_they_differ"] = _plain(_why(report, histories))
    report["verdict"] = _status([Reason("no_trial")], refused=True) | {
        "code": "cannot_say",
        "evidence": "none",
        "text": wording.CANNOT_SAY,
    }
    return report


def as_text(report: Block, language: str) -> str:
    """The report as a page of plain words in "zh-CN" or "en"; raw gap and check on adjoining lines."""
    tongue = "zh" if language.startswith("zh") else "en"
    return "\n".join(wording.page(report, tongue)) + "\n"


def _input(histories: Histories) -> Block:
    late = int((histories.first_start > 0).sum())
    return _status([Reason("late_entry", late, 0)] if late else []) | {
        "format": "intervals",
        "unit": histories.unit,
        "rows": histories.rows,
        "members": histories.members,
        "leavers": int(histories.event.sum()),
        "ever_exposed": int(histories.ever.sum()),
        "person_time": float((histories.stop - histories.start).sum()),
        "kinds": list(histories.kinds),
        "covariates": list(histories.covariates),
        "dropped_covariates": list(histories.dropped_covariates),
        "excluded": [dict(one) for one in histories.excluded],
    }


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


def _status(reasons: Sequence[Reason], *, refused: bool = False) -> Block:
    status = "refused" if refused else "caution" if reasons else "ok"
    return {"status": status, "reasons": [reason.block() for reason in reasons]}


def _plain(value: Any) -> Any:
    """The value with nothing but dicts, lists, text, whole numbers, rounded floats and None."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value.tolist()]
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        # Adding 0.0 turns a rounded -0.0 into 0.0.
        return round(value, DECIMALS) + 0.0 if math.isfinite(value) else None
    return value
