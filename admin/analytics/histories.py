"""Member histories: who was at risk of leaving from when to when, and had they redeemed by then?

A history is one or more rows (start, stop]. Time counts from joining (0) in the unit of the file, month by
default. Month t of a membership is the row (t, t+1]. Gaps between rows and a first start above 0 (late entry)
are allowed: nobody is at risk there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from base.errors import Invalid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.str_]

NEVER = -1
SHOWN_ROWS = 10


class HistoriesEmpty(Invalid):
    """There is not a single row of member history."""

    zh = "没有任何会员历史记录。"


class HistoryValuesMissing(Invalid):
    """Some values are missing."""

    zh = "有缺失的值。"


class HistoryBeforeJoining(Invalid):
    """A row begins, or a redemption is dated, before the member joined."""

    zh = "记录或兑换日期早于会员入网时间。"


class HistoryStopNotAfterStart(Invalid):
    """A row stops at or before its start."""

    zh = "记录的结束时间不晚于开始时间。"


class HistoryRowsBackward(Invalid):
    """Rows of one member run backward in time."""

    zh = "同一会员的记录时间倒退。"


class HistoryRowsOverlap(Invalid):
    """Rows of one member overlap."""

    zh = "同一会员的记录时间重叠。"


class HistoryLeaveBeforeLastRow(Invalid):
    """A member left before the last row of the history."""

    zh = "会员在最后一条记录之前已标记离网。"


class HistoryRedeemedAfterLastMonth(Invalid):
    """A redemption is dated after the member's last month."""

    zh = "兑换日期晚于会员的最后一个月。"


class HistoryMemberTwice(Invalid):
    """A member appears twice."""

    zh = "同一会员出现了两次。"


@dataclass(frozen=True, eq=False)
class Histories:
    """Checked rows, sorted by member, then by time; read-only. Build one with `of_rows` or `from_members`.

    `ids` and `ever` have one value per member, everything else one per row; `member` is the row's index into
    `ids`. `ever` says who ever redeemed, also in the last month, after which no exposed row follows. `kind`, where it
    is told, is an index into `kinds`, -1 for none.
    """

    ids: Texts
    member: Ints
    start: Floats
    stop: Floats
    event: Bools
    exposed: Bools
    ever: Bools
    unit: str = "month"
    kinds: tuple[str, ...] = ()
    kind: Ints | None = None
    covariates: Mapping[str, Floats] = field(default_factory=dict)
    dropped_covariates: tuple[str, ...] = ()
    excluded: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        for array in (self.ids, self.member, self.start, self.stop, self.event, self.exposed, self.ever):
            array.setflags(write=False)
        for values in self.covariates.values():
            values.setflags(write=False)

    @property
    def members(self) -> int:
        """How many members there are."""
        return len(self.ids)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.start)

    @property
    def first_start(self) -> Floats:
        """Time since joining at which each member is first seen; above 0 means late entry."""
        return self.start[np.searchsorted(self.member, np.arange(self.members))]

    @property
    def tenure(self) -> Floats:
        """Time from joining to the last that is known of each member."""
        return self.stop[self._last_rows]

    @property
    def left(self) -> Bools:
        """Who left."""
        return self.event[self._last_rows]

    @property
    def _last_rows(self) -> Ints:
        return np.searchsorted(self.member, np.arange(self.members), side="right").astype(np.int64) - 1


def of_rows(
    member: ArrayLike,
    start: ArrayLike,
    stop: ArrayLike,
    event: ArrayLike,
    exposed: ArrayLike,
    *,
    ids: ArrayLike | None = None,
    ever: ArrayLike | None = None,
    row_numbers: ArrayLike | None = None,
    kind: ArrayLike | None = None,
    covariates: Mapping[str, ArrayLike] | None = None,
    **facts: Any,
) -> Histories:
    """Sort rows by member, check them and keep them.

    `member` counts from 0; `ids` are the members' names (default: their numbers). `ever` defaults to "any
    exposed row". `row_numbers` are what an error calls each row (default: 1, 2, ...). `facts` go to
    `Histories` as they are. Raises a named `Invalid` with `rows` (the first ten) and `count` for every kind
    of impossible history.
    """
    index = np.asarray(member, dtype=np.int64)
    if not len(index):
        raise HistoriesEmpty()
    numbers = np.arange(1, len(index) + 1) if row_numbers is None else np.asarray(row_numbers)
    order = np.argsort(index, kind="stable")
    index, numbers = index[order], numbers[order]
    first, last = np.asarray(start, dtype=np.float64)[order], np.asarray(stop, dtype=np.float64)[order]
    left, on = np.asarray(event, dtype=np.bool_)[order], np.asarray(exposed, dtype=np.bool_)[order]
    _check(index, first, last, left, numbers)
    names = np.asarray(np.arange(index[-1] + 1) if ids is None else ids).astype(np.str_)
    redeemed = np.bincount(index, on, len(names)) > 0 if ever is None else np.asarray(ever, dtype=np.bool_)
    columns = {
        name: np.asarray(values, dtype=np.float64)[order] for name, values in (covariates or {}).items()
    }
    kinds = None if kind is None else np.asarray(kind, dtype=np.int64)[order]
    return Histories(
        names, index, first, last, left, on, redeemed.copy(), kind=kinds, covariates=columns, **facts
    )


def from_members(
    entry: ArrayLike,
    exit: ArrayLike,
    left: ArrayLike,
    redeemed: ArrayLike,
    *,
    ids: ArrayLike | None = None,
    covariates: Mapping[str, ArrayLike] | None = None,
    **facts: Any,
) -> Histories:
    """Rows from one line per member; months count from joining, so month 0 is the first of a membership.

    `entry` is the first and `exit` the last month at risk, both included; `left` says whether the member left
    in that last month; `redeemed` is the month of the first redemption, `NEVER` (-1) for none. A member is
    exposed from the month *after* the first redemption on; one redemption before `entry` makes the member
    exposed from the first row on. `covariates` have one value per member. Raises the errors of `of_rows`,
    rows counted 1, 2, ... by member.
    """
    opened, closed = np.asarray(entry, dtype=np.int64), np.asarray(exit, dtype=np.int64)
    month, gone = np.asarray(redeemed, dtype=np.int64), np.asarray(left, dtype=np.bool_)
    names = np.asarray(np.arange(len(opened)) if ids is None else ids).astype(np.str_)
    numbers = np.arange(1, len(opened) + 1)
    if len(np.unique(names)) < len(names):
        _, firsts = np.unique(names, return_index=True)
        raise HistoryMemberTwice(**_named(np.delete(numbers, firsts)))
    _refuse(HistoryBeforeJoining, (opened < 0) | (month < NEVER), numbers)
    _refuse(HistoryStopNotAfterStart, closed < opened, numbers)
    _refuse(HistoryRedeemedAfterLastMonth, month > closed, numbers)

    end = closed + 1
    switch = np.where(month == NEVER, end, np.clip(month + 1, opened, end))
    before, after = np.flatnonzero(switch > opened), np.flatnonzero(switch < end)
    who = np.concatenate([before, after])
    return of_rows(
        who,
        np.concatenate([opened[before], switch[after]]),
        np.concatenate([switch[before], end[after]]),
        np.concatenate([gone[before] & (switch == end)[before], gone[after]]),
        np.repeat([False, True], [len(before), len(after)]),
        ids=names,
        ever=month != NEVER,
        row_numbers=who + 1,
        covariates={name: np.asarray(values)[who] for name, values in (covariates or {}).items()},
        **facts,
    )


def _check(member: Ints, start: Floats, stop: Floats, event: Bools, numbers: NDArray[Any]) -> None:
    same = member[1:] == member[:-1]
    later = numbers[1:]
    _refuse(HistoryValuesMissing, ~(np.isfinite(start) & np.isfinite(stop)), numbers)
    _refuse(HistoryBeforeJoining, start < 0, numbers)
    _refuse(HistoryStopNotAfterStart, stop <= start, numbers)
    _refuse(HistoryRowsBackward, same & (start[1:] < start[:-1]), later)
    _refuse(HistoryRowsOverlap, same & (start[1:] < stop[:-1]), later)
    _refuse(HistoryLeaveBeforeLastRow, same & event[:-1], numbers[:-1])


def _refuse(error: type[Invalid], bad: Bools, numbers: NDArray[Any]) -> None:
    if bad.any():
        raise error(**_named(numbers[bad]))


def _named(numbers: NDArray[Any]) -> dict[str, Any]:
    return {"rows": [int(number) for number in np.sort(numbers)[:SHOWN_ROWS]], "count": len(numbers)}
