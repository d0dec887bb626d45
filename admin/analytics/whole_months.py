"""Intervals of whole months as person-months, so that trials can be made of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from admin.analytics.histories import Bools, Histories, Ints
from admin.analytics.person_months import NO_KIND, PersonMonths, own_or_hashed

REDEEMED = "redeemed"  # the kind of a file that tells no kinds


def of_intervals(histories: Histories) -> PersonMonths | None:
    """Intervals of whole months as person-months on the clock of tenure; None where they are not whole months.

    An exposed row that starts at s is a redemption in the month that ends at s. Exposed from the first row on, or
    from a month that nobody recorded, is redeemed before the file begins.
    """
    start, stop = histories.start, histories.stop
    if histories.unit != "month" or (start % 1).any() or (stop % 1).any():
        return None
    length = (stop - start).astype(np.int64)
    row = np.repeat(np.arange(histories.rows), length)
    first = np.cumsum(length) - length
    month = (start[row] + np.arange(len(row)) - first[row]).astype(np.int32)
    member = histories.member[row].astype(np.int32)
    last = np.zeros(len(row), dtype=np.bool_)
    last[first + length - 1] = histories.event
    kinds = histories.kinds or (REDEEMED,)
    kind = np.full(len(row), NO_KIND, dtype=np.int8)
    same = np.append(False, histories.member[1:] == histories.member[:-1])
    begins = np.flatnonzero(histories.exposed & ~np.where(same, np.roll(histories.exposed, 1), False))
    recorded = same[begins] & (np.roll(stop, 1)[begins] == start[begins])
    told = np.zeros(len(begins), dtype=np.int64) if histories.kind is None else histories.kind[begins]
    kind[first[begins[recorded]] - 1] = np.maximum(told[recorded], 0)
    before = np.zeros(histories.members, dtype=np.bool_)
    before[histories.member[begins[~recorded]]] = True
    _last_month_redeemers(histories, kind, before, first, length)
    return PersonMonths(
        ids=histories.ids,
        member=member,
        month=month,
        tenure=month.copy(),
        left=last,
        kind=kind,
        kinds=kinds,
        can={},
        covariates={name: column[row].astype(np.float32) for name, column in histories.covariates.items()},
        redeemed_before=before,
        bucket=own_or_hashed(histories.members),
        dropped_covariates=histories.dropped_covariates,
        excluded=histories.excluded,
    )


def _last_month_redeemers(
    histories: Histories, kind: NDArray[np.int8], before: Bools, first: Ints, length: Ints
) -> None:
    """Who is known to have redeemed without an exposed row did so in the last month."""
    exposed = np.bincount(histories.member, histories.exposed, histories.members) > 0
    late = histories.ever & ~exposed
    last = np.searchsorted(histories.member, np.flatnonzero(late), side="right") - 1
    kind[first[last] + length[last] - 1] = 0
