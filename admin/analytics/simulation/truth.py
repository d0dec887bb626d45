"""What a redemption truly does in a scenario: at each trial month the same members live on under each arm, with the same luck.

At a month in which a member has not redeemed before and could afford a kind, time forks: redeem that kind now, redeem
nothing now, redeem nothing for the whole horizon. Everything else, later redemptions too, runs its course; in all courses
chance brings the same. Nobody leaves in a course: its chances of having left are multiplied up instead, which has the same
mean and far less noise. "Any kind" redeems what the member would have, weighed by the odds.

Nothing here is shared with the estimators, whose answers are held against this one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from admin.analytics.simulation import world
from admin.analytics.simulation.scenarios import COST_FEN, KINDS, NONE, Scenario
from admin.analytics.simulation.world import BLOCK, Floats, Ints, Luck, State
from base import progress

MEMBERS = 200_000
SEED = 20_260_101
HORIZON = 12
TRIALS = 12
AT = (6, 12)
ANY, TRAIT = "any", "trait"
MODEL = 1
"""Raised whenever the months of the world change, so that answers about the former world are not used."""
COMMAND = "python -m admin.analytics.simulation.truth"
FROZEN = Path(__file__).with_name("truth.json")
PP = 100.0

Block = dict[str, Any]


@dataclass(frozen=True)
class Course:
    """One course of some members: `survival` and `spent_fen` by month of follow-up, 0 = the trial's own month.

    `survival[j]` is the chance of being there at the opening of month j; `spent_fen` what month j costs on average.
    """

    survival: Floats
    spent_fen: Floats

    def risk(self, months: int) -> Floats:
        """Each member's chance of having left within so many months."""
        return np.asarray(1 - self.survival[months])

    def mixed(self, share: Floats, other: Course) -> Course:
        """This course plus a share of another."""
        return Course(
            self.survival + share * other.survival,
            self.spent_fen + share * other.spent_fen,
        )


@dataclass
class _Mean:
    """A mean over member-trials, with the sums that tell its standard error clustered by member."""

    total: float = 0.0
    count: float = 0.0
    squares: float = 0.0
    crossed: float = 0.0
    counts_squared: float = 0.0

    def add(self, values: Floats, counts: Floats) -> None:
        """Sums of some members: of the values, and of how many trials they stem from."""
        self.total += float(values.sum())
        self.count += float(counts.sum())
        self.squares += float((values**2).sum())
        self.crossed += float((values * counts).sum())
        self.counts_squared += float((counts**2).sum())

    @property
    def mean(self) -> float:
        """NaN over nobody; what differs from 0 by rounding alone is 0."""
        mean = self.total / self.count if self.count else float("nan")
        return 0.0 if abs(mean) < 1e-12 else mean

    @property
    def se(self) -> float:
        mean = self.mean
        spread = self.squares - 2 * mean * self.crossed + mean**2 * self.counts_squared
        return max(spread, 0.0) ** 0.5 / self.count if self.count else float("nan")


@dataclass
class _Sums:
    """Per comparison (kind, control, figure) a mean."""

    means: dict[tuple[str, str, str], _Mean] = field(default_factory=dict)

    def add(self, key: tuple[str, str, str], values: Floats, counts: Floats) -> None:
        self.means.setdefault(key, _Mean()).add(values, counts)


def compute(
    scenario: Scenario,
    members: int = MEMBERS,
    seed: int = SEED,
    *,
    trials: int = TRIALS,
    quiet: bool = True,
) -> Block:
    """The truth of a scenario as stored, with the Monte Carlo error of each figure; differences in pp."""
    sums, blocks = _Sums(), range(0, members, BLOCK)
    with progress.bar(members, f"truth of {scenario.name}", quiet=quiet) as bar:
        for number, first in enumerate(blocks):
            count = min(BLOCK, members - first)
            _add_block(sums, scenario, (seed, number, count), trials)
            bar.advance(count)
    return {
        "scenario": scenario.name,
        "key": scenario.key,
        "model": MODEL,
        "members": members,
        "seed": seed,
        "trials": [0, trials - 1],
        "horizon": HORIZON,
        **_arms(sums, ANY),
        "kinds": {kind: _arms(sums, kind) for kind in KINDS},
        "ranking": _ranking(sums),
        "trait": _trait(sums) if scenario.gamma else None,
    }


def stored(scenario: Scenario, path: Path = FROZEN) -> Block | None:
    """The frozen truth of a scenario, if it was made for this very world."""
    kept: Block = json.loads(path.read_text("utf-8")) if path.exists() else {}
    found: Block | None = kept.get("scenarios", {}).get(scenario.name)
    same = found is not None and (found["key"], found["model"]) == (scenario.key, MODEL)
    return found if same else None


def freeze(scenarios: Mapping[str, Scenario], members: int, path: Path = FROZEN) -> None:
    """Compute and store the truth of some scenarios; those of others stay."""
    kept: Block = json.loads(path.read_text("utf-8")) if path.exists() else {}
    answers = dict(kept.get("scenarios", {}))
    for name, chosen in scenarios.items():
        answers[name] = compute(chosen, members, quiet=False)
    text = json.dumps({"made_by": COMMAND, "scenarios": answers}, indent=1, sort_keys=True)
    path.write_text(text + "\n", "utf-8")


def _add_block(sums: _Sums, scenario: Scenario, which: tuple[int, int, int], trials: int) -> None:
    seed, block, count = which
    state, luck = world.begin(seed, block, count, trials + HORIZON)
    fresh = np.ones(count, dtype=np.bool_)
    per_member: dict[tuple[str, str, str], tuple[Floats, Floats]] = {}
    for month in range(trials):
        odds = world.odds(scenario, state)
        eligible = np.flatnonzero(fresh & (odds > 0).any(axis=0))
        for key, members, values in _trial(scenario, state, odds, luck, month, eligible):
            total, seen = per_member.setdefault(key, (np.zeros(count), np.zeros(count)))
            total[members] += values
            seen[members] += 1
        now = luck.of(month, np.arange(count))
        kind = world.chosen(odds, now)
        state = world.redeem(state, kind)
        fresh &= (kind == NONE) & (now.leaving >= world.hazard(scenario, state))
        state = world.next_month(scenario, state, kind, now)
    for key, (total, seen) in per_member.items():
        sums.add(key, total, seen)


def _trial(
    scenario: Scenario, state: State, odds: Floats, luck: Luck, month: int, eligible: Ints
) -> Iterator[tuple[tuple[str, str, str], Ints, Floats]]:
    """The trial that begins in this month: who took part, and each figure of theirs."""
    if not len(eligible):
        return
    here, of_kinds = state.of(eligible), odds[:, eligible]
    future = [luck.of(month + later, eligible) for later in range(HORIZON)]
    nothing = np.full(len(eligible), NONE)
    controls = {
        "itt": _course(scenario, here, future, nothing),
        "per_protocol": _course(scenario, here, future, nothing, never=True),
    }
    shares = of_kinds / of_kinds.sum(axis=0)
    mixed = Course(np.zeros((HORIZON + 1, len(eligible))), np.zeros((HORIZON, len(eligible))))
    for index, name in enumerate(KINDS):
        able = np.flatnonzero(of_kinds[index] > 0)
        if not len(able):
            continue
        luck_of_able = [Luck(*(draws[able] for draws in vars(one).values())) for one in future]
        course = _course(scenario, here.of(able), luck_of_able, np.full(len(able), index))
        for control, other in controls.items():
            against = Course(other.survival[:, able], other.spent_fen[:, able])
            yield from _figures(name, control, eligible[able], course, against)
        everybody = Course(np.zeros_like(mixed.survival), np.zeros_like(mixed.spent_fen))
        everybody.survival[:, able], everybody.spent_fen[:, able] = course.survival, course.spent_fen
        mixed = mixed.mixed(shares[index], everybody)
    for control, other in controls.items():
        yield from _figures(ANY, control, eligible, mixed, other)
    if scenario.gamma:
        yield from _pulled(scenario, here, future, eligible, nothing)


def _pulled(
    scenario: Scenario, here: State, future: list[Luck], members: Ints, nothing: Ints
) -> Iterator[tuple[tuple[str, str, str], Ints, Floats]]:
    """The same members with the unseen trait one standard deviation up, and down: half up and half down spread alike."""
    for side, value in (("up", 1.0), ("down", -1.0)):
        pulled = replace(here, unseen=np.full(len(members), value))
        against_none = world.odds(scenario, pulled).sum(axis=0)
        yield (TRAIT, side, "redeem"), members, against_none / (1 + against_none)
        yield (TRAIT, side, "leave"), members, _course(scenario, pulled, future, nothing).risk(HORIZON)


def _course(
    scenario: Scenario, state: State, future: list[Luck], first: Ints, *, never: bool = False
) -> Course:
    """The horizon's months from a forced first one on; with `never` nothing is redeemed in any of them."""
    survival, spent = [np.ones(state.tier.shape)], []
    cost = np.array([*COST_FEN, 0], dtype=np.float64)
    for later, now in enumerate(future):
        kind = first if later == 0 or never else world.chosen(world.odds(scenario, state), now)
        state = world.redeem(state, kind)
        spent.append(survival[-1] * cost[kind])
        survival.append(survival[-1] * (1 - world.hazard(scenario, state)))
        state = world.next_month(scenario, state, kind, now)
    return Course(np.stack(survival), np.stack(spent))


def _figures(
    kind: str, control: str, members: Ints, treated: Course, other: Course
) -> Iterator[tuple[tuple[str, str, str], Ints, Floats]]:
    for months in AT:
        yield (kind, control, f"treated_{months}"), members, treated.risk(months)
        yield (kind, control, f"control_{months}"), members, other.risk(months)
        yield (kind, control, f"difference_{months}"), members, treated.risk(months) - other.risk(months)
    stayed = (treated.survival - other.survival)[1:].sum(axis=0)
    yield (kind, control, "stayed"), members, stayed
    yield (kind, control, "cost_fen"), members, (treated.spent_fen - other.spent_fen).sum(axis=0)


def _arms(sums: _Sums, kind: str) -> Block:
    return {control: _arm(sums, kind, control) for control in ("itt", "per_protocol")}


def _arm(sums: _Sums, kind: str, control: str) -> Block:
    def of(figure: str) -> _Mean:
        return sums.means.get((kind, control, figure), _Mean())

    last, difference, cost = AT[-1], of(f"difference_{AT[-1]}"), of("cost_fen")
    return {
        "n_trials": round(difference.count),
        "risk_treated": _rounded(of(f"treated_{last}").mean),
        "risk_control": _rounded(of(f"control_{last}").mean),
        "risk_difference_pp": _rounded(PP * difference.mean),
        "se_pp": _rounded(PP * difference.se),
        "at": {
            str(months): {
                "risk_difference_pp": _rounded(PP * of(f"difference_{months}").mean),
                "se_pp": _rounded(PP * of(f"difference_{months}").se),
            }
            for months in AT
        },
        "rmst_difference": _rounded(of("stayed").mean),
        "incremental_cost_fen": _rounded(cost.mean),
        "incremental_cost_se_fen": _rounded(cost.se),
        "cost_per_retained_fen": _rounded(cost.mean / -difference.mean) if difference.mean < 0 else None,
    }


def _ranking(sums: _Sums) -> list[str]:
    """Kinds by their effect, the strongest first; empty where none of them has one."""
    effect = {kind: sums.means.get((kind, "itt", f"difference_{AT[-1]}"), _Mean()).mean for kind in KINDS}
    return sorted(effect, key=lambda kind: effect[kind]) if any(effect.values()) else []


def _trait(sums: _Sums) -> Block:
    """How strong the unseen trait is, as the odds of a half that has it over those of the half that has not.

    Of redeeming in the month, and of not leaving within the horizon.
    """

    def odds(side: str, figure: str) -> float:
        share = sums.means[TRAIT, side, figure].mean
        return share / (1 - share)

    return {
        "redeem_odds": _rounded(odds("up", "redeem") / odds("down", "redeem")),
        "leave_odds": _rounded(odds("down", "leave") / odds("up", "leave")),
    }


def _rounded(value: float) -> float | None:
    return round(value, 6) + 0.0 if np.isfinite(value) else None


if __name__ == "__main__":
    from admin.analytics.simulation.scenarios import SCENARIOS

    freeze(SCENARIOS, MEMBERS)
