"""Redemption and staying: the newest stored analysis in plain words. Nothing is computed here."""

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from admin.analytics import estimate_words, runs, wording
from admin.console.http import chosen, page
from admin.console.retention import chart
from base import database
from base.auth.guard import needs
from base.web.i18n import current_language

ARMS = ("exposed", "unexposed")
PARTS = ("survival", "low", "high", "at_risk")
MOST_ROWS = 25

blueprint = Blueprint("retention", __name__)


@blueprint.route("/retention")
@needs("retention:read")
def retention() -> ResponseReturnValue:
    """The raw gap with its caution, beside the check at equal time; why they differ; the curves."""
    with database.begin() as session:
        choice = chosen(session)
        programme = choice["programme"]
        run = runs.latest(session, programme.programme_id) if programme else None
    if run is None:
        return page("console/retention.html", **choice, run=None)
    return page("console/retention.html", **choice, run=run, **_shown(run.report))


def _shown(report: dict[str, Any]) -> dict[str, Any]:
    """The report's figures and sentences in the reader's language."""
    tongue = "zh" if current_language().startswith("zh") else "en"
    gap, check = report["raw_gap"], report["cox_time_varying"]
    drawn = report["km"]["status"] != "refused"
    return {
        "counts": report["input"],
        "facts": report.get("run", {}),
        "gap": gap,
        "gap_words": _sentence(wording.gap_sentence(gap, tongue)),
        "caution": gap["caution"][tongue],
        "check": check,
        "check_words": _sentence(
            wording.check_sentence(report, tongue)
            if check["hr"] is not None
            else estimate_words.refusal(check["reasons"], tongue)
        ),
        "why": report["why_they_differ"]["text"][tongue],
        "verdict": report["verdict"]["text"][tongue],
        "curve_words": wording.curve_lines(report, tongue),
        "notes": wording.notes(report, tongue),
        "chart": chart.of_curves(report["km"], ARMS) if drawn else None,
        "frame": chart,
        "rows": _rows(report["km"]) if drawn else [],
    }


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _rows(km: dict[str, Any]) -> list[dict[str, Any]]:
    """The curves as a table: at most MOST_ROWS times, evenly thinned; shares in basis points, to a tenth of a per cent."""
    times = km[ARMS[0]]["time"]
    every = -(-len(times) // MOST_ROWS)
    return [
        {"time": times[at]} | {arm: {part: _cell(part, km[arm][part][at]) for part in PARTS} for arm in ARMS}
        for at in range(0, len(times), every)
    ]


def _cell(part: str, value: float | None) -> int | None:
    if value is None:
        return None
    return int(value) if part == "at_risk" else 10 * round(value * 1_000)
