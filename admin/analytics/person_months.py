"""Person-months: one row for each month in which a member was there, in the order in which the month happened.

In month t come first the covariates, known before it opens; then the redemption; then whether the member left.
Months count on one calendar common to all members, tenure counts from joining.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admin.analytics.histories import Bools, Histories, Texts

Ints8 = NDArray[np.int8]
Ints32 = NDArray[np.int32]
Ints64 = NDArray[np.int64]
Floats32 = NDArray[np.float32]

NO_KIND = -1
BUCKETS = 200
OWN_BUCKETS = 20_000  # up to so many members each is a bucket of its own


@dataclass(frozen=True, eq=False)
class PersonMonths:
    """Rows ordered by member, then by month; the columns are numpy arrays, all rows of a member together.

    One value per row unless said otherwise. `kind` is -1 for no redemption, else an index into `kinds`. `can` says
    by kind what the member could afford and was on offer; empty where that is not told. `bucket`, one value
    per member, is what intervals draw by. `cost_fen` and `points` belong to the redemption of the row;
    `involuntary` marks a leave by fraud, death or debt, which ends the view of a member without being a leave.
    """

    ids: Texts | None
    member: Ints32
    month: Ints32
    tenure: Ints32
    left: Bools
    kind: Ints8
    kinds: tuple[str, ...]
    can: Mapping[str, Bools]
    covariates: Mapping[str, Floats32]
    redeemed_before: Bools
    bucket: Ints32
    cost_fen: Ints64 | None = None
    points: Ints64 | None = None
    involuntary: Bools | None = None
    arm: Ints8 | None = None
    dropped_covariates: tuple[str, ...] = ()
    excluded: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def rows(self) -> int:
        """How many member-months there are."""
        return len(self.member)

    @property
    def members(self) -> int:
        """How many members there are."""
        return len(self.redeemed_before)

    @property
    def event(self) -> Bools:
        """Leaves that count: in the row, and of the member's own will."""
        return self.left if self.involuntary is None else self.left & ~self.involuntary

    @property
    def first_rows(self) -> NDArray[np.int64]:
        """The first row of each member."""
        return np.flatnonzero(np.diff(self.member, prepend=-1))

    @property
    def last_rows(self) -> NDArray[np.int64]:
        """The last row of each member."""
        return np.flatnonzero(np.diff(self.member, append=-1))

    @property
    def redeemed_earlier(self) -> Bools:
        """Per row: whether the member had redeemed before this month opened."""
        redeemed = (self.kind != NO_KIND).astype(np.int32)
        before = np.cumsum(redeemed) - redeemed
        start = before[self.first_rows]
        return np.asarray((before > start[self.member]) | self.redeemed_before[self.member])


def own_or_hashed(members: int, hashes: NDArray[np.uint64] | None = None) -> Ints32:
    """The bucket of each member: its own for few members, else the hash modulo `BUCKETS` (0..199)."""
    if members <= OWN_BUCKETS:
        return np.arange(members, dtype=np.int32)
    numbers = scattered(np.arange(members, dtype=np.uint64)) if hashes is None else hashes
    return (numbers % np.uint64(BUCKETS)).astype(np.int32)


def scattered(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Whole numbers spread evenly over 64 bits (the finaliser of splitmix64, Steele, Lea & Flood 2014)."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def some_members(sample: PersonMonths, chosen: Bools) -> PersonMonths:
    """The rows of some members, renumbered from 0; `chosen` has one value per member."""
    rows = chosen[sample.member]
    renumbered = (np.cumsum(chosen) - 1).astype(np.int32)

    def of(column: NDArray[Any] | None) -> Any:
        return None if column is None else column[rows]

    return replace(
        sample,
        ids=None if sample.ids is None else sample.ids[chosen],
        member=renumbered[sample.member[rows]],
        redeemed_before=sample.redeemed_before[chosen],
        bucket=sample.bucket[chosen],
        can={name: column[rows] for name, column in sample.can.items()},
        covariates={name: column[rows] for name, column in sample.covariates.items()},
        **{
            name: of(getattr(sample, name))
            for name in ("month", "tenure", "left", "kind", "cost_fen", "points", "involuntary", "arm")
        },
    )


def histories_of(sample: PersonMonths) -> Histories:
    """The same as intervals for curves and Cox: each month t is (t, t+1] of the tenure, exposed from the next on."""
    ever = sample.redeemed_before.copy()
    ever[sample.member[sample.kind != NO_KIND]] = True
    start = sample.tenure.astype(np.float64)
    return Histories(
        ids=np.arange(sample.members).astype(np.str_) if sample.ids is None else sample.ids,
        member=sample.member.astype(np.int64),
        start=start,
        stop=start + 1,
        event=sample.event,
        exposed=sample.redeemed_earlier,
        ever=ever,
        kinds=sample.kinds,
        covariates={name: column.astype(np.float64) for name, column in sample.covariates.items()},
        dropped_covariates=sample.dropped_covariates,
        excluded=sample.excluded,
    )
