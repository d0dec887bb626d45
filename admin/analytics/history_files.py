"""Member histories out of a file with the columns id,start,stop,event,exposed[,kind] and covariates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from admin.analytics.histories import Bools, Histories, Ints, of_rows
from admin.analytics.tables import (
    MOST_MONTHS,
    HistoryColumnsMissing,
    HistoryColumnTwice,
    HistoryFileUnreadable,
    HistoryFlagNotZeroOrOne,
    HistoryNotANumber,
    HistoryOutOfRange,
    HistoryRowTooShortOrLong,
    HistoryTooManyCategories,
    Table,
)
from base.errors import Invalid

__all__ = [
    "NEEDED",
    "HistoryColumnTwice",
    "HistoryColumnsMissing",
    "HistoryFileUnreadable",
    "HistoryFlagNotZeroOrOne",
    "HistoryNotANumber",
    "HistoryRowTooShortOrLong",
    "HistoryTooManyCategories",
    "read_intervals",
]

NEEDED = ("id", "start", "stop", "event", "exposed")


def read_intervals(
    path: str | Path | Table,
    *,
    unit: str = "month",
    covariates: Sequence[str] | None = None,
    drop_missing: bool = False,
) -> Histories:
    """Read a file of intervals: a row covers (start, stop], `event` 1 = left at stop, `exposed` = state then.

    CSV or Parquet. Rows are counted as a spreadsheet does: the header is row 1. `covariates` names the further
    columns to use (default: all); words become 0/1 columns against the first category, a constant column is
    dropped and named. With `drop_missing` every member with a missing value is left out whole and counted in
    `excluded`: a history with a hole would look like somebody who stayed or never redeemed. Raises a named
    `Invalid`, with `rows` where they help.
    """
    table = path if isinstance(path, Table) else Table(path)
    table.require([*NEEDED, *(covariates or ())])
    others = [name for name in table.names if name not in (*NEEDED, "kind")]
    extra = others if covariates is None else list(dict.fromkeys(covariates))
    member, names = table.words("id")
    start, stop = table.numbers("start"), table.numbers("stop")
    flags = {name: table.flags(name) for name in ("event", "exposed")}
    coded = {name: table.covariate(name) for name in extra}
    if unit == "month":  # each of them may become a row
        table.refuse(HistoryOutOfRange, stop > MOST_MONTHS, column="stop", limit=MOST_MONTHS)
    holes = (member < 0) | np.isnan(start) | np.isnan(stop)
    for _, missing in (*flags.values(), *coded.values()):
        holes |= missing
    if not drop_missing:
        table.refuse_holes(holes)
    keep, excluded = whole_members(member, holes)
    kept = np.flatnonzero(keep)
    member, ids = first_come(member[kept], names)
    used, dropped = table.used({name: column for name, (column, _) in coded.items()}, keep)
    kind = table.kinds("kind") if "kind" in table.names else None
    try:
        return of_rows(
            member,
            start[kept],
            stop[kept],
            flags["event"][0][kept],
            flags["exposed"][0][kept],
            ids=ids,
            row_numbers=kept,
            kind=None if kind is None else kind.code[kept],
            covariates=used,
            unit=unit,
            kinds=() if kind is None else tuple(map(str, kind.names)),
            dropped_covariates=dropped,
            excluded=excluded,
        )
    except Invalid as error:
        if "rows" in error.facts:
            error.facts["rows"] = table.numbered(error.facts["rows"])
        raise


def whole_members(member: Ints, holes: Bools) -> tuple[Bools, tuple[dict[str, object], ...]]:
    """Rows of members without a single hole, and what was left out."""
    size = int(member.max(initial=-1)) + 1
    holed = np.bincount(member[holes & (member >= 0)], minlength=size) > 0
    keep = (member >= 0) & ~np.append(holed, False)[member]
    excluded: list[dict[str, object]] = []
    if holed.any():
        rows = int((~keep & (member >= 0)).sum())
        excluded.append({"reason": "missing_value", "count": int(holed.sum()), "rows": rows})
    if nameless := int((member < 0).sum()):
        excluded.append({"reason": "missing_id", "count": nameless, "rows": nameless})
    return keep, tuple(excluded)


def first_come(member: Ints, names: np.typing.NDArray[np.str_]) -> tuple[Ints, np.typing.NDArray[np.str_]]:
    """Members renumbered in the order in which they first appear, and their names."""
    codes, first, where = np.unique(member, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(codes), dtype=np.int64)
    place[order] = np.arange(len(codes))
    return place[where], names[codes[order]]
