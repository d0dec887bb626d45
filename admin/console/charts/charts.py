"""A chart: a table of values with headings, what is to be seen in words, and what charts.js may draw of it. Pure.

The page shows a value rounded and in the reader's form; the file of the same rows has it as it is stored.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from base import csv_files
from base.web import formats
from base.web.i18n import lazy_gettext as _

NOTHING = "—"
MINUS = "−"
Drawn = dict[str, Any]


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", MINUS)


def _figure(value: float) -> str:
    """A figure of whatever size: whole ones without a point, small ones with three places."""
    if abs(value) >= 100 or float(value).is_integer():
        return f"{value:,.0f}".replace("-", MINUS)
    return f"{value:.3g}".replace("-", MINUS)


# form of a column: how its values read on the page; whole fen, basis points and shares are stored as they are
FORMS: Mapping[str, Callable[[Any], str]] = {
    "text": str,
    "words": str,
    "number": formats.number,
    "points": formats.number,
    "signed_bp": lambda value: f"{_signed(value / 100)}%",
    "bp": formats.percent,
    "share": lambda value: f"{100 * value:.1f}%",
    "pp": _signed,
    "ratio": lambda value: f"{value:.2f}",
    "difference": lambda value: f"{value:.3f}".replace("-", MINUS),
    "fen": formats.fen,
    "figure": _figure,
    "decimal": lambda value: f"{value:,.2f}".replace("-", MINUS),
    "day": formats.day,
}
UNITS = {
    "fen": "fen",
    "bp": "basis points",
    "signed_bp": "basis points",
    "share": "share of 1",
    "pp": "percentage points",
}


@dataclass(frozen=True)
class Column:
    """A heading and the form of the values below it."""

    text: Any
    form: str = "text"

    @property
    def is_number(self) -> bool:
        """Whether values stand at the right edge."""
        return self.form not in ("text", "words", "day")

    def shown(self, value: Any) -> str:
        """A value as the page says it."""
        return NOTHING if value is None else FORMS[self.form](value)

    @property
    def in_file(self) -> str:
        """The heading in a file, where the unit cannot be seen from the values."""
        unit = UNITS.get(self.form)
        return f"{self.text} [{unit}]" if unit else str(self.text)


@dataclass(frozen=True)
class Chart:
    """Rows under columns. `told` says in words what there is to see; `drawn` is what charts.js draws, None: the table alone.

    `note` stands beneath it and must be read with it; where a row is a raw gap its caution stands in the row itself.
    """

    name: str
    title: Any
    told: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    drawn: Drawn | None = None
    note: str = ""
    links: Mapping[int, str] = field(default_factory=dict)

    @property
    def table(self) -> list[list[str]]:
        """What the page shows."""
        return [
            [str(column.shown(v)) for column, v in zip(self.columns, row, strict=True)] for row in self.rows
        ]


def as_csv(chart: Chart, facts: Mapping[str, str]) -> str:
    """The rows as a file. `facts` (as of, run) stand at the end of each row, so that no row loses where it is from."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow([csv_files.neutralised(one) for one in (*(c.in_file for c in chart.columns), *facts)])
    for row in chart.rows:
        table.writerow([_cell(value) for value in (*row, *facts.values())])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return value if isinstance(value, int | float) else csv_files.neutralised(str(value))


INTERVAL_FROM, INTERVAL_TO = _("95-percent interval from"), _("to (interval)")


def interval(form: str) -> tuple[Column, Column]:
    """The two columns of an interval."""
    return Column(INTERVAL_FROM, form), Column(INTERVAL_TO, form)


def ends(pair: Sequence[float | None] | None) -> tuple[float | None, float | None]:
    """Both ends of an interval, None where there is none."""
    return (pair[0], pair[1]) if pair else (None, None)
