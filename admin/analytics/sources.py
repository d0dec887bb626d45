"""What a report is made of, whatever form it comes in: everybody's history in few rows, and a sample with every month."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from admin.analytics.follow import Followed
from admin.analytics.histories import Bools, Histories
from admin.analytics.person_months import (
    NO_KIND,
    PersonMonths,
    joined,
    parts_of,
    scattered,
    some_members,
)
from admin.analytics.whole_months import of_intervals

PART_MEMBERS = 50_000
SAMPLE_MEMBERS = 40_000


class Chunks(Protocol):
    """Person-months in parts, all rows of a member in one part; gone through more than once."""

    def __iter__(self) -> Iterator[PersonMonths]:
        """The parts from the first on, the same each time."""


Source = Histories | PersonMonths | Chunks | Sequence[PersonMonths]


@dataclass(frozen=True, eq=False)
class Gathered:
    """Everybody's histories; the parts with all rows; a sample of members (all of them where they are few).

    `parts` and `sample` are missing where a file's unit is not the month. `span` is the first and last month;
    `involuntary` counts who went by fraud, death or debt, None where that is not told; `of_kind` says by kind which
    members ever redeemed it.
    """

    form: str
    histories: Histories
    rows: int
    parts: Chunks | Sequence[PersonMonths]
    sample: PersonMonths | None
    whole: bool
    span: tuple[int, int]
    involuntary: int | None = None
    of_kind: Mapping[str, Bools] = field(default_factory=dict)


def gather(source: Source) -> Gathered:
    """One pass over whatever was given."""
    if isinstance(source, Histories):
        months = of_intervals(source)
        if months is None:
            told = _of_kind_in(source)
            return Gathered("intervals", source, source.rows, (), None, True, (0, 0), of_kind=told)
        found = _gathered(_in_parts(months))
        return replace(found, form="intervals", histories=source, rows=source.rows)
    return _gathered(_in_parts(source) if isinstance(source, PersonMonths) else source)


def _in_parts(sample: PersonMonths) -> Sequence[PersonMonths]:
    return [sample] if sample.members <= PART_MEMBERS else parts_of(sample, PART_MEMBERS)


def _gathered(parts: Iterable[PersonMonths]) -> Gathered:
    """Keeps the members of a share of the buckets, halved whenever they are too many: so the order of the parts, and how
    they are cut, does not matter.
    """
    share, kept, few = 1.0, [], []
    involuntary: int | None = None
    redeemers: list[list[Bools]] = []
    rows, first, last = 0, np.iinfo(np.int32).max, np.iinfo(np.int32).min
    for part in parts:
        few.append(_few_rows(part))
        redeemers.append([_ever(part, kind) for kind in range(len(part.kinds))])
        rows += part.rows
        if part.involuntary is not None:
            involuntary = (involuntary or 0) + int((part.left & part.involuntary).sum())
        first, last = min(first, int(part.month.min())), max(last, int(part.month.max()))
        kept.append(_share_of(part, share))
        while sum(one.members for one in kept) > SAMPLE_MEMBERS:
            share /= 2
            kept = [_share_of(one, share) for one in kept]
    if not kept:
        raise ValueError("no part of person-months was given")
    histories = _together(few, kept[0])
    sample = joined([one for one in kept if one.members] or kept[:1])
    return Gathered(
        "person_months",
        histories,
        rows,
        parts,
        sample,
        sample.members == histories.members,
        (first, last),
        involuntary,
        {
            kind: np.concatenate(ones)
            for kind, ones in zip(sample.kinds, zip(*redeemers, strict=True), strict=True)
        },
    )


def _ever(part: PersonMonths, kind: int) -> Bools:
    """Which members redeemed a kind in any of their months."""
    found = np.zeros(part.members, dtype=np.bool_)
    found[part.member[part.kind == kind]] = True
    return found


def _of_kind_in(histories: Histories) -> dict[str, Bools]:
    """The same of intervals, where they tell kinds."""
    found = {}
    for number, name in enumerate(histories.kinds if histories.kind is not None else ()):
        found[name] = np.zeros(histories.members, dtype=np.bool_)
        found[name][histories.member[histories.kind == number]] = True
    return found


def _share_of(part: PersonMonths, share: float) -> PersonMonths:
    if share == 1:
        return part
    # By a hash of the bucket, so that the same buckets stay whatever their numbers are.
    return some_members(part, scattered(part.bucket.astype(np.uint64)) / 2.0**64 < share)


def _few_rows(part: PersonMonths) -> tuple[np.typing.NDArray[np.generic], ...]:
    """One row for each stretch of months in which the member's state did not change."""
    exposed = part.redeemed_earlier
    end = Followed(part).end
    changes = np.ones(part.rows, dtype=np.bool_)
    changes[1:] = (end[1:] != end[:-1]) | (exposed[1:] != exposed[:-1])
    begins = np.flatnonzero(changes)
    ends = np.append(begins[1:], part.rows) - 1
    ever = part.redeemed_before.copy()
    ever[part.member[part.kind != NO_KIND]] = True
    event = part.event[ends]
    return part.member[begins], part.tenure[begins], part.tenure[ends] + 1, event, exposed[begins], ever


def _together(few: list[tuple[np.typing.NDArray[np.generic], ...]], one: PersonMonths) -> Histories:
    member, start, stop, event, exposed, ever = zip(*few, strict=True)
    offsets = np.cumsum([0, *(len(part) for part in ever[:-1])])
    total = sum(len(part) for part in ever)
    return Histories(
        ids=one.ids if len(few) == 1 and one.ids is not None else np.zeros(total, dtype="U1"),
        member=np.concatenate([part + at for part, at in zip(member, offsets, strict=True)]).astype(np.int64),
        start=np.concatenate(start).astype(np.float64),
        stop=np.concatenate(stop).astype(np.float64),
        event=np.concatenate(event),
        exposed=np.concatenate(exposed),
        ever=np.concatenate(ever),
        kinds=one.kinds,
        dropped_covariates=one.dropped_covariates,
        excluded=one.excluded,
    )
