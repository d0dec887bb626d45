"""make bench: runs the parts asked for, writes bench/results/latest.json, prints a table with each target.

Parts that did not run keep their last results. ONLY=growth runs one part, ONLY=ledger all that is about the ledger.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base import clock
from bench import (
    analytics,
    costs,
    growth,
    http,
    imports,
    intake,
    ledger,
    lists,
    members,
    overload,
    pages,
    people,
    promises,
    replay,
    results,
    rivals,
    selftest,
    server,
    settlement,
    tiers,
    till,
)
from bench.plans import PLANS, Figures, Measured, Plan, Say, with_ten_million
from bench.population import Populations

SETTINGS = (
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "wal_level",
)


@dataclass(frozen=True)
class Bench:
    """What every part is given."""

    server: server.Server
    plan: Plan
    populations: Populations
    rivals: Callable[[], list[rivals.Rival]]
    lighthouse: Path | None
    say: Say


PARTS: dict[str, Callable[[Bench], Measured]] = {
    "rates": lambda b: ledger.rates(b.server, b.plan, b.populations, b.rivals(), b.say),
    "log": lambda b: ledger.log(b.server, b.plan, b.populations),
    "proof": lambda b: ledger.proven(b.plan, b.populations),
    "growth": lambda b: growth.growth(b.server, b.plan, b.populations, b.say),
    "sweep": lambda b: growth.sweep(b.server, b.plan, b.populations, b.say),
    "imports": lambda b: imports.measure(b.server, b.plan),
    "tiers": lambda b: tiers.evaluated(b.server, b.plan, b.say),
    "members": lambda b: members.measure(b.server, b.plan),
    "lists": lambda b: lists.measure(b.server, b.plan, b.populations, b.say),
    "intake": lambda b: intake.measure(b.server, b.plan, b.say),
    "people": lambda b: people.measure(b.server, b.plan, b.populations, b.say),
    "http": lambda b: http.measure(b.server, b.plan, b.populations, b.say),
    "pages": lambda b: pages.measure(b.server, b.plan, b.lighthouse, b.say),
    "overload": lambda b: overload.measure(b.server, b.plan, b.populations, b.say),
    "till": lambda b: till.measure(b.server, b.plan, b.populations, b.say),
    "settlement": lambda b: settlement.measure(b.server, b.plan, b.say),
    "costs": lambda b: costs.measure(b.server, b.plan, b.say),
    "promises": lambda b: promises.measure(b.server, b.plan, b.say),
    "replay": lambda b: replay.replayed(b.server, b.plan, b.say),
    "analytics": lambda b: analytics.analysed(b.server, b.plan, b.populations, b.say),
    "selftest": lambda b: selftest.examined(b.plan, b.say),
}
APART = frozenset(
    {
        "tiers",
        "members",
        "lists",
        "intake",
        "people",
        "http",
        "pages",
        "overload",
        "till",
        "settlement",
        "costs",
        "promises",
        "replay",
        "analytics",
        "selftest",
    }
)  # a topic of their own each
TOPICS = {
    "ledger": tuple(part for part in PARTS if part not in APART),
    "http": ("http", "till"),
}  # a topic is several parts that share populations


def main(words: list[str] | None = None) -> None:
    """Run, write, print."""
    asked = _arguments(words)
    plan = with_ten_million(PLANS[asked.plan]) if asked.growth == "10m" else PLANS[asked.plan]
    ratios: Figures = {}
    figures: Figures = {}
    with server.running() as running, tempfile.TemporaryDirectory(prefix="jifen-rivals-") as folder:
        machine = _machine(running, plan)
        bench = Bench(
            running, plan, Populations(running, _say),
            lambda: rivals.asked_for(running, asked.pgledger, asked.hordak, Path(folder), _say),
            asked.lighthouse, _say,
        )  # fmt: skip
        for part in _parts(asked.only):
            _say(f"part: {part}")
            found = PARTS[part](bench)
            if found[0] or found[1]:
                results.keep(part, *found, machine, asked.results)
            ratios |= found[0]
            figures |= found[1]
    for line in results.table(ratios, figures):
        print(line)
    for name, there in (("PGLEDGER=folder of a checkout", asked.pgledger), ("HORDAK=1", asked.hordak)):
        if not there and "tpcb_per_s" in figures:
            print(f"a rival was not measured: {name}")


def _parts(only: list[str]) -> list[str]:
    chosen = {part for name in only for part in TOPICS.get(name, (name,))} or set(PARTS)
    return [part for part in PARTS if part in chosen]


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", default=[], choices=(*TOPICS, *PARTS), metavar="PART",
        help=f"one or several of: {', '.join((*TOPICS, *PARTS))}",
    )  # fmt: skip
    parser.add_argument("--plan", choices=tuple(PLANS), default="full")
    parser.add_argument("--quick", dest="plan", action="store_const", const="quick", help="in about a minute")
    parser.add_argument("--growth", choices=("1m", "10m"), default="1m", help="up to how many members")
    parser.add_argument(
        "--pgledger", type=Path, help="folder of a pgledger checkout, to be measured beside us"
    )
    parser.add_argument(
        "--hordak", action="store_true", help="install django-hordak and measure it beside us"
    )
    parser.add_argument("--lighthouse", type=Path, help="folder in which lighthouse@12 is installed by npm")
    parser.add_argument("--results", type=Path, default=results.PATH, help="the file of results")
    return parser.parse_args(words)


def _machine(running: server.Server, plan: Plan) -> dict[str, Any]:
    def shown(name: str) -> str:
        return str(admin.execute(f"show {name}").fetchone()[0])  # type: ignore[index]

    with running.admin("postgres") as admin:
        version, settings = shown("server_version"), {name: shown(name) for name in SETTINGS}
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "postgresql": version,
        "settings": settings,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "commit": commit.stdout.strip(),
        "at": clock.now().isoformat(timespec="seconds"),
        "plan": plan.name,
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
