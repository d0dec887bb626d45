"""How long and how much is measured: the full plan, the quick one, and one that only shows that all of it works."""

from collections.abc import Callable
from dataclasses import dataclass, replace

Figures = dict[str, float]
Measured = tuple[Figures, Figures]
"""Ratios and figures by name. A name says what it is: `..._per_s`, `..._us`, `..._s`, `..._bytes`."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """Seconds of each run, rounds of which the median counts, members with a history, scale of TPC-B, and so on.

    `both`: each of the two numbers of clients or processes is tried, else only the first.
    `growth` and `sweep` name sizes by their number of members, the smallest first; `due` members have something that
    lapsed, and a sweep that takes longer than `sweep_limit_s` is ended and counted as that long. `enrolled` members come
    in by a file.
    """

    seconds: int
    rounds: int
    members: int
    scale: int
    growth: tuple[int, ...]
    sweep: tuple[int, ...]
    due: int
    sweep_limit_s: int
    both: bool
    enrolled: int
    name: str

    def counts(self, numbers: tuple[int, ...]) -> tuple[int, ...]:
        """Of the numbers of clients or processes those that are tried; the better one counts."""
        return numbers if self.both else numbers[:1]


FULL = Plan(
    10, 3, 100_000, 50, (10_000, 100_000, 1_000_000), (10_000, 1_000_000), 1_000, 300, True, 1_000_000, "full"
)
QUICK = Plan(2, 1, 5_000, 10, (10_000, 1_000_000), (10_000, 1_000_000), 1_000, 5, False, 20_000, "quick")
TINY = Plan(1, 1, 600, 1, (600, 1_200), (600, 1_200), 20, 20, False, 1_000, "tiny")
PLANS = {plan.name: plan for plan in (FULL, QUICK, TINY)}


def with_ten_million(plan: Plan) -> Plan:
    """The same with ten million members at the end of the growth."""
    return replace(plan, growth=(*plan.growth, 10_000_000))


def short(count: int) -> str:
    """10000 -> "10k", 1000000 -> "1m", 600 -> "600"."""
    for size, letter in ((1_000_000, "m"), (1_000, "k")):
        if count % size == 0:
            return f"{count // size}{letter}"
    return str(count)
