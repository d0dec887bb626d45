"""What members said, as charts: satisfaction by area, and the cost of a use beside its rating. Pure but for the language."""

from collections.abc import Mapping, Sequence
from typing import Any

from admin.console.charts.charts import Chart, Column, ends, interval
from admin.console.worth.shown import MOST_DRAWN, Block, row_name, tagged
from base.web import formats
from base.web.i18n import both
from base.web.i18n import gettext as _


def satisfaction(found: Block, called: Mapping[str, str], whole: str) -> Chart:
    """How satisfied members are by area, all of them and those with important cards, beside the goal for these."""
    areas = [(called[one["area"]], one["figures"]) for one in found["parts"]] + [(whole, found["whole"])]
    kinds = (("satisfaction", _("all members")), ("vip_satisfaction", _("important cards")))
    told = [
        (name, figures)
        for name, figures in areas
        if any(figures[kind]["interval_bp"] for kind, _whom in kinds)
    ]
    goal = found["whole"]["vip_satisfaction"]["target_bp"]
    return Chart(
        "satisfaction",
        _("Satisfaction"),
        _("Ratings of four and five stars among all that were given for what was used. The goal for important cards is %(goal)s.",
          goal=formats.percent(goal)),
        (
            Column(_("Area")), Column(_("Of whom")), Column(_("Ratings"), "number"), Column(_("Satisfied"), "bp"),
            *interval("bp"), Column(_("Goal"), "bp"), Column(_("To be read with it"), "words"),
        ),
        [
            (name, str(whom), *_rated(figures[kind]), figures[kind].get("target_bp"), _why_no_share(figures[kind]))
            for name, figures in areas
            for kind, whom in kinds
        ],
        {
            "kind": "ranges", "unit": "percent", "zero": goal / 100, "names": [name for name, _figures in told],
            "series": [
                {"name": str(whom), "rows": [_ranged(nth, figures[kind]) for nth, (_name, figures) in enumerate(told)]}
                for kind, whom in kinds
            ],
        }
        if told
        else None,
        _("Who rates chooses to: compare an area with its own months before."),
    )  # fmt: skip


def _rated(block: Block) -> tuple[Any, ...]:
    return block["rated"], block["share_bp"], *ends(block["interval_bp"])


def _ranged(nth: int, block: Block) -> list[Any]:
    low, high = ends(block["interval_bp"])
    return [nth, *(None if value is None else value / 100 for value in (block["share_bp"], low, high))]


def _why_no_share(block: Block) -> str:
    return both(tagged(block["reasons"][0]["text"])) if block["reasons"] else ""


def cost_rating(rows: Sequence[Block], whole: Block) -> Chart:
    """What a use costs beside what members said of it, the dearest first; dear and unnoticed ones are named."""
    sorted_rows = sorted(rows, key=lambda row: -(row["cost_a_use_fen"] or 0))
    told = [row for row in sorted_rows if row["rating"]["share_bp"] is not None][:MOST_DRAWN]
    share = whole["rating"]["share_bp"]
    return Chart(
        "cost-rating",
        _("Cost against rating"),
        _("Dear is what costs more than bill credit for the same points; unnoticed, what is rated below all offers together even at the best end of its interval. What is both is flagged."),
        (
            Column(_("Offer")), Column(_("Redemptions"), "number"), Column(_("Cost of a use"), "fen"),
            Column(_("Premium on cost"), "signed_bp"), Column(_("Ratings"), "number"), Column(_("Satisfied"), "bp"),
            *interval("bp"), Column(_("In words"), "words"),
        ),
        [_cost_rating_row(row) for row in (*sorted_rows, dict(whole) | {"names": None, "flag": None})],
        {"kind": "ranges", "unit": "percent", "zero": share / 100, "names": [row_name(row) for row in told],
         "series": [{"name": _("satisfied"), "rows": [_ranged(nth, row["rating"]) for nth, row in enumerate(told)]}]}
        if told and share is not None
        else None,
    )  # fmt: skip


def _cost_rating_row(row: Block) -> tuple[Any, ...]:
    said = both(tagged(row["flag"])) if row["flag"] else _why_no_share(row["rating"])
    cost = (row["count"], row["cost_a_use_fen"], row["cost_premium_bp"])
    return row_name(row), *cost, *_rated(row["rating"]), said
