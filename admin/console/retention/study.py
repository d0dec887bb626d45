"""The months around a redemption: what both groups did before, as a check; who left in which month after it."""

from collections.abc import Mapping
from typing import Any

from admin.analytics import estimate_words, study_words
from admin.analytics.refusals import MOST_IMBALANCE
from admin.console.charts.charts import MINUS, Chart, Column, interval
from admin.console.retention import words
from admin.console.retention.cards import sentence
from base.web.i18n import gettext as _

Block = Mapping[str, Any]


def charts(report: Block, kind: str, tongue: str) -> list[Chart]:
    """Before and after, of any redemption or of a kind; nothing of a report that was stored without them."""
    study = report.get("event_study")
    if study is None:
        return []
    block = study if kind == words.ANY else study["kinds"].get(kind, study)
    return [_before(block, kind, tongue), _after(block, kind, report, tongue)]


def _before(block: Block, kind: str, tongue: str) -> Chart:
    columns = (
        Column(_("What is compared")),
        Column(_("Month, 0 as it opens"), "number"),
        Column(_("Difference in standard deviations"), "difference"),
        *interval("difference"),
        Column(words.ARMS["treated"], "number"),
        Column(words.ARMS["control"], "number"),
    )
    title = _("%(kind)s: before it, were both groups alike?", kind=words.kind(kind))
    if not block["before"]:
        missing = sentence(estimate_words.refusal(block["reasons"], tongue))
        return Chart("before", title, missing, columns, ())
    rows, lines = [], []
    for name, one in block["before"].items():
        label = words.covariate(name)
        parts = list(zip(*(one[part] for part in ("month", "difference", "low", "high")), strict=True))
        lines.append({"name": label, "points": parts})
        for nth, (month, value, low, high) in enumerate(parts):
            rows.append((label, month, value, low, high, one["n_treated"][nth], one["n_control"][nth]))
    return Chart(
        "before",
        title,
        _told(block, tongue),
        columns,
        rows,
        {
            "kind": "months",
            "unit": "difference",
            "along": str(_("months before the redemption")),
            "limits": [-MOST_IMBALANCE, MOST_IMBALANCE],
            "lines": lines,
        },
        f"{study_words.NOBODY_BEFORE[tongue]} {study_words.NOTHING_AFTER[tongue]}",
    )


def _told(block: Block, tongue: str) -> str:
    """The largest difference of each measure, and the caution where one is too large."""
    said = [
        _(
            "%(what)s: at most %(value)s standard deviations apart, in month %(month)s.",
            what=words.covariate(name), value=f"{abs(found[0]):.2f}", month=f"{MINUS}{found[1]}",
        )
        for name, one in block["before"].items()
        if (found := study_words.furthest(one)) is not None
    ]  # fmt: skip
    return " ".join([*said, *(reason["text"][tongue] for reason in block["reasons"])])


def _after(block: Block, kind: str, report: Block, tongue: str) -> Chart:
    columns = (
        Column(_("Month"), "number"),
        Column(_("%(group)s: at risk", group=words.ARMS["treated"]), "number"),
        Column(_("left in it, of 100"), "decimal"),
        Column(_("%(group)s: at risk", group=words.ARMS["control"]), "number"),
        Column(_("left in it, of 100"), "decimal"),
        Column(_("Difference"), "pp"),
        *interval("pp"),
    )
    title = _("%(kind)s: after it, who left in which month?", kind=words.kind(kind))
    after = block["leaving"]
    if after is None:
        missing = sentence(estimate_words.refusal(block["reasons"], tongue))
        return Chart("leaving", title, missing, columns, ())
    names = (
        "month", "at_risk_treated", "treated", "at_risk_control", "control", "difference_pp", "low", "high",
    )  # fmt: skip
    rows = list(zip(*(after[name] for name in names), strict=True))
    trials = report["trials"]
    effect = (trials if kind == words.ANY else trials["kinds"][kind])["itt"]
    return Chart(
        "leaving",
        title,
        _("The months add up to the estimated effect of the whole time:")
        + " "
        + estimate_words.effect_sentence(effect, trials["horizon"], tongue),
        columns,
        rows,
        {
            "kind": "months",
            "unit": "pp",
            "along": str(_("months after, 0 is the month of the redemption")),
            "limits": [],
            "lines": [{"name": str(_("estimated effect")), "points": [(row[0], *row[5:]) for row in rows]}],
        },
        _(
            "Of all who began, so that whoever left earlier counts in no later month. Numbers at risk are not weighted."
        ),
    )
