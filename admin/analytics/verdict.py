"""The verdict: what may be concluded, in one sentence, and on what evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admin.analytics import estimate_words

Block = dict[str, Any]

EXPERIMENT, EMULATED, NOTHING = "experiment", "emulated_trial", "none"


def verdict(report: Mapping[str, Any]) -> Block:
    """`works` and `harms` need a headline without a caution whose interval does not hold 0.

    The headline is the holdout's difference where there is one, else the intention-to-treat estimate of the trials.
    """
    headline, evidence = _headline(report)
    code = _code(headline)
    shown = evidence if headline is not None and headline["status"] != "refused" else NOTHING
    reasons = [] if headline is None else headline["reasons"]
    return {
        "status": "refused" if code == "cannot_say" else "ok",
        "reasons": reasons,
        "code": code,
        "evidence": shown,
        "text": estimate_words.verdict(code, shown, headline, report),
    }


def _headline(report: Mapping[str, Any]) -> tuple[Block | None, str]:
    experiment = report.get("holdout")
    blocked = experiment is not None and any(
        reason["code"] == "sample_ratio" for reason in experiment["reasons"]
    )
    if experiment is not None and (blocked or experiment["status"] != "refused"):
        return {**experiment, "risk_difference_pp": experiment["difference_pp"]}, EXPERIMENT
    return report["trials"]["itt"], EMULATED


def _code(headline: Block | None) -> str:
    if headline is None or headline["status"] == "refused" or headline["interval_pp"] is None:
        return "cannot_say"
    low, high = headline["interval_pp"]
    if low is None or high is None:
        return "cannot_say"
    if low <= 0 <= high:
        return "no_effect_shown"
    if headline["status"] != "ok":
        return "cannot_say"
    return "works" if high < 0 else "harms"
