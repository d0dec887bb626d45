"""Figures that were taken, as charts: the mix beside its target, premiums, the liability, areas. Pure but for the language."""

from collections.abc import Mapping, Sequence
from typing import Any

from admin.console.charts.charts import Chart, Column, interval
from admin.console.words import HEAPS, LOT_CLASSES, OFFER_KINDS
from base.web import formats
from base.web.i18n import both
from base.web.i18n import gettext as _

Block = Mapping[str, Any]
MOST_DRAWN = 20


def mix_now(week: Block) -> Chart:
    """A week's heaps beside the target; what is unattributed is a heap of its own."""
    rows = [
        (
            str(HEAPS[one["heap"]]), one["points"], one["count"], one["cost_fen"], one["points_bp"], one["count_bp"],
            one["cost_bp"], one["target_bp"], one["drift_bp"],
        )
        for one in week["heaps"]
    ]  # fmt: skip
    series = [{"name": _("share of the points"), "values": [row[4] / 100 for row in rows]}]
    if week["target"]:
        series.append(
            {"name": _("target"), "values": [None if row[7] is None else row[7] / 100 for row in rows]}
        )
    days = _(
        "Week of %(first)s to %(last)s.",
        first=formats.day(week["from_day"]),
        last=formats.day(week["until_day"]),
    )
    some = any(row[1] for row in rows)
    return Chart(
        "mix",
        _("What points were redeemed for"),
        days if some else f"{days} {_('Nothing was redeemed.')}",
        (
            Column(_("Heap")),
            Column(_("Points"), "points"),
            Column(_("Redemptions"), "number"),
            Column(_("Cost"), "fen"),
            Column(_("Share of points"), "bp"),
            Column(_("of redemptions"), "bp"),
            Column(_("of cost"), "bp"),
            Column(_("Target"), "bp"),
            Column(_("Drift"), "signed_bp"),
        ),
        rows,
        {"kind": "bars", "unit": "percent", "across": True, "names": [row[0] for row in rows], "series": series}
        if some
        else None,
        _("What cannot be told apart stays unattributed and is shared out to nobody."),
    )  # fmt: skip


def mix_weeks(weeks: Sequence[Block]) -> Chart:
    """Shares of the points week by week, the newest first; rates that began in a week are named in its row."""
    heaps = [one["heap"] for one in weeks[0]["heaps"]]
    rows = [
        (
            week["from_day"],
            *(one["points_bp"] for one in week["heaps"]),
            sum(one["points"] for one in week["heaps"]),
            "; ".join(_rate_change(one) for one in week["rate_changes"]),
        )
        for week in weeks
    ]
    oldest_first = list(reversed(weeks))
    return Chart(
        "weeks",
        _("The mix by week"),
        _("Shares of the points redeemed; weeks in which a rate began are named in the table."),
        (
            Column(_("Week from"), "day"),
            *(Column(HEAPS[heap], "bp") for heap in heaps),
            Column(_("Points"), "points"),
            Column(_("Rates that began"), "words"),
        ),
        rows,
        {
            "kind": "bars",
            "unit": "percent",
            "stacked": True,
            "most": 100,
            "names": [formats.month_day(one["from_day"]) + (" *" if one["rate_changes"] else "") for one in oldest_first],
            "series": [
                {"name": str(HEAPS[heap]), "values": [one["heaps"][nth]["points_bp"] / 100 for one in oldest_first]}
                for nth, heap in enumerate(heaps)
            ],
        },
        _("* a rate began in this week"),
    )  # fmt: skip


def _rate_change(rate: Block) -> str:
    place = OFFER_KINDS.get(rate["kind"], rate["kind"]) if rate["kind"] else _("all offers")
    worth = _(
        "%(points)s for %(worth)s",
        points=formats.points(rate["rate_points"]),
        worth=formats.fen(rate["per_fen"]),
    )
    return f"{formats.day(rate['from_day'])} {place}: {worth}"


def premium(rows: Sequence[Block], name: str, title: str, first: str, *, listed: bool) -> Chart:
    """What a point is worth in each row beside bill credit, and costs; the label follows from the number."""
    columns = [Column(first), Column(_("Kind"))]
    columns += (
        [Column(_("Price"), "points")]
        if listed
        else [Column(_("Redemptions"), "number"), Column(_("Points"), "points")]
    )
    columns += [
        Column(_("Worth"), "fen"),
        Column(_("Cost"), "fen"),
        Column(_("Premium for members"), "signed_bp"),
        Column(_("the same on cost"), "signed_bp"),
        Column(_("In words"), "words"),
    ]
    table = [_premium_row(row, listed) for row in rows]
    drawn = [(row, nth) for nth, row in enumerate(rows) if row["premium_bp"] is not None][:MOST_DRAWN]
    return Chart(
        name,
        title,
        _("Above zero a point is worth more there than as bill credit. The best offers are worth more to members and cost less."),
        columns,
        table,
        {
            "kind": "ranges",
            "unit": "percent",
            "zero": 0,
            "names": [table[nth][0] for _row, nth in drawn],
            "series": [
                {
                    "name": label,
                    "rows": [
                        [at, None if row[part] is None else row[part] / 100, None, None]
                        for at, (row, _nth) in enumerate(drawn)
                    ],
                }
                for label, part in ((_("premium for members"), "premium_bp"), (_("the same on cost"), "cost_premium_bp"))
            ],
        }
        if drawn
        else None,
        _("The drawing shows the first %(n)s rows.", n=MOST_DRAWN) if len(drawn) < len(rows) and drawn else "",
    )  # fmt: skip


def _premium_row(row: Block, listed: bool) -> tuple[Any, ...]:
    name = row_name(row)
    counted = (row["price_points"],) if listed else (row["count"], row["points"])
    said = [both(tagged(row[label])) for label in ("label", "cost_label") if row[label]]
    kind = str(OFFER_KINDS.get(row.get("kind") or "", "")) or None
    return (
        name,
        kind,
        *counted,
        row["value_fen"],
        row["cost_fen"],
        row["premium_bp"],
        row["cost_premium_bp"],
        "; ".join(said),
    )


def row_name(row: Block) -> str:
    """What a row of offers or merchants is called; without a name it is all of them."""
    return both(row.get("names")) or row.get("code") or row.get("merchant") or _("All together")


def tagged(texts: Mapping[str, str]) -> dict[str, str]:
    """Words of a report as a page picks them."""
    return {"en": texts["en"], "zh-CN": texts["zh"]}


def cohorts(found: Block) -> Chart:
    """The liability by issue month and class: what is there, and what of it is expected to lapse."""
    rows = [
        (
            row["issued"], str(LOT_CLASSES.get(row["class"], row["class"])), row["points"], row["expected_to_lapse"],
            *row["expected_to_lapse_interval"], row["value_fen"], row["liability_fen"], row["upper_liability_fen"],
        )
        for row in found["cohorts"]
    ]  # fmt: skip
    months = sorted({row["issued"] for row in found["cohorts"]})
    by_month = {name: dict.fromkeys(months, 0) for name in ("points", "expected_to_lapse")}
    for row in found["cohorts"]:
        for name, values in by_month.items():
            values[row["issued"]] += row[name]
    return Chart(
        "cohorts",
        _("Points by the month they were earned in"),
        _("Of %(points)s that are there, %(lapse)s are expected to lapse.",
          points=formats.points(found["total"]["points"]), lapse=formats.points(found["total"]["expected_to_lapse"])),
        (
            Column(_("Earned in")),
            Column(_("Class")),
            Column(_("Points"), "points"),
            Column(_("Expected to lapse"), "points"),
            *interval("points"),
            Column(_("Worth at fair value"), "fen"),
            Column(_("Liability"), "fen"),
            Column(_("Liability as bill credit"), "fen"),
        ),
        rows,
        {
            "kind": "bars",
            "unit": "number",
            "stacked": True,
            "names": months,
            "series": [
                {"name": _("expected to be redeemed"),
                 "values": [by_month["points"][m] - by_month["expected_to_lapse"][m] for m in months]},
                {"name": _("expected to lapse"), "values": [by_month["expected_to_lapse"][m] for m in months]},
            ],
        } if rows else None,
    )  # fmt: skip


def breakage(found: Block) -> Chart:
    """From what all points would be as bill credit to the liability, in steps."""
    total = found["total"]
    upper, value, owed = total["upper_fen"], total["value_fen"], total["liability_fen"]
    labels = (
        _("All points as bill credit"),
        _("Redeemed otherwise, it costs"),
        _("Expected to lapse"),
        _("Liability"),
    )
    steps = (upper, value - upper, owed - value, owed)
    low, high = total["liability_interval_fen"]
    return Chart(
        "breakage",
        _("How the liability comes about"),
        _("The liability is %(owed)s (95 percent: %(low)s to %(high)s).",
          owed=formats.fen(owed), low=formats.fen(low), high=formats.fen(high)),
        (Column(_("Step")), Column(_("Money"), "fen")),
        list(zip(labels, steps, strict=True)),
        {
            "kind": "waterfall",
            "unit": "yuan",
            "names": list(labels),
            "from": [0, upper / 100, value / 100, 0],
            "to": [upper / 100, value / 100, owed / 100, owed / 100],
            "values": [step / 100 for step in steps],
        },
    )  # fmt: skip


def soon(found: Block) -> Chart:
    """What lapses in the next months: live now, and expected to be left by then."""
    return Chart(
        "soon",
        _("What lapses soon"),
        "",
        (
            Column(_("From")),
            Column(_("Until")),
            Column(_("Points there now"), "points"),
            Column(_("Expected to be left by then"), "points"),
        ),
        [
            (one["from_day"], one["until_day"], one["points"], one["expected_to_lapse"])
            for one in found["lapses_soon"]
        ],
    )


AREA_COLUMNS = (
    ("opening", "number"), ("joined", "number"), ("left", "number"), ("left_involuntary", "number"), ("members", "number"),
    ("satisfaction_bp", "bp"), ("exit_rate_bp", "bp"), ("loyalty_bp", "bp"), ("silent", "number"), ("silent_bp", "bp"), ("vip", "number"),
    ("vip_covered_bp", "bp"), ("groups", "number"), ("groups_not_served", "number"), ("points_earned", "points"),
    ("points_redeemed", "points"), ("cost_fen", "fen"), ("points_lapsing", "points"),
)  # fmt: skip


def areas(
    found: Block, called: Mapping[str, str], whole: str, labels: Mapping[str, Any], links: Mapping[int, str]
) -> Chart:
    """The parts of an area and under them the area itself, which they add up to; rates are reckoned from the sums."""
    parts = found["parts"]
    rows = [_area_row(called[one["area"]], one["figures"]) for one in parts]
    with_rate = [
        (row, one) for row, one in zip(rows, parts, strict=True) if one["figures"]["exit_rate_bp"] is not None
    ]
    return Chart(
        "areas",
        _("Areas"),
        _("Parts add up to the whole; rates are reckoned from the sums, never averaged."),
        (Column(_("Area")), *(Column(labels[name], form) for name, form in AREA_COLUMNS), Column(_("To be read with it"), "words")),
        [*rows, _area_row(whole, found["whole"])],
        {
            "kind": "bars",
            "unit": "percent",
            "across": True,
            "names": [row[0] for row, _one in with_rate],
            "series": [
                {"name": str(labels[name]),
                 "values": [None if one["figures"][name] is None else one["figures"][name] / 100 for _row, one in with_rate]}
                for name in ("exit_rate_bp", "loyalty_bp")
            ],
        } if with_rate else None,
        "",
        links,
    )  # fmt: skip


def _area_row(name: str, figures: Block) -> tuple[Any, ...]:
    said = " ".join(both(tagged(reason["text"])) for reason in figures["reasons"])
    return name, *(figures[part] for part, _form in AREA_COLUMNS), said
