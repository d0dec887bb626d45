"""Simulated members as the person-months that an operator's records would hold: what was seen, never what was unseen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from admin.analytics.person_months import (
    Floats32,
    Ints8,
    Ints32,
    PersonMonths,
    own_or_hashed,
)
from admin.analytics.simulation import world
from admin.analytics.simulation.scenarios import COST_FEN, KINDS, NONE, PRICES, UNDECIDED_MONTHS, Scenario
from admin.analytics.simulation.world import BLOCK, ENDS_SOON, Bools, Ints

MONTHS = 24


def draw(
    scenario: Scenario, members: int, seed: int, months: int = MONTHS, *, as_noticed: bool = False
) -> PersonMonths:
    """All members in one piece; `as_noticed` dates late leaves wrongly, to the month they were noticed in."""
    (whole,) = chunks(scenario, members, seed, months, size=members, as_noticed=as_noticed)
    return whole


def chunks(
    scenario: Scenario,
    members: int,
    seed: int,
    months: int = MONTHS,
    *,
    size: int = 5 * BLOCK,
    as_noticed: bool = False,
) -> Iterator[PersonMonths]:
    """Pieces of about `size` members, in order; how it is cut changes no member.

    Members are numbered from 0 within a piece; their buckets belong to the whole.
    """
    blocks = [(number, min(BLOCK, members - first)) for number, first in enumerate(range(0, members, BLOCK))]
    at_once = max(1, -(-size // BLOCK))
    for start in range(0, len(blocks), at_once):
        records = [
            _record(scenario, seed, block, count, months) for block, count in blocks[start : start + at_once]
        ]
        pieces = [_dated(record, months, as_noticed) for record in records]
        yield _together(pieces, start * BLOCK, members)


@dataclass(frozen=True)
class _Record:
    """What was written down about a block, one row a month, one column a member.

    `last_active` is the month of each member's last paid activity: that of leaving, or the last one there is.
    """

    engagement: Floats32
    balance: Floats32
    tier: Floats32
    to_end: Ints32 | None
    can: NDArray[np.bool_]
    kind: Ints8
    last_active: Ints
    stays: Bools


def _record(scenario: Scenario, seed: int, block: int, members: int, months: int) -> _Record:
    length = months + (UNDECIDED_MONTHS if scenario.noticed_late else 0)
    state, luck = world.begin(seed, block, members, length)
    everybody = np.arange(members)
    size = (length, members)
    engagement, balance = np.empty(size, dtype=np.float32), np.empty(size, dtype=np.float32)
    to_end = np.empty(size, dtype=np.int32) if scenario.contracts else None
    can, kinds = np.empty((len(KINDS), *size), dtype=np.bool_), np.empty(size, dtype=np.int8)
    last_active, stays = np.full(members, length - 1), np.ones(members, dtype=np.bool_)
    for month in range(length):
        now = luck.of(month, everybody)
        engagement[month], balance[month], can[:, month] = (
            state.engagement,
            state.balance,
            world.affordable(state),
        )
        if to_end is not None:
            to_end[month] = state.to_end
        kind = world.chosen(world.odds(scenario, state), now)
        kinds[month] = np.where(stays, kind, NONE)
        state = world.redeem(state, kind)
        leaving = stays & (now.leaving < world.hazard(scenario, state))
        last_active[leaving] = month
        stays &= ~leaving
        state = world.next_month(scenario, state, kind, now)
    return _Record(engagement, balance, state.tier.astype(np.float32), to_end, can, kinds, last_active, stays)


def _dated(record: _Record, months: int, as_noticed: bool) -> PersonMonths:
    """Leaves are dated to the first silent day; months of which that cannot be told yet are cut off."""
    silent = record.kind.shape[0] - months
    last = record.last_active + (silent if as_noticed else 0)
    left_in = np.where(record.stays, months, last)
    until = np.minimum(left_in, months - 1)
    present = (np.arange(months)[:, None] <= until).T
    member, month = (values.astype(np.int32) for values in np.nonzero(present))

    def rows(values: NDArray[np.generic]) -> NDArray[np.generic]:
        return values[:months].T[present]

    kind = rows(record.kind).astype(np.int8)
    covariates: dict[str, Floats32] = {
        "engagement": rows(record.engagement).astype(np.float32),
        "tier": record.tier[member],
        "balance": rows(record.balance).astype(np.float32),
    }
    if record.to_end is not None:
        to_end = rows(record.to_end)
        covariates["months_to_contract_end"] = to_end.astype(np.float32)
        covariates["contract_ends_soon"] = (to_end.astype(np.int32) <= ENDS_SOON).astype(np.float32)
    return PersonMonths(
        ids=None,
        member=member,
        month=month,
        tenure=month.copy(),
        left=month == left_in[member],
        kind=kind,
        kinds=KINDS,
        can={name: rows(can).astype(np.bool_) for name, can in zip(KINDS, record.can, strict=True)},
        covariates=covariates,
        redeemed_before=np.zeros(len(until), dtype=np.bool_),
        bucket=np.zeros(len(until), dtype=np.int32),
        cost_fen=np.array([*COST_FEN, 0])[kind],
        points=np.array([*PRICES, 0])[kind],
    )


def _together(pieces: list[PersonMonths], first: int, members: int) -> PersonMonths:
    """One piece out of those of several blocks; `first` is the number of its first member in the whole."""
    counts = [piece.members for piece in pieces]
    starts = np.cumsum([0, *counts[:-1]])
    # Of the whole's members, so that a piece's are numbered as in one draw.
    buckets = own_or_hashed(members)[first : first + sum(counts)]

    def joined(name: str) -> NDArray[np.generic]:
        return np.concatenate([getattr(piece, name) for piece in pieces])

    def by_name(name: str) -> Mapping[str, NDArray[np.generic]]:
        columns = [getattr(piece, name) for piece in pieces]
        return {key: np.concatenate([column[key] for column in columns]) for key in columns[0]}

    return PersonMonths(
        ids=None,
        member=np.concatenate(
            [piece.member + np.int32(start) for piece, start in zip(pieces, starts, strict=True)]
        ),
        kinds=KINDS,
        bucket=buckets,
        **{name: by_name(name) for name in ("can", "covariates")},  # type: ignore[arg-type]
        **{
            name: joined(name)
            for name in ("month", "tenure", "left", "kind", "redeemed_before", "cost_fen", "points")
        },  # type: ignore[arg-type]
    )
