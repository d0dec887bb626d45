"""The months of a simulated world, a block of members at a time: redemption, then leaving, then engagement and points.

The members of a block draw all their luck at once, so that the same block lives the same life however it is cut,
and so that two courses of one member (having redeemed, not having) differ in nothing but what follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from admin.analytics.simulation.scenarios import KINDS, NONE, PRICES, Scenario

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BLOCK = 20_000
TIERS = (0.50, 0.35, 0.15)
MEMORY = 0.94
CONTRACT_MONTHS = 24
ENDS_SOON = 2
"""From so many months before the end of a contract on, its holder redeems more."""
AT_THE_END, BEFORE_THE_END = 2.0, 1.3


@dataclass(frozen=True)
class State:
    """Members as a month opens. `memory` is what is left of each kind's latest redemption: 1 when fresh, 0 never.

    `to_end` counts months to the end of the contract, 0 in the month of the end. One value a member; `memory` has
    one row a kind. Engagement has four decimals and points are whole, so that a file holds them to the last digit.
    """

    tier: Floats
    unseen: Floats
    engagement: Floats
    balance: Floats
    to_end: Ints
    memory: Floats

    def of(self, members: Ints) -> State:
        """These members alone."""
        return State(
            self.tier[members], self.unseen[members], self.engagement[members],
            self.balance[members], self.to_end[members], self.memory[:, members],
        )  # fmt: skip


@dataclass(frozen=True)
class Luck:
    """What chance brings, one row a month, one column a member: two uniform and two normal draws."""

    choosing: Floats
    leaving: Floats
    engaging: Floats
    earning: Floats

    def of(self, month: int, members: Ints) -> Luck:
        """One month of these members."""
        return Luck(*(draws[month, members] for draws in vars(self).values()))


def begin(seed: int, block: int, members: int, months: int) -> tuple[State, Luck]:
    """A block's members as they join, and all their luck. The same seed and block give the same."""
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, block))))
    tier = random.choice(len(TIERS), members, p=TIERS).astype(np.float64)
    engagement = np.round(random.normal(size=members) + 0.4 * (tier - 0.65), 4)
    unseen = random.normal(size=members)
    balance = np.rint(random.gamma(2, 120, members))
    to_end = random.integers(0, CONTRACT_MONTHS, members)
    # Month by month, so that a longer window only adds months.
    draws = np.empty((4, months, members))
    for month in range(months):
        draws[:2, month] = random.random((2, members))
        draws[2:, month] = random.normal(size=(2, members))
    return State(tier, unseen, engagement, balance, to_end, np.zeros((len(KINDS), members))), Luck(*draws)


def affordable(state: State) -> Bools:
    """Which kinds each member has the points for, one row a kind."""
    return state.balance >= np.array(PRICES)[:, None]


def odds(scenario: Scenario, state: State) -> Floats:
    """Odds of each kind against nothing, one row a kind; 0 where it is not affordable."""
    base = 0.55 * state.engagement + 0.25 * state.tier + scenario.gamma * state.unseen + scenario.eager
    base += 0.0003 * np.minimum(state.balance, 2500)
    if scenario.contracts:
        base += BEFORE_THE_END * (state.to_end <= ENDS_SOON)
    of_kinds = np.exp(np.stack([-3.1 + base, -4.3 + 1.1 * base, -5.0 + 1.1 * base + 0.4 * state.tier]))
    return np.where(affordable(state), of_kinds, 0.0)


def chosen(against_none: Floats, luck: Luck) -> Ints:
    """The kind that each member redeems, or NONE."""
    shares = np.cumsum(against_none, axis=0) / (1 + against_none.sum(axis=0))
    kind = (luck.choosing >= shares).sum(axis=0)
    return np.where(kind < len(KINDS), kind, NONE)


def redeem(state: State, kind: Ints) -> State:
    """After the month's redemptions: memories fade and the latest is fresh."""
    fresh = kind == np.arange(len(KINDS))[:, None]
    return replace(state, memory=np.where(fresh, 1.0, MEMORY * state.memory))


def hazard(scenario: Scenario, state: State) -> Floats:
    """Each member's probability of leaving in this month, its redemptions done."""
    score = -2.75 - 0.75 * state.engagement - 0.30 * state.tier - scenario.gamma * state.unseen
    score += np.array(scenario.beta) @ state.memory
    if scenario.contracts:
        score += AT_THE_END * (state.to_end == 0)
    return np.asarray(1 / (1 + np.exp(-score)))


def next_month(scenario: Scenario, state: State, kind: Ints, luck: Luck) -> State:
    """How the next month opens for those who stay."""
    redeemed = kind != NONE
    engagement = 0.85 * state.engagement + 0.06 * (state.tier - 0.65) + scenario.feed * redeemed
    engagement = np.round(engagement + 0.45 * luck.engaging, 4)
    spent = np.append(np.array(PRICES, dtype=np.float64), 0.0)[kind]
    earned = np.rint(120 * np.exp(0.35 * state.tier + 0.25 * engagement + 0.3 * luck.earning))
    return replace(
        state,
        engagement=engagement,
        balance=state.balance - spent + earned,
        to_end=np.where(state.to_end == 0, CONTRACT_MONTHS - 1, state.to_end - 1),
    )
