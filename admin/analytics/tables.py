"""A CSV or Parquet file as columns of numbers and words, read in bulk; what is wrong in it is named by its rows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from admin.analytics.histories import (
    SHOWN_ROWS,
    Bools,
    Floats,
    HistoriesEmpty,
    HistoryValuesMissing,
    Ints,
)
from base.errors import Invalid

MOST_CATEGORIES = 20
FEWEST_WORDS = 10
MOST_MONTHS = 119_999  # December of the year 9999
MOST_AMOUNT = 10**15  # fen or points of one member-month: a sum of many stays within 64 bits
ALL_KINDS = "any"
MISSING = ("", "na", "n/a", "nan", "null", "none")
PARQUET_BEGINS = b"PAR1"
HEADER_ROWS = 1


class HistoryFileUnreadable(Invalid):
    """The file cannot be read as CSV text in UTF-8 or as Parquet."""

    zh = "无法按 UTF-8 编码的 CSV 文本或 Parquet 读取该文件。"


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


class HistoryNotWhole(Invalid):
    """A value that must be a whole number of 0 or more is not one."""

    zh = "应为非负整数的值不是。"


class HistoryOutOfRange(Invalid):
    """A number is beyond anything that a history can hold."""

    zh = "数值超出历史记录可能的范围。"


class HistoryFlagNotZeroOrOne(Invalid):
    """A flag is neither 0 nor 1."""

    zh = "标记的值既不是 0 也不是 1。"


class HistoryTooManyCategories(Invalid):
    """A column of words has more categories than can be compared."""

    zh = "文字列的类别过多，无法比较。"


class HistoryKindNameTaken(Invalid):
    """A kind is named "any", which stands for all kinds together."""

    zh = "有类别名为 any；该名称表示所有类别合计。"


class Words(NamedTuple):
    """A column of words: per row an index into the sorted `names`, -1 where the value is missing."""

    code: Ints
    names: NDArray[np.str_]


class Table:
    """One file; the columns keep the order of its rows."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._database = duckdb.connect(config={"threads": 2})
        try:
            with self.path.open("rb") as file:
                self.parquet = file.read(len(PARQUET_BEGINS)) == PARQUET_BEGINS
            self.names = self._open_parquet() if self.parquet else self._open_csv()
        except (OSError, UnicodeError, csv.Error, duckdb.Error) as error:
            raise HistoryFileUnreadable(str(error), file=self.path.name) from error
        self.rows = int(self._one("count(*)"))

    def require(self, wanted: Iterable[str]) -> None:
        """HistoryColumnsMissing for what is not there, HistoryColumnTwice for what is there twice."""
        if absent := [name for name in wanted if name not in self.names]:
            raise HistoryColumnsMissing(columns=absent)
        if twice := sorted({name for name in self.names if self.names.count(name) > 1}):
            raise HistoryColumnTwice(columns=twice)
        if not self.rows:
            raise HistoriesEmpty()

    def numbers(self, name: str) -> Floats:
        """The column as numbers, NaN where a value is missing. HistoryNotANumber with its rows."""
        values = self._fetch(self._number(name), np.float64)
        if not np.isfinite(values).all():
            missing = self._fetch(self._is_missing(name), np.bool_)
            self.refuse(HistoryNotANumber, ~np.isfinite(values) & ~missing, column=name)
            values = np.where(missing, np.nan, values)
        return values

    def months(self, name: str) -> Floats:
        """Whole numbers, or YYYY-MM as year * 12 + month - 1. HistoryNotANumber with its rows."""
        text = self._text(name)
        pattern = f"regexp_full_match({text}, '[0-9]{{4}}-(0[1-9]|1[0-2])(-[0-9]{{2}}( 00:00:00)?)?')"
        if not self._one(f"coalesce(bool_or({pattern}), false)"):
            return self.numbers(name)
        month = f"case when {pattern} then left({text}, 4)::int * 12 + substr({text}, 6, 2)::int - 1 end"
        values = self._fetch(month, np.float64)
        self.refuse(
            HistoryNotANumber, np.isnan(values) & ~self._fetch(self._is_missing(name), np.bool_), column=name
        )
        return values

    def flags(self, name: str) -> tuple[Bools, Bools]:
        """The column as flags, and where it is missing. HistoryFlagNotZeroOrOne with its rows."""
        values = self.numbers(name)
        missing = np.isnan(values)
        self.refuse(HistoryFlagNotZeroOrOne, ~missing & (values != 0) & (values != 1), column=name)
        return values == 1, missing

    def words(self, name: str) -> Words:
        """The column as words."""
        text = f"case when not {self._is_missing(name)} then {self._text(name)} end"
        names = self._database.execute(f"select distinct {text} w from file where w is not null order by 1")
        known = np.array([row[0] for row in names.fetchall()], dtype=np.str_)
        code = self._database.execute(
            f"with named as (select {text} w, row_number() over () r from file), "
            "known as (select w, row_number() over (order by w) - 1 n from (select distinct w from named) "
            "where w is not null) "
            "select coalesce(n, -1) from named left join known using (w) order by r"
        ).fetchnumpy()
        return Words(np.asarray(next(iter(code.values()))).astype(np.int64), known)

    def kinds(self, name: str) -> Words:
        """The column as kinds of redemptions. HistoryTooManyCategories, HistoryKindNameTaken."""
        found = self.words(name)
        if len(found.names) > MOST_CATEGORIES:
            raise HistoryTooManyCategories(column=name, found=len(found.names), limit=MOST_CATEGORIES)
        if ALL_KINDS in found.names:
            self.refuse(HistoryKindNameTaken, found.code == list(found.names).index(ALL_KINDS), column=name)
        return found

    def covariate(self, name: str) -> tuple[Floats | Words, Bools]:
        """The column as numbers, or as words; and where a value is missing.

        A word among numbers is a slip, no category: HistoryNotANumber with its rows, where less than one value in
        `FEWEST_WORDS` is a word.
        """
        missing = self._fetch(self._is_missing(name), np.bool_)
        number = f"{self._number(name)} is not null and isfinite({self._number(name)})"
        if self._one(f"coalesce(bool_and(({number}) or {self._is_missing(name)}), true)"):
            return self.numbers(name), missing
        there, words = (
            self._one(f"count(*) filter (where not {self._is_missing(name)})"),
            self._one(
                f"count(*) filter (where not {self._is_missing(name)} and not coalesce({number}, false))"
            ),
        )
        if words * FEWEST_WORDS < there:
            self.numbers(name)
        return self.words(name), missing

    def used(
        self, columns: Mapping[str, Floats | Words], keep: Bools
    ) -> tuple[dict[str, Floats], tuple[str, ...]]:
        """Covariates of the kept rows as numbers that vary, words as 0/1 against the first; and what did not vary.

        HistoryTooManyCategories.
        """
        used: dict[str, Floats] = {}
        dropped = []
        for name, column in columns.items():
            values = column[keep] if isinstance(column, np.ndarray) else column.code[keep]
            if len(values) and (values == values[0]).all():
                dropped.append(name)
            elif isinstance(column, np.ndarray):
                used[name] = column[keep]
            else:
                present = np.unique(values)
                if len(present) > MOST_CATEGORIES:
                    raise HistoryTooManyCategories(column=name, found=len(present), limit=MOST_CATEGORIES)
                used |= {
                    f"{name}={column.names[one]}": (values == one).astype(np.float64) for one in present[1:]
                }
        return used, tuple(dropped)

    def refuse(self, error: type[Invalid], bad: Bools, **facts: Any) -> None:
        """Raise the error, naming the first bad rows as the file counts them, if any row is bad."""
        if bad.any():
            found = np.flatnonzero(bad)
            raise error(rows=self.numbered(found[:SHOWN_ROWS]), count=len(found), **facts)

    def refuse_holes(self, holes: Bools) -> None:
        """HistoryValuesMissing with its rows."""
        self.refuse(HistoryValuesMissing, holes)

    def numbered(self, rows: Sequence[int] | Ints) -> list[int]:
        """What a reader calls some rows: in CSV the header is row 1 and blank lines count, in Parquet from 1 on."""
        wanted = [int(row) for row in rows]
        if self.parquet:
            return [row + 1 for row in wanted]
        found: dict[int, int] = {}
        last = max(wanted, default=-1)
        for place, (number, _) in enumerate(_records(self.path)):
            found[place] = number
            if place >= last:
                break
        return [found[row] for row in wanted]

    def _open_parquet(self) -> list[str]:
        self._database.execute(f"create view file as select * from read_parquet({_quoted(str(self.path))})")
        return [str(row[0]) for row in self._database.execute("describe file").fetchall()]

    def _open_csv(self) -> list[str]:
        with open(self.path, encoding="utf-8-sig", newline="") as file:
            names = [name.strip() for name in next(csv.reader(file, strict=True), [])]
        if not names or len(set(names)) < len(names):
            self._database.execute("create table file (nothing varchar)")
            return names
        columns = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in names)
        try:
            self._database.execute(
                f"create table file as select * from read_csv({_quoted(str(self.path))}, columns = {{{columns}}}, "
                "auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"')"
            )
        except duckdb.Error:
            self._refuse_widths(len(names))
            raise
        return names

    def _refuse_widths(self, width: int) -> None:
        bad = [number for number, record in _records(self.path) if len(record) != width]
        if bad:
            raise HistoryRowTooShortOrLong(rows=bad[:SHOWN_ROWS], count=len(bad))

    def _text(self, name: str) -> str:
        return f"trim({_named(name)}::varchar)"

    def _is_missing(self, name: str) -> str:
        among = ", ".join(_quoted(word) for word in MISSING)
        return f"({_named(name)} is null or lower({self._text(name)}) in ({among}))"

    def _number(self, name: str) -> str:
        return f"try_cast({self._text(name)} as double)"

    def _fetch(self, expression: str, dtype: type) -> NDArray[Any]:
        found = self._database.execute(f"select {expression} c from file").fetchnumpy()
        column: Any = next(iter(found.values()))
        if isinstance(column, np.ma.MaskedArray):
            gaps, column = np.ma.getmaskarray(column), column.data
            column = np.where(gaps, np.nan, column) if dtype is np.float64 else column
        return np.asarray(column, dtype=dtype)

    def _one(self, expression: str) -> Any:
        row = self._database.execute(f"select {expression} from file").fetchone()
        return row[0] if row else None


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The records below the header with their numbers; blank ones count but do not come."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        next(reader, None)
        for number, record in enumerate(reader, start=1 + HEADER_ROWS):
            if record:
                yield number, record


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
