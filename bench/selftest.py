"""The estimators' examination as figures: bias, cover and shares of each scenario, and how many goals were missed.

Finished runs are those of `jifen analytics selftest` in the same checkout; they are not made again.
"""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from admin.analytics.simulation import selftest
from admin.analytics.simulation.goals import Goal
from bench.plans import Figures, Measured, Plan, Say

NOTEBOOK = Path(".jifen") / "selftest.jsonl"
TINY_MEMBERS, TINY_RUNS, TINY_DRAWS = 600, 1, 20


def examined(plan: Plan, say: Say) -> Measured:
    """The whole examination for the full plan, the short one for the quick one, a shadow of it for the tiny one."""
    if plan.name == "tiny":
        with tempfile.TemporaryDirectory(prefix="jifen-selftest-") as folder:
            planned = selftest.plan(members=TINY_MEMBERS, runs=TINY_RUNS)
            result = selftest.examine(planned, Path(folder) / NOTEBOOK.name, draws=TINY_DRAWS)
            return {}, figures(result.goals)
    NOTEBOOK.parent.mkdir(exist_ok=True)
    say(f"self-test: finished runs are kept in {NOTEBOOK}")
    result = selftest.examine(selftest.plan(full=plan.name == "full"), NOTEBOOK, quiet=False)
    return {}, figures(result.goals)


def figures(goals: Sequence[Goal]) -> Figures:
    """What was found by scenario and goal, shares in per cent; how many runs each scenario had; goals missed, and open."""
    found: Figures = {
        "selftest_goals_missed": float(sum(goal.met is False for goal in goals)),
        "selftest_goals_open": float(sum(goal.by_chance for goal in goals)),
    }
    for goal in goals:
        name = f"selftest_{goal.of}"
        if goal.goal != "G6":  # counts kinds, not runs
            found[f"{name}_runs"] = float(max(goal.runs, found.get(f"{name}_runs", 0)))
        if goal.found is not None:
            share = goal.limit.endswith("%")
            what = re.sub(r"[^a-z0-9]+", "_", goal.what.lower()).strip("_")
            found[f"{name}_{what}" + "_percent" * share] = goal.found * (100 if share else 1)
    return found
