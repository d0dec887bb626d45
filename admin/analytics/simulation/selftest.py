"""The examination: which scenarios, how often, and the table at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from admin.analytics.simulation import checks, goals
from admin.analytics.simulation.experiments import (
    AS_NOTICED,
    BLIND,
    PLAIN,
    RANKS,
    Block,
    Case,
    Estimate,
    Notebook,
    estimated,
    perform,
)
from admin.analytics.simulation.goals import WHOLE, Goal
from admin.analytics.simulation.scenarios import scenario
from base import progress

MEMBERS, RANKED_MEMBERS = 20_000, 100_000
DRAWS = 400

# Each case with its members (None: as many as asked for) and its runs: in the short examination, and in the whole one.
CASES: tuple[tuple[str, str, int | None, int, int], ...] = (
    ("null", PLAIN, None, 4, WHOLE),
    ("main", PLAIN, None, 4, WHOLE),
    ("main", RANKS, RANKED_MEMBERS, 1, WHOLE // 5),
    ("support", PLAIN, None, 2, WHOLE),
    ("unseen", PLAIN, None, 1, WHOLE // 5),
    ("mirage", PLAIN, None, 1, WHOLE // 5),
    ("feedback", PLAIN, None, 1, WHOLE // 5),
    ("contracts", PLAIN, None, 1, WHOLE // 5),
    ("contracts", BLIND, None, 1, WHOLE // 10),
    ("late", PLAIN, None, 1, WHOLE // 10),
    ("late", AS_NOTICED, None, 1, WHOLE // 10),
)


@dataclass(frozen=True)
class Result:
    """What came of it: the goals, and how many runs were made now and how many lay finished."""

    goals: tuple[Goal, ...]
    made: int
    found: int

    @property
    def passed(self) -> bool:
        """No goal was missed."""
        return not any(goal.met is False for goal in self.goals)

    def block(self) -> Block:
        """As one JSON object."""
        return {
            "passed": self.passed,
            "runs_made": self.made,
            "runs_found": self.found,
            "goals": [goal.block() for goal in self.goals],
        }


def plan(
    *, only: str | None = None, runs: int | None = None, members: int | None = None, full: bool = False
) -> list[tuple[Case, int]]:
    """Cases and how often each is run. Raises UnknownScenario.

    `runs` sets the number for all; `members` their size, and the ranking's too.
    """
    if only is not None:
        scenario(only)
    chosen = []
    for name, variant, own, few, whole in CASES:
        if only in (None, name):
            case = Case(name, members or own or MEMBERS, variant)
            chosen.append((case, runs or (whole if full else few)))
    return chosen


def examine(
    planned: Sequence[tuple[Case, int]],
    notebook: Path | None = None,
    *,
    draws: int = DRAWS,
    estimate: Estimate = estimated,
    quiet: bool = True,
) -> Result:
    """Make the runs that are not finished yet, seeds 1, 2, ..., and judge all of them."""
    book, made, judged = Notebook(notebook), 0, list[Goal]()
    total = sum(runs for _, runs in planned)
    with progress.bar(total, "selftest", quiet=quiet) as bar:
        for case, runs in planned:
            answers = []
            for seed in range(1, runs + 1):
                found = book.finished(case, seed, draws)
                if found is None:
                    found, made = perform(case, seed, draws, estimate), made + 1
                    book.keep(case, seed, draws, found)
                answers.append(found)
                bar.advance()
            judged += goals.judged(case, answers)
    judged += checks.judged(estimate)
    return Result(tuple(judged), made, total - made)


def table(result: Result) -> list[str]:
    """Lines for a person: one per goal, then what the words stand for."""
    lines = [f"{'goal':<6}{'scenario':<11}{'what':<48}{'found':>9}  {'limit':<17}{'runs':>5}"]
    for goal in result.goals:
        lines.append(
            f"{goal.goal:<6}{goal.of:<11}{goal.what:<48}{_shown(goal):>9}  {goal.limit:<17}{goal.runs:>5}  {_word(goal)}"
        )
    if any(goal.by_chance for goal in result.goals):
        lines.append(f"open: beyond the limit, but with so few runs by chance; {WHOLE} runs (--full) decide.")
    return lines


def _word(goal: Goal) -> str:
    if goal.met is None:
        return "not measured"
    return "MISSED" if not goal.met else "open" if goal.by_chance else "met"


def _shown(goal: Goal) -> str:
    if goal.found is None:
        return "-"
    if goal.limit.endswith("%"):
        return f"{100 * goal.found:.1f} %"
    return f"{goal.found:.1e}" if goal.limit.startswith("<= 1e") else f"{goal.found:.2f}"
