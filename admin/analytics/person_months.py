"""Person-months: one row for each month in which a member was there, in the order in which the month happened.

In month t come first the covariates, known before it opens; then the redemption; then whether the member left.
Months count on one calendar common to all members, tenure counts from joining.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
ROW_COLUMNS = (
    "month", "tenure", "left", "kind", "cost_fen", "points", "involuntary", "arm", "negative_control", "placebo",
)  # fmt: skip
OWN_BUCKETS = 20_000  # up to so many members each is a bucket of its own


@dataclass(frozen=True, eq=False)
class PersonMonths:
    """Rows ordered by member, then by month; the columns are numpy arrays, all rows of a member together.

    One value per row unless said otherwise. `kind` is -1 for no redemption, else an index into `kinds`. `can` says
    by kind what the member could afford and was on offer; empty where that is not told. `bucket`, one value
    per member, is what intervals draw by. `cost_fen` and `points` belong to the redemption of the row;
    `involuntary` marks a leave by fraud, death or debt, which ends the view of a member without being a leave; `arm` is
    an index into `arms`, those of a randomised holdout, -1 for none. `negative_control` marks months with something
    that redeeming cannot change, `placebo` months with what looks like a redemption but gave nothing. `groups` tells
    members apart by a number each, a city or a brand; `group_names` says what the numbers are called, one without a name
    is its own.
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
    arms: tuple[str, ...] = ()
    negative_control: Bools | None = None
    placebo: Bools | None = None
    dropped_covariates: tuple[str, ...] = ()
    excluded: tuple[Mapping[str, Any], ...] = field(default=())
    groups: Mapping[str, Ints32] = field(default_factory=dict)
    group_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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


def own_or_hashed(members: int) -> Ints32:
    """The bucket of each member: its own for few members, else a hash of its place modulo `BUCKETS` (0..199)."""
    if members <= OWN_BUCKETS:
        return np.arange(members, dtype=np.int32)
    hashes = scattered(np.arange(members, dtype=np.uint64))
    return (hashes % np.uint64(BUCKETS)).astype(np.int32)


def scattered(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Whole numbers spread evenly over 64 bits (the finaliser of splitmix64, Steele, Lea & Flood 2014)."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def some_members(sample: PersonMonths, chosen: Bools) -> PersonMonths:
    """The rows of some members, renumbered from 0; `chosen` has one value per member."""
    renumbered = (np.cumsum(chosen) - 1).astype(np.int32)
    kept = some_rows(sample, chosen[sample.member])
    return replace(
        kept,
        ids=None if sample.ids is None else sample.ids[chosen],
        member=renumbered[kept.member],
        redeemed_before=sample.redeemed_before[chosen],
        bucket=sample.bucket[chosen],
    )


def some_rows(sample: PersonMonths, rows: Bools | slice) -> PersonMonths:
    """Some rows; every member must keep one."""

    def of(column: NDArray[Any] | None) -> Any:
        return None if column is None else column[rows]

    return replace(
        sample,
        member=sample.member[rows],
        can={name: column[rows] for name, column in sample.can.items()},
        covariates={name: column[rows] for name, column in sample.covariates.items()},
        groups={name: column[rows] for name, column in sample.groups.items()},
        **{name: of(getattr(sample, name)) for name in ROW_COLUMNS},
    )


def parts_of(sample: PersonMonths, members_each: int) -> list[PersonMonths]:
    """The same in parts of so many members, without copying; their numbers begin at 0 in each."""
    parts = []
    for start in range(0, sample.members, members_each):
        end = min(start + members_each, sample.members)
        low, high = np.searchsorted(sample.member, [start, end])
        part = some_rows(sample, slice(int(low), int(high)))
        parts.append(
            replace(
                part,
                ids=None if sample.ids is None else sample.ids[start:end],
                member=part.member - start,
                redeemed_before=sample.redeemed_before[start:end],
                bucket=sample.bucket[start:end],
            )
        )
    return parts


def joined(parts: Sequence[PersonMonths]) -> PersonMonths:
    """Parts with the same columns as one, members renumbered."""
    if len(parts) == 1:
        return parts[0]
    one = parts[0]
    offsets = np.cumsum([0, *(part.members for part in parts[:-1])])

    def of(name: str) -> Any:
        columns = [getattr(part, name) for part in parts]
        return None if columns[0] is None else np.concatenate(columns)

    return replace(
        one,
        ids=None,
        member=np.concatenate([part.member + at for part, at in zip(parts, offsets, strict=True)]).astype(
            np.int32
        ),
        can={name: np.concatenate([part.can[name] for part in parts]) for name in one.can},
        covariates={
            name: np.concatenate([part.covariates[name] for part in parts]) for name in one.covariates
        },
        groups={name: np.concatenate([part.groups[name] for part in parts]) for name in one.groups},
        **{name: of(name) for name in (*ROW_COLUMNS, "redeemed_before", "bucket")},
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
