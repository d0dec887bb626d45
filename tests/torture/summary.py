"""`python -m tests.torture.summary report.json ...`: reports summed up as the rows of docs/proof.md, in Markdown."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.torture.report import Report, by_fault, troubles

HEAD = "| run | operations | acknowledged | refused | unknown | lost | doubled | snapshots broken | controls | tamperings | whole |"
FAULTS_HEAD = "| fault | what | times | deeds | longest without an answer that helped | back after | wrong |"


def rows(reports: Sequence[Report]) -> str:
    """A row for each run; then for each fault, over all of them."""
    runs = [HEAD, _line(HEAD), *map(_run, reports)]
    faults = [one for report in reports for one in report["faults"]]
    return "\n".join([*runs, "", FAULTS_HEAD, _line(FAULTS_HEAD), *(_fault(one) for one in by_fault(faults))])


def _run(report: Report) -> str:
    caught = (
        f"{sum(map(bool, report['controls'].values()))} of {len(report['controls'])}"
        if report["controls"]
        else "not run"
    )
    found = (
        f"{report['tampering']['found']:,} of {report['tampering']['done']:,}"
        if report["tampering"]
        else "not run"
    )
    snapshots = f"{report['snapshots']['broken']} of {report['snapshots']['taken']}"
    name = f"seed {report['seed']}, `{report['commit']}`, {report['seconds'] / 60:.0f} min, {report['machine']['cores']} cores"
    numbers = (
        report["operations"],
        report["acknowledged"],
        report["refused"],
        report["unknown"],
        len(report["lost"]),
        len(report["doubled"]),
    )
    cells = [
        name,
        *(f"{number:,}" for number in numbers),
        snapshots,
        caught,
        found,
        _whole(report),
    ]
    return f"| {' | '.join(cells)} |"


def _whole(report: Report) -> str:
    if troubles(report):
        return "no"
    return f"yes, {len(report['not_run'])} checks not run" if report["not_run"] else "yes"


def _fault(one: dict[str, Any]) -> str:
    if one["not_run"]:
        return f"| {one['id']} | {one['fault']} | not run: {one['not_run']} | | | | |"
    back = "-" if one["back_s"] is None else f"{one['back_s']:.1f} s"
    return f"| {one['id']} | {one['fault']} | {one['times']} | {one['done']:,} | {one['down_s']:.1f} s | {back} | {len(one['wrong'])} |"


def _line(head: str) -> str:
    return "|" + " --- |" * (head.count("|") - 1)


def main(paths: Sequence[str]) -> None:
    """Print it."""
    sys.stdout.write(rows([json.loads(Path(path).read_text(encoding="utf-8")) for path in paths]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
