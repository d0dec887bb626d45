"""Person-months out of a file with the columns id,month,left,redeemed_kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from admin.analytics.histories import (
    Bools,
    Floats,
    Histories,
    HistoriesEmpty,
    HistoryBeforeJoining,
    HistoryLeaveBeforeLastRow,
    Ints,
)
from admin.analytics.history_files import NEEDED as INTERVAL_COLUMNS
from admin.analytics.history_files import read_intervals, whole_members
from admin.analytics.person_months import BUCKETS, OWN_BUCKETS, Ints32, PersonMonths, own_or_hashed
from admin.analytics.tables import (
    MOST_AMOUNT,
    MOST_CATEGORIES,
    MOST_MONTHS,
    HistoryNotWhole,
    HistoryOutOfRange,
    HistoryTooManyCategories,
    Table,
    Words,
)
from base.errors import Invalid

NEEDED = ("id", "month", "left", "redeemed_kind")
FLAGS = ("redeemed_before", "involuntary", "negative_control", "placebo")
AMOUNTS = ("cost_fen", "points")
UNDERSTOOD = ("tenure", "arm", *FLAGS, *AMOUNTS)
CAN = "can_"
GROUPS = ("city", "brand")  # told apart beside being covariates, where they are words


class HistoryMonthTwice(Invalid):
    """A member has the same month twice."""

    zh = "同一会员的同一个月出现了两次。"


class HistoryTenureJumps(Invalid):
    """Months since joining do not count on with the months of the calendar."""

    zh = "入网月数没有随日历月份递增。"


class HistoryArmChanges(Invalid):
    """A member changes the arm of the holdout, which is drawn once, before the start."""

    zh = "会员更换了对照实验的组别；组别应在开始之前一次抽定。"


class HistoryKindNotOnOffer(Invalid):
    """A kind was redeemed in a month in which the member could not have had it."""

    zh = "会员在无法兑换某类别的月份兑换了该类别。"


def read(
    path: str | Path,
    *,
    unit: str = "month",
    covariates: Sequence[str] | None = None,
    drop_missing: bool = False,
) -> Histories | PersonMonths:
    """Whatever the file's columns say it is: intervals, or person-months. Raises a named `Invalid`."""
    table = Table(path)
    absent = {form: [name for name in form if name not in table.names] for form in (NEEDED, INTERVAL_COLUMNS)}
    if len(absent[NEEDED]) < len(absent[INTERVAL_COLUMNS]):
        return read_person_months(table, covariates=covariates, drop_missing=drop_missing)
    return read_intervals(table, unit=unit, covariates=covariates, drop_missing=drop_missing)


def read_person_months(
    path: str | Path | Table, *, covariates: Sequence[str] | None = None, drop_missing: bool = False
) -> PersonMonths:
    """Read a file of person-months, CSV or Parquet; members come in the order of their ids.

    `month` is YYYY-MM or a whole number; `left` = 1 in the last row only; `redeemed_kind` empty or a kind. Further
    columns as `read_intervals` takes them, missing values too. Raises a named `Invalid` with `rows`.
    """
    table = path if isinstance(path, Table) else Table(path)
    table.require([*NEEDED, *(covariates or ())])
    columns = _Columns(table, covariates)
    if not drop_missing:
        table.refuse_holes(columns.holes)
    keep, excluded = whole_members(columns.member, columns.holes)
    rows = np.flatnonzero(keep)
    rows = rows[np.lexsort((columns.month[rows], columns.member[rows]))]
    if not len(rows):
        raise HistoriesEmpty()
    codes, place = np.unique(columns.member[rows], return_inverse=True)
    member: Ints32 = place.astype(np.int32)
    columns.check(rows)
    used, dropped = table.used(columns.covariates, keep)
    # `used` counts kept rows in the order of the file.
    order = np.searchsorted(np.flatnonzero(keep), rows)
    before = np.zeros(len(codes), dtype=np.bool_)
    if "redeemed_before" in columns.flags:
        before[member[columns.flags["redeemed_before"][rows]]] = True
    flag = {name: values[rows] for name, values in columns.flags.items()}
    month = columns.month[rows].astype(np.int32)
    return PersonMonths(
        ids=columns.ids[codes],
        member=member,
        month=month,
        tenure=_tenure(columns, rows, member, month),
        left=columns.left[rows],
        kind=columns.kind[rows].astype(np.int8),
        kinds=columns.kinds,
        can={name: values[rows] for name, values in columns.can.items()},
        covariates={name: values[order].astype(np.float32) for name, values in used.items()},
        redeemed_before=before,
        bucket=_buckets(columns.ids[codes]),
        cost_fen=columns.amount("cost_fen", rows),
        points=columns.amount("points", rows),
        involuntary=flag.get("involuntary"),
        negative_control=flag.get("negative_control"),
        placebo=flag.get("placebo"),
        arm=None if columns.arm is None else columns.arm[rows].astype(np.int8),
        arms=columns.arms,
        dropped_covariates=dropped,
        excluded=excluded,
        groups={name: words.code[rows].astype(np.int32) for name, words in columns.groups.items()},
        group_names={name: tuple(map(str, words.names)) for name, words in columns.groups.items()},
    )


class _Columns:
    """The columns of a file of person-months; each row's values as the file has them."""

    def __init__(self, table: Table, covariates: Sequence[str] | None) -> None:
        self._table = table
        self.member, self.ids = table.words("id")
        self.month = table.months("month")
        self.left, missing = table.flags("left")
        self.holes: Bools = (self.member < 0) | np.isnan(self.month) | missing
        self.kind, names = table.kinds("redeemed_kind")
        self.kinds = tuple(map(str, names))
        self.flags = {name: self._flag(name) for name in FLAGS if name in table.names}
        able = [name for name in table.names if name.startswith(CAN)]
        self.can = {name.removeprefix(CAN): self._flag(name) for name in able}
        # A kind on offer that nobody redeemed is a kind all the same.
        self.kinds = (*self.kinds, *sorted(set(self.can) - set(self.kinds)))
        self.numbers = {name: self._whole(name) for name in ("tenure", *AMOUNTS) if name in table.names}
        self.arm, self.arms = self._arms()
        special = {*NEEDED, *UNDERSTOOD, *able}
        others = [name for name in table.names if name not in special]
        self.covariates = {}
        for name in others if covariates is None else dict.fromkeys(covariates):
            self.covariates[name], missing = table.covariate(name)
            self.holes |= missing

    @property
    def groups(self) -> dict[str, Words]:
        """The columns of words by which members are told apart."""
        found = {name: self.covariates.get(name) for name in GROUPS}
        return {name: column for name, column in found.items() if isinstance(column, Words)}

    def check(self, rows: Ints) -> None:
        """Raise the named error of the first rule that some rows break; `rows` sorted by member and month."""
        member, month = self.member[rows], self.month[rows]
        same = member[1:] == member[:-1]
        self._refuse(HistoryNotWhole, month % 1 != 0, rows, column="month")
        self._refuse(HistoryOutOfRange, np.abs(month) > MOST_MONTHS, rows, column="month", limit=MOST_MONTHS)
        self._refuse(HistoryMonthTwice, same & (month[1:] == month[:-1]), rows[1:])
        self._refuse(HistoryLeaveBeforeLastRow, same & self.left[rows][:-1], rows[:-1])
        tenure = self.numbers.get("tenure")
        if tenure is not None:
            self._refuse(HistoryBeforeJoining, tenure[rows] < 0, rows)
            self._refuse(HistoryNotWhole, tenure[rows] % 1 != 0, rows, column="tenure")
            far = tenure[rows] > MOST_MONTHS
            self._refuse(HistoryOutOfRange, far, rows, column="tenure", limit=MOST_MONTHS)
            steps = np.diff(tenure[rows]) != np.diff(month)
            self._refuse(HistoryTenureJumps, same & steps, rows[1:])
        for name in (one for one in AMOUNTS if one in self.numbers):
            values = self.numbers[name][rows]
            self._refuse(HistoryNotWhole, (values < 0) | (values % 1 != 0), rows, column=name)
            self._refuse(HistoryOutOfRange, values > MOST_AMOUNT, rows, column=name, limit=MOST_AMOUNT)
        if self.arm is not None:
            self._refuse(HistoryArmChanges, same & (np.diff(self.arm[rows]) != 0), rows[1:])
        for name, able in self.can.items():
            mine = self.kind[rows] == self.kinds.index(name)
            self._refuse(HistoryKindNotOnOffer, mine & ~able[rows], rows, kind=name)

    def amount(self, name: str, rows: Ints) -> Ints | None:
        """Whole fen or points of some rows."""
        return self.numbers[name][rows].astype(np.int64) if name in self.numbers else None

    def _refuse(self, error: type[Invalid], bad: Bools, rows: Ints, **facts: object) -> None:
        if bad.any():
            everywhere = np.zeros(len(self.month), dtype=np.bool_)
            everywhere[rows[bad]] = True
            self._table.refuse(error, everywhere, **facts)

    def _flag(self, name: str) -> Bools:
        values, missing = self._table.flags(name)
        self.holes |= missing
        return values

    def _whole(self, name: str) -> Floats:
        values = self._table.numbers(name)
        missing = np.isnan(values)
        if name in AMOUNTS:  # no redemption, no amount
            return np.where(missing, 0.0, values)
        self.holes |= missing
        return values

    def _arms(self) -> tuple[Ints | None, tuple[str, ...]]:
        """The arm of a randomised holdout; empty for who is in none."""
        if "arm" not in self._table.names:
            return None, ()
        code, names = self._table.words("arm")
        if len(names) > MOST_CATEGORIES:
            raise HistoryTooManyCategories(column="arm", found=len(names), limit=MOST_CATEGORIES)
        return code, tuple(map(str, names))


def _tenure(columns: _Columns, rows: Ints, member: Ints32, month: Ints32) -> Ints32:
    if "tenure" in columns.numbers:
        return columns.numbers["tenure"][rows].astype(np.int32)
    first = np.flatnonzero(np.diff(member, prepend=-1))
    return month - month[first][member]


def _buckets(ids: NDArray[np.str_]) -> Ints32:
    """Of a few members each its own; of many the hash of the id."""
    if len(ids) <= OWN_BUCKETS:
        return own_or_hashed(len(ids))
    width = ids.dtype.itemsize // 4
    letters = ids.view(np.uint32).reshape(len(ids), width)
    # FNV-1a over the code points; trailing zeros are only how numpy pads a shorter id.
    found = np.full(len(ids), 0xCBF29CE484222325, dtype=np.uint64)
    for column in letters.T:
        mixed = (found ^ column.astype(np.uint64)) * np.uint64(0x100000001B3)
        found = np.where(column > 0, mixed, found)
    return (found % np.uint64(BUCKETS)).astype(np.int32)
