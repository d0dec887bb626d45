"""Two numbers side by side, of any redemption and of each kind; and what the raw gap is made of. From a stored report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from admin.analytics import estimate_words, wording
from admin.console.charts.charts import Chart, Column, ends, interval
from admin.console.retention import words
from base.web.i18n import gettext as _

Block = Mapping[str, Any]


@dataclass(frozen=True)
class Card:
    """A gap that is not an effect, and beside it the estimate: percentage points, below zero fewer left.

    `raw`: the gap is the documents' own, ever against never; else it is that of the trials before they are weighted.
    """

    name: str
    title: str
    gap_pp: float | None
    gap_interval: Sequence[float | None] | None
    gap_words: str
    longer: str
    stayed: tuple[float | None, ...]
    raw: bool
    caution: str
    effect_pp: float | None
    interval: Sequence[float | None] | None
    effect_words: str
    against_nothing: str
    evidence: str
    tipping: str
    refused: bool


def cards(report: Block, tongue: str) -> list[Card]:
    """Any redemption first, then each kind that was compared."""
    trials = report["trials"]
    first = _of(words.ANY, trials, trials["horizon"], tongue)
    gap, unit = report["raw_gap"], report["input"]["unit"]
    tipping = report["sensitivity"]["tipping_point"]
    whole = _with(
        first,
        **_raw(gap, unit, tongue),
        tipping=sentence(tipping["text"][tongue]) if tipping and tipping.get("text") else "",
    )
    drawn = report.get("holdout")
    if drawn is not None:
        whole = _with(whole, **_experiment(drawn, trials["horizon"], tongue))
    found = [whole]
    for name, block in trials["kinds"].items():
        own = gap.get("kinds", {}).get(name)
        card = _of(name, block, trials["horizon"], tongue)
        told = own is not None and own["difference_pp"] is not None
        found.append(_with(card, **_raw(own, unit, tongue, kind=True)) if told else card)
    return found


def _raw(gap: Block, unit: str, tongue: str, *, kind: bool = False) -> dict[str, Any]:
    """The documents' way of counting: ever redeemed against never, in points and in months."""
    return {
        "gap_pp": gap["difference_pp"],
        "gap_interval": gap["interval_pp"],
        "gap_words": sentence(wording.gap_sentence(gap, tongue, kind=kind)),
        "longer": wording.longer(gap, unit, tongue),
        "stayed": (gap["tenure_difference"], *ends(gap["tenure_interval"])),
        "caution": gap["caution"][tongue],
        "raw": True,
    }


def _of(name: str, block: Block, months: int, tongue: str) -> Card:
    """A card of trials; where no raw gap is stored, the gap of a kind is that of its trials before they are weighted."""
    itt, never = block["itt"], block["per_protocol"]
    gap = itt["unweighted_difference_pp"]
    return Card(
        name=name,
        title=words.kind(name),
        gap_pp=gap,
        gap_interval=None,
        gap_words="" if gap is not None else str(words.NO_GAP),
        longer="",
        stayed=(None, None, None),
        raw=False,
        caution=str(words.GAP_OF_A_KIND),
        effect_pp=itt["risk_difference_pp"],
        interval=itt["interval_pp"],
        effect_words=sentence(estimate_words.effect_sentence(itt, months, tongue)),
        against_nothing=sentence(estimate_words.effect_sentence(never, months, tongue)),
        evidence="none" if itt["status"] == "refused" else "emulated_trial",
        tipping="",
        refused=itt["status"] == "refused",
    )


def _experiment(drawn: Block, months: int, tongue: str) -> dict[str, Any]:
    """A holdout outranks every estimate; one that something sorted after the draw takes the number away."""
    refused = drawn["status"] == "refused"
    effect = dict.fromkeys(("retained_per_1000", "interval_pp", "risk_difference_pp")) | {
        "reasons": drawn["reasons"]
    }
    if not refused:
        effect |= {
            "risk_difference_pp": drawn["difference_pp"],
            "interval_pp": drawn["interval_pp"],
            "retained_per_1000": -10 * drawn["difference_pp"],
        }
    elif not any(one["code"] == "sample_ratio" for one in drawn["reasons"]):
        return {}
    return {
        "effect_pp": effect["risk_difference_pp"],
        "interval": effect["interval_pp"],
        "effect_words": sentence(estimate_words.effect_sentence(effect, months, tongue)),
        "evidence": "none" if refused else "experiment",
        "refused": refused,
    }


def _with(card: Card, **changes: Any) -> Card:
    return Card(**(vars(card) | changes))


def table(found: Sequence[Card]) -> Chart:
    """The cards as rows; every gap with its caution in the row."""
    return Chart(
        "two-numbers",
        _("The two numbers of each kind"),
        "",
        (
            Column(_("Redemption")),
            Column(_("Gap, not an effect"), "pp"),
            *interval("pp"),
            Column(_("Stayed longer, not an effect"), "decimal"),
            *interval("decimal"),
            Column(_("Estimated effect"), "pp"),
            *interval("pp"),
            Column(_("Evidence")),
            Column(_("Caution about the gap"), "words"),
        ),
        [
            (
                one.title,
                one.gap_pp,
                *ends(one.gap_interval),
                *one.stayed,
                one.effect_pp,
                *ends(one.interval),
                str(words.EVIDENCE[one.evidence][0]),
                one.caution,
            )
            for one in found
        ],
    )


def waterfall(report: Block, tongue: str) -> Chart:
    """The raw gap in steps that add up to it: unequal time, choice that was measured, what is left."""
    parts, caution = report["waterfall"], report["raw_gap"]["caution"][tongue]
    names = ("raw_gap_pp", "immortal_time_pp", "measured_choice_pp", "effect_pp")
    raw, time, choice, effect = (parts[name] for name in names)
    labels = (
        _("Raw gap, not an effect"),
        _("Had more months in which to redeem"),
        _("Keen members redeem more and leave less"),
        _("What is left: estimated effect"),
    )
    notes = (
        caution,
        _("Members who redeemed had more months in which to do so."),
        _("As far as it is recorded: what was known of members before the month began."),
        _("Of any redemption, among members alike in all that is recorded."),
    )
    rows = list(zip(labels, (raw, time, choice, effect), notes, strict=True))
    if effect is None:
        missing = estimate_words.refusal(parts["reasons"], tongue)
        return Chart(
            "waterfall",
            words.BLOCKS["waterfall"],
            sentence(missing),
            (Column(_("Part")), Column(_("Percentage points"), "pp"), Column(_("In words"), "words")),
            rows[:1],
        )
    return Chart(
        "waterfall",
        words.BLOCKS["waterfall"],
        _(
            "Of a gap of %(raw)s percentage points, %(time)s are unequal time, %(choice)s are a choice that could be "
            "measured, and %(effect)s are left as the estimated effect.",
            raw=_pp(raw), time=_pp(time), choice=_pp(choice), effect=_pp(effect),
        ),
        (Column(_("Part")), Column(_("Percentage points"), "pp"), Column(_("In words"), "words")),
        rows,
        {
            "kind": "waterfall",
            "unit": "pp",
            "names": [str(label) for label in labels],
            "from": [0, raw, raw - time, 0],
            "to": [raw, raw - time, raw - time - choice, effect],
            "values": [raw, time, choice, effect],
        },
    )  # fmt: skip


def _pp(value: float) -> str:
    return Column("", "pp").shown(value)


def sentence(text: str) -> str:
    """The text with a capital."""
    return text[:1].upper() + text[1:]
