"""make bench: runs the parts, prints a table, writes bench/results/latest.json (parts that did not run keep their last)."""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from base import clock
from bench import ledger, server

RESULTS = Path(__file__).parent / "results" / "latest.json"
TARGETS = {
    "single_over_tpcb": (0.6, "at least"),
    "batch_over_tpcb": (4.0, "at least"),
    "single_over_pgledger": (1.0, "at least"),
    "batch_over_pgledger": (3.0, "at least"),
    "growth": (1.3, "at most"),
}


def main() -> None:
    asked = _arguments()
    plan = ledger.QUICK if asked.quick else ledger.FULL
    with server.running() as running:
        ratios, figures = ledger.measure(
            running, plan, asked.pgledger, lambda text: print(text, file=sys.stderr)
        )
        machine = _machine(running)
    machine["quick"] = bool(asked.quick)
    found = (
        json.loads(RESULTS.read_text()) if RESULTS.exists() else {"ratios": {}, "figures": {}, "machine": {}}
    )
    found["ratios"]["ledger"], found["figures"]["ledger"], found["machine"]["ledger"] = (
        ratios,
        figures,
        machine,
    )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")
    for name, value in sorted(figures.items()):
        print(f"{name:<32} {value:>14,.1f}")
    for name, value in sorted(ratios.items()):
        limit, way = TARGETS[name]
        met = value >= limit if way == "at least" else value <= limit
        print(f"{name:<32} {value:>14.3f}   {way} {limit}: {'met' if met else 'NOT MET'}")
    if asked.pgledger is None:
        print("pgledger was not measured: give the folder of a checkout with PGLEDGER=path")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="in about a minute")
    parser.add_argument(
        "--pgledger", type=Path, help="folder of a pgledger checkout, to be measured beside us"
    )
    return parser.parse_args()


def _machine(running: server.Server) -> dict[str, object]:
    names = (
        "server_version",
        "fsync",
        "synchronous_commit",
        "full_page_writes",
        "shared_buffers",
        "wal_level",
    )
    with running.admin("postgres") as admin:
        settings = {name: admin.execute(f"show {name}").fetchone()[0] for name in names}  # type: ignore[index]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "postgresql": settings,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "commit": commit.stdout.strip(),
        "at": clock.now().isoformat(timespec="seconds"),
    }


if __name__ == "__main__":
    main()
