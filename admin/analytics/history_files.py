"""Member histories out of a CSV file with the columns id,start,stop,event,exposed[,kind] and covariates."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admin.analytics.histories import (
    SHOWN_ROWS,
    Bools,
    Floats,
    Histories,
    HistoriesEmpty,
    HistoryValuesMissing,
    Ints,
    of_rows,
)
from base.errors import Invalid

NEEDED = ("id", "start", "stop", "event", "exposed")
MOST_CATEGORIES = 20
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
CHUNK_ROWS = 50_000


class HistoryFileUnreadable(Invalid):
    """The file cannot be read as CSV text in UTF-8."""

    zh = "无法按 UTF-8 编码的 CSV 文本读取该文件。"


class HistoryColumnsMissing(Invalid):
    """The file lacks columns that are needed."""

    zh = "文件缺少必需的列。"


class HistoryColumnTwice(Invalid):
    """A column appears twice."""

    zh = "有重复的列名。"


class HistoryRowTooShortOrLong(Invalid):
    """A row has more or fewer values than the header."""

    zh = "有的行与表头的列数不一致。"


class HistoryNotANumber(Invalid):
    """A value that must be a number is not one."""

    zh = "应为数字的值不是数字。"


class HistoryFlagNotZeroOrOne(Invalid):
    """A flag is neither 0 nor 1."""

    zh = "标记的值既不是 0 也不是 1。"


class HistoryTooManyCategories(Invalid):
    """A covariate of words has more categories than can be compared."""

    zh = "文字协变量的类别过多，无法比较。"


def read_intervals(
    path: str | Path,
    *,
    unit: str = "month",
    covariates: Sequence[str] | None = None,
    drop_missing: bool = False,
) -> Histories:
    """Read a file of intervals: a row covers (start, stop], `event` 1 = left at stop, `exposed` = state then.

    Rows are counted as a spreadsheet does: the header is row 1. `covariates` names the further columns to use
    (default: all); words become 0/1 columns against the first category, a constant column is dropped and
    named. With `drop_missing` every member with a missing value is left out whole and counted in `excluded`:
    a history with a hole would look like somebody who stayed or never redeemed. Raises a named `Invalid`,
    with `rows` where they help.
    """
    table = _Table()
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            records = csv.reader(file, strict=True)
            table.head(next(records, []), covariates)
            for chunk in _chunks(records):
                table.add(chunk)
    except (OSError, UnicodeError, csv.Error) as error:
        raise HistoryFileUnreadable(str(error), file=Path(path).name) from error
    return table.histories(unit, drop_missing)


def _chunks(records: Iterable[list[str]]) -> Iterator[list[tuple[int, list[str]]]]:
    numbered = ((number, record) for number, record in enumerate(records, start=2) if record)
    while chunk := list(islice(numbered, CHUNK_ROWS)):
        yield chunk


@dataclass
class _Table:
    """What has been read so far, column by column."""

    names: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    parts: dict[str, list[NDArray[Any]]] = field(default_factory=dict)

    def head(self, names: Sequence[str], covariates: Sequence[str] | None) -> None:
        self.names = [name.strip() for name in names]
        wanted = [*NEEDED, *(covariates or ())]
        if absent := [name for name in wanted if name not in self.names]:
            raise HistoryColumnsMissing(columns=absent)
        if twice := sorted({name for name in self.names if self.names.count(name) > 1}):
            raise HistoryColumnTwice(columns=twice)
        others = [name for name in self.names if name not in (*NEEDED, "kind")]
        self.extra = others if covariates is None else list(dict.fromkeys(covariates))
        self.parts = {name: [] for name in ("number", "member", *NEEDED[1:], *self.extra)}

    def add(self, chunk: list[tuple[int, list[str]]]) -> None:
        numbers = np.array([number for number, _ in chunk])
        width = len(self.names)
        _refuse(HistoryRowTooShortOrLong, np.array([len(record) != width for _, record in chunk]), numbers)
        values = dict(zip(self.names, zip(*(record for _, record in chunk), strict=True), strict=True))
        self.parts["number"].append(numbers)
        self.parts["member"].append(np.array([self._index(name.strip()) for name in values["id"]]))
        for name in NEEDED[1:]:
            self.parts[name].append(_numbers(values[name], name, numbers))
        for name in self.extra:
            self.parts[name].append(np.array(values[name]))
        self.kinds.update(text.strip() for text in set(values.get("kind", ())) if text.strip())

    def histories(self, unit: str, drop_missing: bool) -> Histories:
        columns = {name: np.concatenate(parts) for name, parts in self.parts.items() if parts}
        if not columns:
            raise HistoriesEmpty()
        member, rows = columns["member"], columns["number"]
        coded = {name: _covariate(columns[name]) for name in self.extra}
        holes = member < 0
        for name in NEEDED[1:]:
            holes |= np.isnan(columns[name])
        for name in self.extra:
            holes |= coded[name][1]
        if holes.any() and not drop_missing:
            _refuse(HistoryValuesMissing, holes, rows)
        keep, excluded = _whole_members(member, holes)
        member, ids = _renumbered(member[keep], list(self.ids))
        for name in ("event", "exposed"):
            flag = columns[name][keep]
            _refuse(HistoryFlagNotZeroOrOne, (flag != 0) & (flag != 1), rows[keep], column=name)
        used, dropped = _used({name: values[keep] for name, (values, _) in coded.items()})
        return of_rows(
            member,
            *(columns[name][keep] for name in NEEDED[1:]),
            ids=ids,
            row_numbers=rows[keep],
            covariates=used,
            unit=unit,
            kinds=tuple(sorted(self.kinds)),
            dropped_covariates=dropped,
            excluded=excluded,
        )

    def _index(self, name: str) -> int:
        return -1 if name.lower() in MISSING else self.ids.setdefault(name, len(self.ids))


def _numbers(texts: Sequence[str], column: str, rows: Ints) -> Floats:
    """The texts as numbers, NaN where a value is missing."""
    try:
        values = np.array(texts, dtype=np.float64)
    except ValueError:
        values = np.array([_number(text) for text in texts])
    _refuse(HistoryNotANumber, np.isinf(values), rows, column=column)
    return values


def _number(text: str) -> float:
    """NaN for a missing value, infinity for what is not a number."""
    if text.strip().lower() in MISSING:
        return np.nan
    try:
        return float(text)
    except ValueError:
        return np.inf


def _covariate(texts: NDArray[np.str_]) -> tuple[NDArray[Any], Bools]:
    """The column as numbers, or as words if a single value is a word; and where a value is missing."""
    values, where = np.unique(texts, return_inverse=True)
    numbers = np.array([_number(text) for text in values])
    missing = np.isnan(numbers)[where]
    if np.isinf(numbers).any():
        return np.char.strip(values)[where], missing
    return numbers[where], missing


def _whole_members(member: Ints, holes: Bools) -> tuple[Bools, tuple[dict[str, Any], ...]]:
    """Rows of members without a single hole, and what was left out."""
    holed = np.unique(member[holes & (member >= 0)])
    keep = (member >= 0) & ~np.isin(member, holed)
    excluded = []
    if holed.size:
        rows = int(np.isin(member, holed).sum())
        excluded.append({"reason": "missing_value", "count": int(holed.size), "rows": rows})
    if (member < 0).any():
        excluded.append(
            {"reason": "missing_id", "count": int((member < 0).sum()), "rows": int((member < 0).sum())}
        )
    return keep, tuple(excluded)


def _renumbered(member: Ints, names: list[str]) -> tuple[Ints, NDArray[np.str_]]:
    kept, index = np.unique(member, return_inverse=True)
    return index.astype(np.int64), np.array(names, dtype=np.str_)[kept]


def _used(columns: dict[str, NDArray[Any]]) -> tuple[dict[str, Floats], tuple[str, ...]]:
    """Covariates as numbers that vary, and the names of those that do not."""
    used: dict[str, Floats] = {}
    dropped = []
    for name, values in columns.items():
        if len(values) and (values == values[0]).all():
            dropped.append(name)
        elif values.dtype.kind == "f":
            used[name] = values
        else:
            categories = np.unique(values)
            if len(categories) > MOST_CATEGORIES:
                raise HistoryTooManyCategories(column=name, found=len(categories), limit=MOST_CATEGORIES)
            used |= {f"{name}={one}": (values == one).astype(np.float64) for one in categories[1:]}
    return used, tuple(dropped)


def _refuse(error: type[Invalid], bad: Bools, rows: Ints, **facts: Any) -> None:
    if bad.any():
        found = rows[bad]
        raise error(rows=[int(row) for row in found[:SHOWN_ROWS]], count=len(found), **facts)
