"""The same estimate by parts of the members, and brand beside brand: forest plots of what is stored."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from admin.analytics import study_words
from admin.analytics.cuts import CITY, NAMES
from admin.analytics.runs import Newest
from admin.console.charts.charts import Chart, Column, Drawn, ends, interval
from admin.console.retention import words
from base.web.i18n import both
from base.web.i18n import gettext as _

Block = Mapping[str, Any]
Row = tuple[Any, ...]


def cuts(report: Block, kind: str, cities: Mapping[str, str], tongue: str) -> Chart | None:
    """The estimated effect of a kind by parts of the members, beside that of all; `cities` are names by code."""
    stored = report.get("cuts")
    if stored is None:
        return None
    rows = list(_rows(report, stored, kind, cities, tongue))
    return Chart(
        "cuts",
        _("%(kind)s: by parts of the members", kind=words.kind(kind)),
        " ".join(reason["text"][tongue] for reason in stored["reasons"]),
        (
            Column(_("Of whom")),
            Column(_("By")),
            Column(_("Redeemed in the month"), "number"),
            Column(_("Estimated effect"), "pp"),
            *interval("pp"),
            Column(_("To be read with it"), "words"),
        ),
        rows,
        _drawn(rows),
    )


def cities_of(report: Block) -> list[str]:
    """The codes of the cities that a report tells apart."""
    groups = (report.get("cuts") or {}).get(CITY, {}).get("groups", ())
    return [group["name"] for group in groups if group["name"].isdigit()]


def _rows(report: Block, stored: Block, kind: str, cities: Mapping[str, str], tongue: str) -> Iterator[Row]:
    trials = report["trials"]
    whole = trials if kind == words.ANY else trials["kinds"][kind]
    everybody, itt = _("All members"), whole["itt"]
    yield (
        everybody, everybody, whole["n_treated"], itt["risk_difference_pp"], *ends(itt["interval_pp"]), _missing(itt, tongue)
    )  # fmt: skip
    for cut in (one for one in NAMES if one in stored):
        by = _by(cut, stored[cut])
        for group in stored[cut]["groups"]:
            one = group if kind == words.ANY else group["kinds"][kind]
            name = study_words.part(cut, group, tongue)
            label = f"{words.PARTS[cut]}: {cities.get(name, name)}"
            yield (
                label,
                by,
                one["n_treated"],
                one["risk_difference_pp"],
                *ends(one["interval_pp"]),
                _missing(one, tongue),
            )
        if stored[cut]["status"] == "refused":
            yield by, by, None, None, None, None, _missing(stored[cut], tongue)


def _by(cut: str, block: Block) -> str:
    """What members are parted by; of use, the very measure that these records hold."""
    label = words.BLOCKS[cut]
    column = block["column"]
    return f"{label} ({words.covariate(column)})" if cut == "usage" and column else str(label)


def _missing(block: Block, tongue: str) -> str:
    return " ".join(reason["text"][tongue] for reason in block["reasons"])


def _drawn(rows: Sequence[Row]) -> Drawn | None:
    shown = [row for row in rows if row[3] is not None]
    if not shown:
        return None
    return {
        "kind": "ranges",
        "unit": "pp",
        "zero": 0,
        "names": [str(row[0]) for row in shown],
        "series": [
            {
                "name": str(sort),
                "quiet": sort == rows[0][1],
                "rows": [[nth, *row[3:6]] for nth, row in enumerate(shown) if row[1] == sort],
            }
            for sort in dict.fromkeys(row[1] for row in shown)
        ],
    }


def brands(newest: Sequence[Newest], tongue: str) -> Chart | None:
    """The estimate of any redemption brand beside brand, each of its own newest run; nothing while only one has a run."""
    if len(newest) < 2:
        return None
    rows: list[Row] = [
        (
            both(one.names), one.n_treated, one.itt["risk_difference_pp"], *ends(one.itt["interval_pp"]),
            one.snapshot_at, _missing(one.itt, tongue),
        )
        for one in newest
    ]  # fmt: skip
    shown = [row for row in rows if row[2] is not None]
    drawn = {
        "kind": "ranges",
        "unit": "pp",
        "zero": 0,
        "names": [row[0] for row in shown],
        "series": [
            {"name": str(_("estimated effect")), "rows": [[nth, *row[2:5]] for nth, row in enumerate(shown)]}
        ],
    }
    return Chart(
        "brands",
        _("Brand beside brand: any redemption"),
        _(
            "Each from its own newest analysis. Who is with which brand differs, so their distance is no effect of the brand."
        ),
        (
            Column(_("Brand")),
            Column(_("Redeemed in the month"), "number"),
            Column(_("Estimated effect"), "pp"),
            *interval("pp"),
            Column(_("as of"), "day"),
            Column(_("To be read with it"), "words"),
        ),
        rows,
        drawn if shown else None,
    )
