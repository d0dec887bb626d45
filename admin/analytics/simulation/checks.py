"""Two cheap checks beside the runs: our Cox and Kaplan-Meier against an independent package's frozen answers, and the
same input giving the same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from admin.analytics import cox, curves
from admin.analytics.person_months import histories_of
from admin.analytics.protocol import Options
from admin.analytics.simulation import panel, truth
from admin.analytics.simulation.experiments import Estimate
from admin.analytics.simulation.goals import Goal
from admin.analytics.simulation.scenarios import SCENARIOS

ORACLE = Path(__file__).with_name("lifelines.json")
CLOSEST = 1e-6
MEMBERS, SEED = 2_000, 7
FEW_DRAWS = 50


def judged(estimate: Estimate) -> list[Goal]:
    """G4 as far as a simulated history shows it, and G10."""
    return [*oracle_agrees(), same_bytes(estimate)]


def oracle_agrees(path: Path = ORACLE) -> list[Goal]:
    """The largest difference between ours and the frozen answers of lifelines on the same simulated members."""
    frozen: dict[str, Any] = json.loads(path.read_text("utf-8"))
    found = histories_of(panel.draw(SCENARIOS["main"], frozen["members"], frozen["seed"]))
    fit = cox.time_varying(found)
    ours = {name: term.coef for name, term in fit.adjusted.items()}
    theirs = frozen["cox_time_varying"]
    gaps = [abs(ours.get(name, np.inf) - coef) for name, coef in theirs.items()]
    ever, never = curves.by_ever(found)
    for curve, name in ((ever, "ever"), (never, "never")):
        gaps_km = [abs(curve.at(float(time)) - share) for time, share in frozen["km"][name].items()]
        gaps += gaps_km
    versions = f"lifelines {frozen['lifelines']}"
    worst = float(max(gaps))
    return [Goal("G4", "main", f"Cox and Kaplan-Meier as {versions}", worst, "<= 1e-06", worst <= CLOSEST, 1)]


def same_bytes(estimate: Estimate) -> Goal:
    """The report of the same members and seed, twice."""
    options = Options(first=0, last=truth.TRIALS - 1, draws=FEW_DRAWS, seed=SEED, variants=False)
    once, again = (
        json.dumps(estimate(panel.draw(SCENARIOS["main"], MEMBERS, SEED), options), sort_keys=True)
        for _ in range(2)
    )
    return Goal(
        "G10", "main", "same members and seed, same bytes", float(once == again), "= 100 %", once == again, 2
    )
