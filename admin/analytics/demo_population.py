"""The invented population behind the demo operator: who pays how much, wants to redeem what, and leaves when.

A pure random model, driven month by month: the caller posts bills and redemptions through the real ledger and
hands the real balances back, for what members can afford decides what they wish. The parameters are invented.
They are tuned so that the *raw* gaps of 24 months come near those that the operator's document reports; that
such gaps come out of a model with a small effect, or almost as large with none (`NO_EFFECT`), is the point of
the demo, and says nothing about any real operator.

Order in a month: redemption, then leaving, then bill. Value tier V, engagement L, an unseen trait U and the
fading memory S of each kind of redemption drive all three.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from admin.analytics.histories import NEVER, Bools, Floats, Histories, Ints, from_members

KINDS = ("bill", "merchant", "club")
NONE = -1
PRICES = {"bill": 300, "merchant": 500, "club": 900}
STEP_POINTS = 100
TIERS = (0.50, 0.35, 0.15)
LINE_TYPES = {"plan": 0.62, "data": 0.26, "voice": 0.12}
OLDEST_MONTHS = 180
MEMORY = 0.94


@dataclass(frozen=True)
class Brand:
    """One programme: its size, the middle bill of its lowest tier, how its members joined, redeem and leave.

    `leave` and `redeem` (by kind) are log odds a month; months in network before the window are gamma
    distributed with mean `months_before`, times exp(`loyal` x engagement).
    """

    code: str
    name: str
    share: float
    bill_fen: int
    leave: float
    redeem: tuple[float, float, float]
    months_before: float
    loyal: float


@dataclass(frozen=True)
class Effects:
    """What redeeming does: `beta` to the log odds of leaving by kind, `feed` to engagement.

    `gamma` is the pull of the unseen trait on both redeeming and leaving.
    """

    beta: tuple[float, float, float] = (-0.15, -0.60, -1.0)
    feed: float = 0.25
    gamma: float = 0.0


SMALL = Effects()
NO_EFFECT = Effects(beta=(0.0, 0.0, 0.0), feed=0.0)


GOTONE = Brand("gotone", "全球通", 0.45, 9_000, -3.6, (-4.3, -5.2, -8.2), 30, 0.15)
MZONE = Brand("mzone", "动感地带", 0.55, 5_000, -3.3, (-3.5, -4.67, -7.65), 18, 0.5)


@dataclass(frozen=True)
class MonthPlan:
    """What happens in one month; arrays have one value per member.

    First the wishes: `wish` is an index into KINDS or NONE; `wish_points` is the amount to burn for a bill
    credit (a multiple of 100) or, for the others, about the price in mind, always within the balance that was
    given. Then `leaves`: the line is cancelled in this month, after the wish, on day `leave_day` (1..28).
    Then `bills_fen`, 0 for who left; `lines_fen` splits each bill by line type to the last fen.
    """

    month: int
    wish: Ints
    wish_points: Ints
    leaves: Bools
    leave_day: Ints
    bills_fen: Ints
    lines_fen: Mapping[str, Ints]


class Population:
    """Members of both programmes. The same seed and balances give the same months.

    Every month draws the same random numbers whatever the balances, so two runs that differ in one redemption
    differ only in what follows from it.
    """

    def __init__(
        self,
        seed: int,
        members: int,
        months: int = 24,
        *,
        effects: Effects = SMALL,
        prices: Mapping[str, int] = PRICES,
        brands: tuple[Brand, ...] = (GOTONE, MZONE),
    ) -> None:
        random = np.random.Generator(np.random.PCG64(seed))
        self.members, self.months, self.month = members, months, 0
        self.effects, self.brands = effects, brands
        self._random = random
        self._prices = np.array([prices[kind] for kind in KINDS])
        self.brand = random.choice(len(brands), members, p=[brand.share for brand in brands])
        self.tier = random.choice(len(TIERS), members, p=TIERS)
        self.engagement = random.normal(size=members) + 0.4 * (self.tier - 0.65)
        self.unseen = random.normal(size=members)
        spread = random.gamma(1.5, 1 / 1.5, members) * np.exp(self._of("loyal") * self.engagement)
        self.months_before = np.clip(self._of("months_before") * spread, 1, OLDEST_MONTHS).astype(np.int64)
        self.join_day = random.integers(1, 29, members)
        self.opening_points = random.gamma(2, self._of("bill_fen") / 100).astype(np.int64)
        self.active = np.ones(members, dtype=np.bool_)
        self._memory = np.zeros((len(KINDS), members))
        self._before_wish = self._memory
        self._wish = np.full(members, NONE)

    @property
    def customer_ids(self) -> list[str]:
        """Customer numbers, unique over all programmes."""
        return [f"{self.brands[brand].code}-{number:07d}" for number, brand in enumerate(self.brand, start=1)]

    @property
    def programme_codes(self) -> list[str]:
        """Code of each member's programme."""
        return [self.brands[brand].code for brand in self.brand]

    def join_dates(self, first_month: date) -> list[date]:
        """When each member joined, given the first month of the window; all joined before it."""
        months = first_month.year * 12 + first_month.month - 1 - self.months_before
        return [
            date(int(month) // 12, int(month) % 12 + 1, int(day))
            for month, day in zip(months, self.join_day, strict=True)
        ]

    def step(self, month: int, balances: Ints) -> MonthPlan:
        """The next month (0, 1, ...), given what each member can spend as it opens."""
        if month != self.month or month >= self.months:
            raise ValueError(f"month {self.month} of {self.months} is next, not {month}")
        self.month += 1
        wish = self._wishes(balances)
        points = self._points(wish, balances)
        self._wish, self._before_wish = wish, self._memory * MEMORY
        self._memory = np.where(wish == np.arange(len(KINDS))[:, None], 1.0, self._before_wish)
        leaves = self._leaves()
        self.active &= ~leaves
        noise = self._random.normal(size=self.members)
        self.engagement = 0.85 * self.engagement + 0.06 * (self.tier - 0.65) + 0.45 * noise
        self.engagement += self.effects.feed * (wish != NONE)
        bills = self._bills()
        return MonthPlan(
            month, wish, points, leaves, self._random.integers(1, 29, self.members), bills, self._lines(bills)
        )

    def took(self, instead: Ints) -> None:
        """What each member took in the last step where it was of another kind than wished: from now on that counts."""
        self._wish = instead
        self._memory = np.where(instead == np.arange(len(KINDS))[:, None], 1.0, self._before_wish)

    def refuse(self, refused: Bools) -> None:
        """Take back wishes of the last step that could not be fulfilled: they change nothing from now on."""
        undone = refused & (self._wish != NONE)
        self.engagement = self.engagement - self.effects.feed * undone
        self._memory = np.where(undone, self._before_wish, self._memory)
        self._wish = np.where(undone, NONE, self._wish)

    def _of(self, name: str) -> Floats:
        return np.array([getattr(brand, name) for brand in self.brands], dtype=np.float64)[self.brand]

    def _wishes(self, balances: Ints) -> Ints:
        """Multinomial logit over what is affordable."""
        base = 0.55 * self.engagement + 0.25 * self.tier + self.effects.gamma * self.unseen
        base = base + 0.0003 * np.minimum(balances, 2500)
        slope, extra = np.array([1, 1.1, 1.1])[:, None], np.array([0, 0, 0.4])[:, None]
        start = np.array([brand.redeem for brand in self.brands]).T[:, self.brand]
        odds = np.exp(start + slope * base + extra * self.tier)
        odds *= (balances >= self._prices[:, None]) & self.active
        share = np.cumsum(odds, axis=0) / (1 + odds.sum(axis=0))
        drawn = self._random.random(self.members)
        chosen = (drawn >= share).sum(axis=0)
        return np.where(chosen < len(KINDS), chosen, NONE)

    def _points(self, wish: Ints, balances: Ints) -> Ints:
        """Bill credit takes most of a balance, in whole steps; others up to three times the lowest price."""
        drawn = self._random.random(self.members)
        lowest = self._prices[wish]
        most = np.where(wish == 0, balances, np.minimum(balances, 3 * lowest))
        wanted = lowest + np.where(wish == 0, np.sqrt(drawn), drawn**2) * (most - lowest)
        points = np.maximum(lowest, wanted.astype(np.int64) // STEP_POINTS * STEP_POINTS)
        return np.where(wish == NONE, 0, points).astype(np.int64)

    def _leaves(self) -> Bools:
        score = self._of("leave") - 0.75 * self.engagement - 0.30 * self.tier
        score = score - self.effects.gamma * self.unseen + np.array(self.effects.beta) @ self._memory
        left = self._random.random(self.members) < 1 / (1 + np.exp(-score))
        return np.asarray(left & self.active)

    def _bills(self) -> Ints:
        noise = self._random.normal(size=self.members)
        fen = self._of("bill_fen") * np.exp(0.65 * self.tier + 0.25 * self.engagement + 0.3 * noise)
        return np.where(self.active, np.rint(fen), 0).astype(np.int64)

    def _lines(self, bills: Ints) -> dict[str, Ints]:
        """Each bill split at random around the usual shares; the plan takes what rounding leaves."""
        weights = self._random.gamma(
            12 * np.array(list(LINE_TYPES.values()))[:, None], size=(3, self.members)
        )
        parts = (bills * weights / weights.sum(axis=0)).astype(np.int64)
        parts[0] += bills - parts.sum(axis=0)
        return dict(zip(LINE_TYPES, parts, strict=True))


@dataclass
class Rehearsal:
    """A run with the simplest of ledgers: a point for each yuan paid, nothing lapses, wishes come true."""

    population: Population
    points_by_kind: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    redeemed: Ints = field(init=False)
    left: Ints = field(init=False)

    def __post_init__(self) -> None:
        self.redeemed = np.full(self.population.members, NEVER)
        self.left = np.full(self.population.members, NEVER)

    def play(self) -> Rehearsal:
        """All months of the window."""
        balances = self.population.opening_points.copy()
        for month in range(self.population.months):
            plan = self.population.step(month, balances)
            balances += plan.bills_fen // 100 - plan.wish_points
            for index, kind in enumerate(KINDS):
                self.points_by_kind[kind] += int(plan.wish_points[plan.wish == index].sum())
            self.redeemed[(plan.wish != NONE) & (self.redeemed == NEVER)] = month
            self.left[plan.leaves] = month
        return self

    def histories(self, brand: str) -> Histories:
        """The members of one programme; time counts from joining, seen from the window's first month on."""
        these = np.flatnonzero(np.array(self.population.programme_codes) == brand)
        entry, left, first = self.population.months_before[these], self.left[these], self.redeemed[these]
        last = np.where(left == NEVER, self.population.months - 1, left)
        return from_members(
            entry,
            entry + last,
            left != NEVER,
            np.where(first == NEVER, NEVER, entry + first),
            ids=np.array(self.population.customer_ids)[these],
        )
