"""The plan of a run: which fault when, drawn from a seed. The same seed and time give the same plan, byte for byte."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

# What there is, with what it is named by in the table of faults and how many seconds it is given in a run of twenty minutes.
FAULTS: dict[str, tuple[str, float]] = {
    "worker-kill": ("F7", 22),
    "master-kill": ("F7", 16),
    "db-kill": ("F8", 40),
    "db-terminate": ("F9", 20),
    "redis-kill": ("F10", 18),
    "redis-hang": ("F10", 18),
    "redis-flush": ("F10", 10),
    "db-slow": ("F11", 16),
    "db-dark": ("F11", 30),
    "db-reset": ("F11", 10),
    "db-hogged": ("F11", 12),
    "payments": ("F12", 30),
    "disk-full": ("F13", 12),
    "clock": ("F14", 25),
    "restart": ("F17", 30),
    "overload": ("F18", 20),
    "slow-clients": ("F19", 15),
    "job-kill": ("F20", 30),
}
CALM_S = 3.0  # before the first fault, and after each: what was broken must be whole again by itself
SHORTEST = 0.35  # of the seconds of a fault, however short the run is


@dataclass(frozen=True)
class Step:
    """One fault: from which second of the run on, for how long, with dice of its own."""

    at_s: float
    seconds: float
    fault: str
    seed: int


def drawn(seed: int, seconds: float, wanted: Iterable[str] | None = None) -> list[Step]:
    """Rounds of all wanted faults, each in another order, as many as there is time for. ValueError for a fault that is not."""
    names = sorted(set(wanted or FAULTS))
    if wrong := set(names) - set(FAULTS):
        raise ValueError(f"no such fault: {', '.join(sorted(wrong))}; there are: {', '.join(FAULTS)}")
    pick, steps, at = random.Random(seed), list[Step](), CALM_S
    share = min(1.0, max(SHORTEST, (seconds - 2 * CALM_S) / sum(FAULTS[name][1] + CALM_S for name in names)))
    while True:
        for name in pick.sample(names, len(names)):
            lasts = round(FAULTS[name][1] * share, 1)
            if at + lasts + CALM_S > seconds:
                return steps
            steps.append(Step(round(at, 1), lasts, name, pick.randrange(2**32)))
            at += lasts + CALM_S


def left_out(steps: Sequence[Step], wanted: Iterable[str] | None = None) -> list[str]:
    """Wanted faults for which there was no time."""
    return sorted(set(wanted or FAULTS) - {step.fault for step in steps})


def said(steps: Sequence[Step]) -> list[dict[str, object]]:
    """The plan for a report."""
    return [asdict(step) for step in steps]
