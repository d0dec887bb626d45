"""Who is still there, month by month: by arm of the trials, with band and numbers at risk; and the naive curves."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from admin.analytics import estimate_words, wording
from admin.console.charts.charts import Chart, Column, interval
from admin.console.retention import words
from admin.console.retention.cards import sentence
from base.web.i18n import gettext as _

Block = Mapping[str, Any]
ITT, AGAINST_NOTHING, BY_THEN, EVER = "itt", "per_protocol", "by-then", "ever"
MOST_ROWS = 25


def sorts() -> dict[str, Any]:
    """The curves that can be chosen, in order; the last ones are naive."""
    return {
        ITT: _("Redeeming now"),
        AGAINST_NOTHING: _("Against redeeming nothing"),
        BY_THEN: _("By who had redeemed by then"),
        EVER: _("Naive: by who ever redeemed"),
    }


def chart(report: Block, sort: str, kind: str, tongue: str) -> Chart:
    """The curves of a sort; of a kind where they come from trials."""
    if sort in (ITT, AGAINST_NOTHING):
        return _of_trials(report, sort, kind, tongue)
    return _description(report, sort, tongue)


def _of_trials(report: Block, sort: str, kind: str, tongue: str) -> Chart:
    trials = report["trials"]
    block = (trials if kind == words.ANY else trials["kinds"][kind])[sort]
    title = f"{words.kind(kind)}: {sorts()[sort]}"
    if block["curve"] is None:
        return Chart(
            "curves",
            title,
            sentence(estimate_words.refusal(block["reasons"], tongue)),
            _columns(_("Month")),
            (),
        )
    curve = block["curve"]
    # The number at risk of a month stands at its beginning; at the end of the last nobody is followed any further.
    at_risk = [[*curve[f"at_risk_{arm}"], None] for arm in ("treated", "control")]
    bands = (("low", "high"), ("control_low", "control_high"))
    arms = [
        {"at_risk": risk, "survival": curve[arm], "low": curve[low], "high": curve[high]}
        for arm, risk, (low, high) in zip(("treated", "control"), at_risk, bands, strict=True)
    ]
    return Chart(
        "curves",
        title,
        sentence(estimate_words.effect_sentence(block, trials["horizon"], tongue)),
        _columns(_("Month")),
        list(_rows(curve["month"], arms)),
        _drawn(curve["month"], arms, [str(words.ARMS[arm]) for arm in ("treated", "control")], _("months after"), False),
        _("Weighted, so that both groups are alike in all that was known before; numbers at risk are not weighted."),
    )  # fmt: skip


def _description(report: Block, sort: str, tongue: str) -> Chart:
    block = report["km" if sort == BY_THEN else "km_ever"]
    names = ("exposed", "unexposed") if sort == BY_THEN else ("ever", "never")
    labels = (
        (_("had redeemed by then"), _("had not yet redeemed"))
        if sort == BY_THEN
        else (_("ever redeemed"), _("never redeemed"))
    )
    unit = report["input"]["unit"]
    first = _("Month") if unit == "month" else _("Day")
    if block["status"] == "refused":
        return Chart(
            "curves",
            sorts()[sort],
            sentence(estimate_words.refusal(block["reasons"], tongue)),
            _columns(first),
            (),
        )
    arms = [block[name] for name in names]
    times = arms[0]["time"]
    told = " ".join(wording.curve_lines(report, tongue)) if sort == BY_THEN else ""
    note = (
        _("A description: whoever redeems moves from one curve to the other.")
        if sort == BY_THEN
        else report["raw_gap"]["caution"][tongue]
    )
    along = _("months since joining") if unit == "month" else _("days since joining")
    every = -(-len(times) // MOST_ROWS)
    return Chart(
        "curves",
        sorts()[sort],
        told or note,
        _columns(first, labels),
        [row for nth, row in enumerate(_rows(times, arms)) if nth % every == 0],
        _drawn(times, arms, [str(label) for label in labels], along, True),
        note if told else "",
    )  # fmt: skip


def _columns(first: Any, labels: Sequence[Any] | None = None) -> tuple[Column, ...]:
    columns = [Column(first, "decimal" if first == _("Day") else "number")]
    for label in labels or (words.ARMS["treated"], words.ARMS["control"]):
        columns += [
            Column(_("%(group)s: at risk", group=label), "number"),
            Column(_("still there"), "share"),
            *interval("share"),
        ]
    return tuple(columns)


def _rows(times: Sequence[float], arms: Sequence[Block]) -> Iterator[tuple[Any, ...]]:
    parts = ("at_risk", "survival", "low", "high")
    for nth, time in enumerate(times):
        yield (time, *(arm[part][nth] for arm in arms for part in parts))


def _drawn(
    times: Sequence[float], arms: Sequence[Block], names: Sequence[str], along: str, steps: bool
) -> dict[str, Any]:
    lines = [
        {
            "name": name,
            "points": [
                [time, share, low, high]
                for time, share, low, high in zip(
                    times, arm["survival"], arm["low"], arm["high"], strict=True
                )
                if share is not None
            ],
        }
        for name, arm in zip(names, arms, strict=True)
    ]
    return {"kind": "lines", "unit": "share", "along": str(along), "steps": steps, "lines": lines}
