"""What a run says of itself: `report.json`, and the same as a table for people."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from base.config import own_environment
from tests.torture.plan import FAULTS

Report = dict[str, Any]


def whole(report: Report) -> bool:
    """Whether nothing was lost, doubled, broken or late, and every control was caught."""
    return not troubles(report)


def troubles(report: Report) -> list[str]:
    """All that is not as it must be, one sentence each."""
    found = [f"lost: {one}" for one in report["lost"]] + [f"doubled: {one}" for one in report["doubled"]]
    found += [
        f"{one['fault']} at {one['at_s']:g} s: {what}" for one in report["faults"] for what in one["wrong"]
    ]
    found += [f"verify at a snapshot: {one}" for one in report["snapshots"]["findings"]]
    found += [f"verify at the end: {one}" for one in report["verify"]["findings"]]
    found += [f"at the end: {one}" for one in report["wrong"]]
    found += [f"not caught: {name}" for name, caught in report["controls"].items() if not caught]
    found += [f"{report['unsettled']} unknown operations could not be settled"] if report["unsettled"] else []
    if report["tampering"] and report["tampering"]["found"] != report["tampering"]["done"]:
        found.append(f"tampering: {report['tampering']['found']} of {report['tampering']['done']} found")
    if report["tampering"] and report["tampering"]["done"] < report["tampering"]["wanted"]:
        found.append(f"tampering: time for {report['tampering']['done']} of {report['tampering']['wanted']}")
    return found + ([] if report["ended"] else ["the run was stopped by its timer"])


def machine(servers: dict[str, str]) -> dict[str, Any]:
    """On what it ran."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **servers,
        **{name: version(name) for name in ("flask", "gunicorn", "psycopg", "sqlalchemy")},
    }


def commit(root: Path) -> str:
    """The commit of this checkout, with a mark where something is changed."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"], cwd=root, env=own_environment(),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return found.stdout.strip() or "unknown"
    except OSError:
        return "unknown"


def write(report: Report, path: Path) -> None:
    """Beside its name and renamed, so that a report is whole or not there."""
    fresh = path.with_suffix(path.suffix + ".new")
    fresh.write_text(json.dumps(report, ensure_ascii=False, indent=1, default=str) + "\n", encoding="utf-8")
    fresh.rename(path)


def table(report: Report) -> str:
    """For people: what was survived, fault by fault."""
    lines = [
        "",
        f"seed {report['seed']}, commit {report['commit']}, {report['seconds'] / 60:.1f} minutes, {report['machine']['cores']} cores",
        f"{report['operations']:,} operations: {report['acknowledged']:,} acknowledged, {report['refused']:,} refused, "
        f"{report['unknown']:,} unknown ({report['unsettled']} of them in the end)",
        f"lost {len(report['lost'])}, doubled {len(report['doubled'])}; verify at {report['snapshots']['taken']} snapshots: "
        f"{report['snapshots']['broken']} broken; at the end: {len(report['verify']['findings'])} findings in "
        f"{report['verify']['postings']:,} postings",
        "",
        f"  {'':<5}{'fault':<14}{'times':>6}{'deeds':>7}{'longest down':>14}{'back':>8}  what was not right",
        *map(_row, by_fault(report["faults"])),
        "",
        *_ending(report),
    ]
    return "\n".join(lines)


def line(one: dict[str, Any]) -> str:
    """What is told of a fault as soon as it is over."""
    said = one.get("not_run") or "; ".join(one["wrong"])[:200] or "-"
    return f"{one['fault']:<14}{one['took_s']:>6.1f} s{one.get('done', 0):>7} deeds, longest down {one['seen']['down_s']:.1f} s  {said}"


def by_fault(faults: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """All times of a fault in one: how often, how many deeds, the longest time without a success, what was wrong."""
    found: dict[str, dict[str, Any]] = {}
    for one in faults:
        kept = found.setdefault(
            one["fault"],
            {"fault": one["fault"], "id": FAULTS[one["fault"]][0], "times": 0, "done": 0, "down_s": 0.0, "back_s": None, "wrong": [], "not_run": ""},
        )  # fmt: skip
        kept["times"] += 1
        kept["done"] += one.get("done", 0)
        kept["down_s"] = max(kept["down_s"], one["seen"]["down_s"])
        backs = [
            one.get(name)
            for name in ("back_s", "slowest_back_s", "master_back_s")
            if one.get(name) is not None
        ]
        kept["back_s"] = max([*backs, kept["back_s"] or 0.0]) if backs else kept["back_s"]
        kept["wrong"] += one["wrong"]
        kept["not_run"] = one.get("not_run", "")
    return sorted(found.values(), key=lambda one: (int(one["id"][1:]), one["fault"]))


def _row(one: dict[str, Any]) -> str:
    back = "" if one["back_s"] is None else f"{one['back_s']:.1f} s"
    said = (one["not_run"] and f"not run: {one['not_run']}") or (
        f"{len(one['wrong'])}: {one['wrong'][0][:90]}" if one["wrong"] else "-"
    )
    return f"  {one['id']:<5}{one['fault']:<14}{one['times']:>6}{one['done']:>7}{one['down_s']:>12.1f} s{back:>8}  {said}"


def _ending(report: Report) -> list[str]:
    caught = sum(bool(one) for one in report["controls"].values())
    lines = (
        [f"{caught} of {len(report['controls'])} planted faults were caught"] if report["controls"] else []
    )
    if report["tampering"]:
        lines.append(
            f"{report['tampering']['found']:,} of {report['tampering']['done']:,} tamperings were found"
        )
    lines += [f"not run: {name}: {why}" for name, why in report["not_run"].items()]
    wrong = troubles(report)
    return [
        *lines,
        "",
        *(f"  {one[:300]}" for one in wrong),
        _verdict(report, wrong),
    ]


def _verdict(report: Report, wrong: list[str]) -> str:
    if wrong:
        return f"{len(wrong)} things are not as they must be"
    return "all whole" + (f" of what was run; {len(report['not_run'])} were not" if report["not_run"] else "")
