"""Whether the estimate may be trusted: balance, weights, overlap, effective sample, controls, other ways of asking, refusals."""

from collections.abc import Iterator, Mapping
from typing import Any

from admin.analytics import estimate_words
from admin.analytics.refusals import MOST_IMBALANCE
from admin.console.charts.charts import Chart, Column, ends, interval
from admin.console.retention import words
from admin.console.retention.cards import sentence
from base.web.i18n import gettext as _

Block = Mapping[str, Any]


def charts(report: Block, tongue: str) -> list[Chart]:
    """What of these the report holds, in the order of the page; refusals always."""
    given = report["diagnostics"]["status"] != "refused"
    diagnostics = [balance(report), overlap(report), sample(report)] if given else []
    return [refusals(report, tongue), *diagnostics, controls(report, tongue), variants(report, tongue)]


def refusals(report: Block, tongue: str) -> Chart:
    """Each figure that is missing or must be read with care: why, and what would supply it."""
    rows = [
        (
            words.block(path),
            str(words.STATUS[block["status"]][0]),
            reason["text"][tongue],
            _figure(reason["found"]),
            _figure(reason["limit"]),
        )
        for path, block in blocks(report)
        for reason in block["reasons"]
    ]
    return Chart(
        "refusals",
        _("What is missing or must be read with care"),
        _("Nothing is missing.") if not rows else "",
        (
            Column(_("Figure")),
            Column(_("State")),
            Column(_("Why, and what would supply it"), "words"),
            Column(_("Found"), "figure"),
            Column(_("Limit"), "figure"),
        ),
        rows,
    )


def blocks(report: Block, path: str = "") -> Iterator[tuple[str, Block]]:
    """Every block that carries a status, with the place where it stands; refused and cautious ones have reasons.

    Parts of the members are left out, for each has its reasons beside it where it is shown.
    """
    for name, inside in report.items():
        if name == "groups":
            continue
        parts = inside if isinstance(inside, list) else [inside]
        for part in parts:
            if isinstance(part, Mapping):
                place = f"{path}.{name}" if path else name
                if part.get("status") in words.STATUS and part["status"] != "ok":
                    yield place, part
                yield from blocks(part, place)


def _figure(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def balance(report: Block) -> Chart:
    """How far the two groups lie apart in what was known before, plain and weighted, in standard deviations."""
    found = report["diagnostics"]
    before, after = found["smd_before"], found["smd_after"]
    names = sorted(before, key=lambda name: -abs(before[name] or 0))
    worst = max((abs(value) for value in after.values() if value is not None), default=0.0)
    return Chart(
        "balance",
        _("Were the two groups alike before?"),
        _("Differences in standard deviations; weighted, none may exceed %(limit)s. The largest is %(worst)s.",
          limit=f"{MOST_IMBALANCE:.1f}", worst=f"{worst:.3f}"),
        (Column(_("Known before")), Column(_("as they are"), "difference"), Column(_("weighted"), "difference")),
        [(words.covariate(name), before[name], after.get(name)) for name in names],
        {
            "kind": "ranges",
            "unit": "difference",
            "zero": 0,
            "limits": [-MOST_IMBALANCE, MOST_IMBALANCE],
            "names": [words.covariate(name) for name in names],
            "series": [
                {"name": label, "rows": [[nth, values.get(name), None, None] for nth, name in enumerate(names)]}
                for label, values in ((_("as they are"), before), (_("weighted"), after))
            ],
        },
    )  # fmt: skip


def overlap(report: Block) -> Chart:
    """How likely members were to redeem, by what they then did; where only one group lies, nothing can be compared."""
    bins = report["diagnostics"]["overlap"]
    treated, control = bins["treated"], bins["control"]
    width = 100 / len(treated)
    labels = [f"{nth * width:g}–{(nth + 1) * width:g}%" for nth in range(len(treated))]
    return Chart(
        "overlap",
        _("How likely were they to redeem?"),
        _("Where a group is missing at some likelihood, the other one has nobody to be compared with."),
        (
            Column(_("Likelihood of redeeming in the month")),
            Column(words.ARMS["treated"], "number"),
            Column(words.ARMS["control"], "number"),
        ),
        list(zip(labels, treated, control, strict=True)),
        {
            "kind": "bars",
            "unit": "share",
            "names": labels,
            "series": [
                {"name": str(words.ARMS[arm]), "values": _shares(values)}
                for arm, values in (("treated", treated), ("control", control))
            ],
        },
    )


def _shares(values: list[int]) -> list[float]:
    whole = sum(values) or 1
    return [round(value / whole, 6) for value in values]


def sample(report: Block) -> Chart:
    """For how many members the weights stand, by arm, and how heavy the heaviest is."""
    found, trials = report["diagnostics"], report["trials"]
    counts = {"treated": trials["n_treated"], "control": trials["n_trials"] - trials["n_treated"]}
    rows: list[tuple[Any, ...]] = [
        (
            str(words.ARMS[arm]),
            counts[arm],
            found["effective_sample"][arm],
            found["effective_sample"][arm] / counts[arm] if counts[arm] else None,
            found["weight_p995"][arm],
        )
        for arm in ("treated", "control")
    ]
    kept = found["per_protocol"]
    if kept and kept["controls"]:
        label = _("redeemed nothing for %(n)s months", n=trials["horizon"])
        last = min(trials["horizon"], len(kept["controls"])) - 1
        count, effective = kept["controls"][last], kept["effective_sample"][last]
        rows.append((label, count, effective, effective / count if count else None, None))
    return Chart(
        "sample",
        _("Weights, and for how many they stand"),
        _("The heaviest weight is %(most)s; it holds %(share)s of its group.",
          most=f"{found['weight_max']:.1f}", share=f"{100 * found['weight_max_share']:.2f}%"),
        (
            Column(_("Group")),
            Column(_("Months of members"), "number"),
            Column(_("Effective sample"), "figure"),
            Column(_("of all"), "share"),
            Column(_("Weights cut at"), "decimal"),
        ),
        rows,
    )  # fmt: skip


def controls(report: Block, tongue: str) -> Chart:
    """Where there can be no effect none may be found; and how strong an unseen trait would have to be."""
    found = report["sensitivity"]
    rows: list[tuple[Any, ...]] = [
        (
            words.BLOCKS[name],
            found[name]["difference_pp"],
            *ends(found[name]["interval_pp"]),
            None,
            " ".join(reason["text"][tongue] for reason in found[name]["reasons"]),
        )
        for name in ("negative_control", "placebo")
    ]
    tipping = found["tipping_point"]
    said = sentence(tipping["text"][tongue]) if tipping and tipping.get("text") else ""
    rows += [
        (_("E-value of the estimate"), None, None, None, found["e_value"], said),
        (_("E-value of the interval's end"), None, None, None, found["e_value_interval"], ""),
    ]
    return Chart(
        "controls",
        _("Where nothing may be found, and what could explain it"),
        said,
        (
            Column(_("Of what")),
            Column(_("Percentage points"), "pp"),
            *interval("pp"),
            Column(_("As a risk ratio"), "ratio"),
            Column(_("In words"), "words"),
        ),
        rows,
    )


def variants(report: Block, tongue: str) -> Chart:
    """The same question asked otherwise."""
    trials = report["trials"]
    first = (_("as asked"), trials["itt"]["risk_difference_pp"], *ends(trials["itt"]["interval_pp"]))
    rows = [
        first,
        *(
            (estimate_words.VARIANTS.get(one["name"], {}).get(tongue, one["name"]), one["itt_pp"], *ends(one["interval_pp"]))
            for one in report["sensitivity"]["variants"]
        ),
    ]  # fmt: skip
    shown = [row for row in rows if row[1] is not None]
    return Chart(
        "variants",
        _("Asked otherwise"),
        _("Where one of these changes its sign, say so."),
        (Column(_("How")), Column(_("Estimated effect"), "pp"), *interval("pp")),
        rows,
        {
            "kind": "ranges",
            "unit": "pp",
            "zero": 0,
            "names": [row[0] for row in shown],
            "series": [
                {"name": _("estimated effect"), "rows": [[nth, *row[1:]] for nth, row in enumerate(shown)]}
            ],
        }
        if shown
        else None,
    )
