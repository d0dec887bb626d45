"""Kinds beside kinds and ways of asking beside ways of asking: forest plots, the checks as ratios, and what it costs."""

from collections.abc import Iterator, Mapping, Sequence
from math import exp
from typing import Any

from admin.analytics import estimate_words
from admin.analytics.money import PER_REDEMPTIONS
from admin.analytics.raw_gap import Z95
from admin.console.charts.charts import Chart, Column, ends, interval
from admin.console.retention import words
from admin.console.retention.cards import sentence
from base.web.i18n import gettext as _

Block = Mapping[str, Any]
QUADRANTS = ("kept_at_a_cost", "kept_at_no_cost", "nobody_at_a_cost", "nobody_at_no_cost")
Row = tuple[Any, Any, float | None, float | None, float | None, str]


def forest(report: Block, tongue: str) -> Chart:
    """Each estimate in percentage points with its interval; gaps and checks are named as what they are."""
    rows = list(_in_points(report, tongue))
    return Chart(
        "forest",
        _("Every estimate with its interval"),
        _("Below zero fewer left. Where the interval holds zero, no effect is shown."),
        (
            Column(_("Of what")),
            Column(_("What sort")),
            Column(_("Percentage points"), "pp"),
            *interval("pp"),
            Column(_("To be read with it"), "words"),
        ),
        rows,
        _drawn(rows, "pp", 0),
    )


def _in_points(report: Block, tongue: str) -> Iterator[Row]:
    gap, estimate, check = _("gap, not an effect"), _("estimated effect"), _("a check")
    raw = report["raw_gap"]
    yield _("Raw gap"), gap, raw["difference_pp"], *ends(raw["interval_pp"]), raw["caution"][tongue]
    for one in report["landmark"]:
        weighted = one["weighted_difference_pp"]
        value = one["difference_pp"] if weighted is None else weighted
        label = _("Still there after %(at)s months", at=f"{one['at']:g}")
        yield label, check, value, *ends(one["interval_pp"]), _missing(one, tongue)
    if (drawn := report.get("holdout")) is not None:
        label = words.BLOCKS["holdout"]
        yield (
            label,
            _("experiment"),
            drawn["difference_pp"],
            *ends(drawn["interval_pp"]),
            _missing(drawn, tongue),
        )
    trials = report["trials"]
    for name, block in ((words.ANY, trials), *trials["kinds"].items()):
        for asked in ("itt", "per_protocol"):
            one = block[asked]
            label = f"{words.kind(name)}: {words.BLOCKS[asked]}"
            yield label, estimate, one["risk_difference_pp"], *ends(one["interval_pp"]), _missing(one, tongue)


def ratios(report: Block, tongue: str) -> Chart:
    """Checks that compare how often members left; 1 is equally often."""
    found = [
        (words.BLOCKS["cox_ever"], _("wrong on purpose, for the size of the error"), report["cox_ever"]),
        (words.BLOCKS["cox_time_varying"], _("a check"), report["cox_time_varying"]),
        (_("Check at equal time, given traits alike"), _("a check"), (report["cox_time_varying"]["adjusted"] or {}).get("exposed")),
        (words.BLOCKS["pooled_logistic"], _("a check"), _as_ratio(report["pooled_logistic"])),
    ]  # fmt: skip
    rows: list[Row] = [
        (label, what, block["hr"], *ends(block["hr_interval"]), _missing(block, tongue))
        for label, what, block in found
        if block is not None
    ]
    return Chart(
        "ratios",
        _("Checks: how often members left, as a ratio"),
        _("1 is equally often, below 1 less often. These are descriptions, not effects."),
        (
            Column(_("Of what")),
            Column(_("What sort")),
            Column(_("Ratio"), "ratio"),
            *interval("ratio"),
            Column(_("To be read with it"), "words"),
        ),
        rows,
        _drawn(rows, "ratio", 1),
    )


def _as_ratio(block: Block) -> Block:
    if block["odds_ratio"] is None:
        return {**block, "hr": None, "hr_interval": None}
    coef, error = block["coef"], block["se_robust"]
    return {
        **block,
        "hr": block["odds_ratio"],
        "hr_interval": [exp(coef - Z95 * error), exp(coef + Z95 * error)],
    }


def _drawn(rows: Sequence[Row], unit: str, zero: int) -> dict[str, Any] | None:
    shown = [row for row in rows if row[2] is not None]
    if not shown:
        return None
    sorts = list(dict.fromkeys(str(row[1]) for row in shown))
    return {
        "kind": "ranges",
        "unit": unit,
        "zero": zero,
        "names": [str(row[0]) for row in shown],
        "series": [
            {
                "name": sort,
                "quiet": sort == str(shown[0][1]) and shown[0][1] != shown[-1][1],
                "rows": [[nth, *row[2:5]] for nth, row in enumerate(shown) if str(row[1]) == sort],
            }
            for sort in sorts
        ],
    }


def _missing(block: Block, tongue: str) -> str:
    """Why there is no figure, or what to mind."""
    return " ".join(reason["text"][tongue] for reason in block.get("reasons", ()))


def costs(report: Block, tongue: str) -> Chart | None:
    """What a member who stays costs by kind: a price where an effect is shown, else "at least", else that none is."""
    money = report.get("money")
    if money is None:
        return None
    order = [*money["ranking"], *(name for name in money["kinds"] if name not in money["ranking"])]
    rows = [_cost_row(name, money["kinds"][name], tongue) for name in order]
    return Chart(
        "costs",
        words.BLOCKS["money"],
        " ".join(reason["text"][tongue] for reason in money["reasons"]),
        (
            Column(_("Kind")),
            Column(_("In words"), "words"),
            Column(_("Cost of a redemption beyond not redeeming"), "fen"),
            *interval("fen"),
            Column(_("A member who stays costs"), "fen"),
            *interval("fen"),
            Column(_("at least"), "fen"),
            Column(_("Net value of a redemption"), "fen"),
            Column(_("Pays from a margin of"), "fen"),
            Column(_("Kept per 1,000 points"), "decimal"),
            Column(_("Chance of being the best"), "share"),
        ),
        rows,
        _plane(report, order),
        _("Along: members kept by 1,000 redemptions. Upwards: what these cost. Lines are 95-percent intervals, dots the draws "
          "behind them; a hollow sign is a kind whose interval holds zero: for it there is a lower bound of the price, never a "
          "price."),
    )  # fmt: skip


def quadrants(report: Block, tongue: str) -> Chart | None:
    """In which share of the draws a kind keeps somebody, at a cost or at none; nothing of reports that do not hold it."""
    money = report.get("money")
    if money is None or not any("quadrants" in one for one in money["kinds"].values()):
        return None
    rows = [
        (
            words.kind(name),
            *((one["quadrants"] or {}).get(part) for part in QUADRANTS),
            "" if one["quadrants"] else sentence(estimate_words.refusal(one["reasons"], tongue)),
        )
        for name, one in money["kinds"].items()
    ]
    return Chart(
        "quadrants",
        _("Where the draws lie on the cost plane"),
        _("Each row adds up to the whole. Draws show chance alone: not what nobody recorded."),
        (
            Column(_("Kind")),
            Column(_("keeps members at a cost"), "share"),
            Column(_("keeps members at no cost"), "share"),
            Column(_("keeps nobody at a cost"), "share"),
            Column(_("keeps nobody at no cost"), "share"),
            Column(_("In words"), "words"),
        ),
        rows,
    )


def _cost_row(name: str, block: Block, tongue: str) -> tuple[Any, ...]:
    said = (
        block["text"][tongue] if block["text"] else sentence(estimate_words.refusal(block["reasons"], tongue))
    )
    return (
        words.kind(name), said, block["incremental_cost_fen"], *ends(block["interval_fen"]), block["cost_per_retained_fen"],
        *ends(block["cost_interval_fen"]), block["at_least_fen"], block["net_value_fen"], block["break_even_margin_fen"],
        block["retained_per_1000_points"], block["probability_best"],
    )  # fmt: skip


def _plane(report: Block, order: Sequence[str]) -> dict[str, Any] | None:
    """Cost of 1,000 redemptions, in fen, over members kept by them."""
    points = []
    for name in order:
        cost, effect = report["money"]["kinds"][name], report["trials"]["kinds"][name]["itt"]
        if cost["incremental_cost_fen"] is None or effect["risk_difference_pp"] is None:
            continue
        low, high = effect["interval_pp"]
        cloud = cost.get("cloud") or {"retained_per_1000": (), "cost_per_1000_fen": ()}
        points.append({
            "name": words.kind(name),
            "cloud": list(zip(cloud["retained_per_1000"], cloud["cost_per_1000_fen"], strict=True)),
            "x": [-10 * effect["risk_difference_pp"], -10 * high, -10 * low],
            "y": [PER_REDEMPTIONS * fen if fen is not None else None for fen in (cost["incremental_cost_fen"], *cost["interval_fen"])],
            "hollow": cost["cost_per_retained_fen"] is None,
        })  # fmt: skip
    if not points:
        return None
    return {
        "kind": "plane",
        "along": _("members kept by 1,000 redemptions"),
        "upwards": _("cost of 1,000 redemptions"),
        "points": points,
    }
