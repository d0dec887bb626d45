"""The scenarios of the simulator: what is true in each, and which part of the estimators it examines.

All parameters are invented. Log odds a month; the order of `KINDS` is that of every array by kind.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from base.errors import Invalid

KINDS = ("bill", "merchant", "club")
NONE = -1
PRICES = (300, 500, 900)
COST_FEN = (300, 380, 720)
"""What one redemption of a kind costs the operator, after the merchant's share."""
UNDECIDED_MONTHS = 3
"""Silence is called leaving after so many months; the last ones of a snapshot cannot be told yet."""

Three = tuple[float, float, float]


class UnknownScenario(Invalid):
    """There is no scenario of that name."""

    zh = "没有这个名称的场景。"


@dataclass(frozen=True)
class Scenario:
    """A world. `beta` is what a redemption of each kind does to the log odds of leaving, `feed` to engagement.

    `gamma` is the pull of a trait that no record holds, on redeeming as well as against leaving. `eager` raises the
    log odds of every kind of redemption. With `contracts`, lines end their contracts: they leave more in the month
    of the end, and redeem more from two months before it on. With `noticed_late`, the records learn of a leave
    only after three silent months.
    """

    name: str
    shows: str
    beta: Three = (-0.15, -0.60, -1.0)
    feed: float = 0.25
    gamma: float = 0.0
    eager: float = 0.0
    contracts: bool = False
    noticed_late: bool = False

    @property
    def key(self) -> str:
        """A digest of all that the truth depends on, so that a stored answer is used for its own world alone."""
        values = {name: value for name, value in asdict(self).items() if name not in ("name", "shows")}
        values |= {"prices": PRICES, "cost_fen": COST_FEN}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("main", "both headlines unbiased, kinds ranked right"),
        Scenario("null", "a big raw gap out of nothing; the headlines hold 0", beta=(0, 0, 0), feed=0),
        Scenario("feedback", "an effect that works through engagement is found", beta=(0, 0, 0)),
        Scenario("unseen", "no method repairs it, and the tipping point says so", gamma=0.4),
        Scenario("mirage", "the unseen trait alone, and no effect at all", beta=(0, 0, 0), feed=0, gamma=0.4),
        Scenario("support", "never redeeming hardly exists, and the comparison is refused", eager=2.5),
        Scenario("contracts", "months to the contract's end must be among the covariates", contracts=True),
        Scenario("late", "leaves noticed late are dated back", noticed_late=True),
    )
}


def scenario(name: str) -> Scenario:
    """The scenario of that name; raises UnknownScenario with those there are."""
    if name not in SCENARIOS:
        raise UnknownScenario(name=name, there=", ".join(SCENARIOS))
    return SCENARIOS[name]
