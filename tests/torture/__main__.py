"""`python -m tests.torture --seed 7 --minutes 20 --out report.json`: the fault programme, see docs/proof.md.

Everything is started here, listens on this machine alone, and ends here: at MINUTES + 2 by a timer, children included.
Exit 0 only if all is whole and every planted fault was caught.
"""

import argparse
import os
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ.setdefault("JIFEN_ENV", "development")

from app import supervisor
from app.proof import findings
from app.proving import snapshot
from app.wiring import wire
from base import database, local, logs
from points import verify as points_verify
from tests.torture import child, effects, place, plan, report
from tests.torture.faults import DEEDS, Run
from tests.torture.history import History, judge
from tests.torture.load import Load
from tests.torture.money import Money
from tests.torture.place import MOST_DISK_BYTES, MOST_MEMORY_BYTES, Place
from tests.torture.plan import CALM_S, Step
from tests.torture.probe import Probe
from tests.torture.report import Report
from tests.torture.snapshots import Snapshots
from tests.torture.world import World, made

MEMBERS = 200
GRACE_S, ENDS_S = 120, 25.0  # after MINUTES everything is ended by force; what an orderly end takes
# Of the time, what servers, members and webs may take until all stands, and what comes behind the faults: settling, verify,
# controls, tampering.
START_S, START_SHARE = 45.0, 0.2
ENDING_S, ENDING_SHARE = 330.0, 0.4
BARE_ENDING_S, BARE_ENDING_SHARE = 60.0, 0.3  # without controls and tampering
TAMPERINGS = ((10, 1_000), (0, 105))  # from so many minutes on, so many


def main() -> int:
    """The run; its exit code."""
    options = _options()
    os.environ["PYTHONUNBUFFERED"] = "1"
    os.environ.pop(
        "PYTHONDONTWRITEBYTECODE", None
    )  # what is installed starts from bytecode, and so do our servers
    logs.init(as_json=False, level=50)
    began = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stopped)
    with place.running() as here:
        timer = threading.Timer(options.minutes * 60 + GRACE_S, _out_of_time, (here, options))
        timer.daemon = True
        timer.start()
        try:
            said = _run(here, options, began)
        finally:
            if options.logs:
                _keep(here, options.logs)
        timer.cancel()
    report.write(said, options.out)
    _say(report.table(said))
    _say(f"{options.out}")
    return 0 if report.whole(said) else 1


def _keep(here: Place, folder: Path) -> None:
    """What people read when something was not as it must be."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (
        here.folder / "history.jsonl",
        here.folder / "postgres.log",
        *(here.folder / "logs").glob("*.log"),
    ):
        with suppress(OSError):
            shutil.copyfile(file, folder / file.name)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests.torture", description="Faults by seed, on this machine alone."
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--faults", default="", help=f"some of: {','.join(plan.FAULTS)}")
    parser.add_argument("--out", type=Path, default=Path("report.json"))
    parser.add_argument("--no-controls", action="store_true", help="leave planted faults and tampering out")
    parser.add_argument("--logs", type=Path, help="keep history and logs in this folder")
    options = parser.parse_args()
    options.faults = [name for name in options.faults.split(",") if name]
    if wrong := set(options.faults) - set(plan.FAULTS):
        parser.error(f"no such fault: {', '.join(sorted(wrong))}; there are: {', '.join(plan.FAULTS)}")
    return options


def _run(here: Place, options: argparse.Namespace, began: float) -> Report:
    seconds = options.minutes * 60
    _say("starting servers, webs, workers, stand-ins")
    wire(here.config, pool_size=12, statement_timeout_ms=60_000)
    world = made(here.config, MEMBERS)
    place.begin(here)
    wire(here.config, pool_size=12, statement_timeout_ms=60_000)
    world.config = here.config
    steps = plan.drawn(options.seed, for_faults(seconds, bare=options.no_controls), options.faults)
    history = History(here.folder / "history.jsonl")
    load, probe = (
        Load(world, history, here.ports, options.seed, here.out),
        Probe(world, world.people[0], here.ports, here.out),
    )
    money, snapshots = Money(here.config, here), Snapshots(supervisor.environment(here.config))
    load.start()
    probe.start()
    snapshots.start()
    told = _faults(steps, Run, here, world, load, probe, money)
    load.stop()
    probe.stop()
    snapshots.stop()
    _say("settling what is unknown")
    said = _ended(here, history, load, money)
    controls: dict[str, Any] = {"controls": {}, "tampering": {}}
    if not options.no_controls:
        _say("planted faults and tampering")
        left = began + seconds + GRACE_S - time.monotonic() - ENDS_S
        many = next(number for least, number in TAMPERINGS if options.minutes >= least)
        controls = child.controls(here, options.seed, many, max(10.0, left))
    return _report(options, began, here, steps, told, load, snapshots, said, controls)


def for_faults(seconds: float, *, bare: bool = False) -> float:
    """How much of a run's time is for faults."""
    most, share = (BARE_ENDING_S, BARE_ENDING_SHARE) if bare else (ENDING_S, ENDING_SHARE)
    return seconds - min(most, seconds * share) - min(START_S, seconds * START_SHARE)


def _faults(
    steps: Iterable[Step], run: type[Run], here: Place, world: World, load: Load, probe: Probe, money: Money
) -> list[dict[str, Any]]:
    """One fault after the other, by the plan; what each did, and what a quiet client saw of it."""
    began, told = time.monotonic(), list[dict[str, Any]]()
    steps = list(steps)
    for number, step in enumerate(steps, 1):
        load.over.wait(max(0.0, began + step.at_s - time.monotonic()))
        if time.monotonic() > began + steps[-1].at_s + steps[-1].seconds:
            break  # slower than the plan: what is left is said to be not run
        database.engine().dispose()  # an earlier fault may have left dead connections in this process
        begin, facts = time.monotonic(), {"done": 0, "wrong": list[str]()}
        try:
            facts = DEEDS[step.fault](run(here, world, load, probe, money, step))
        except Exception as error:  # the harness itself must not hide what comes behind
            facts["wrong"] = [f"the fault itself failed: {type(error).__name__}: {error}"[:300]]
        end = time.monotonic()
        load.over.wait(CALM_S)
        took = {"fault": step.fault, "at_s": step.at_s, "took_s": round(end - begin, 1)}
        told.append({**took, "seen": probe.window(begin, end), **facts})
        _say(f"{number:>3} of {len(steps)}  {report.line(told[-1])}")
        if here.size_bytes() > MOST_DISK_BYTES or place.memory_of(os.getpid()) > MOST_MEMORY_BYTES:
            told[-1]["wrong"].append("the run needs more memory or disk than it may")
            break
    return told


def _ended(here: Place, history: History, load: Load, money: Money) -> dict[str, Any]:
    """Each unknown is asked again; what is under way comes to its end; then the books and the history are judged."""
    first = history.counts()
    alone = Counter(here.fallen) - Counter(here.killed)
    database.engine().dispose()
    unsettled = load.settle(history.unknown(), 60)
    wrong = money.finish() + load.never_to_be_told()
    with here.admin() as admin:
        judgement = judge(history.operations.values(), effects.all_of(admin))
        wrong += effects.credits_wrong(admin, money.topups()) + effects.prices_wrong(admin)
        wrong += effects.stock_wrong(admin)
        deadlocks = admin.execute("select deadlocks from pg_stat_database where datname = 'jifen'").fetchone()
    with snapshot() as session:
        postings = points_verify.count(session)
        found = [vars(one) for one in findings(session)]
    return {
        "first": first, "unsettled": unsettled, "wrong": wrong[:20] + [f"{name} ended by itself, {many} times" for name, many in alone.items()], "lost": judgement.lost, "doubled": judgement.doubled,
        "verify": {"postings": postings, "findings": found[:20]}, "deadlocks": deadlocks and deadlocks[0],
    }  # fmt: skip


def _report(
    options: argparse.Namespace, began: float, here: Place, steps: list[Step], told: list[dict[str, Any]], load: Load,
    snapshots: Snapshots, said: dict[str, Any], controls: dict[str, Any],
) -> Report:  # fmt: skip
    with here.admin() as admin:
        postgres = str(admin.execute("show server_version").fetchone()[0])  # type: ignore[index]
    history = load.history
    were = {one["fault"] for one in told}
    not_run = dict.fromkeys(
        sorted(set(options.faults or plan.FAULTS) - were), "no time for it in so short a run"
    )
    not_run |= {one["fault"]: one["not_run"] for one in told if one.get("not_run")}
    if options.no_controls:
        not_run["controls"] = not_run["tampering"] = "left out"
    statuses = Counter[str]()
    for (kind, status), many in history.statuses.items():
        statuses[f"{kind} {status}"] += many
    first = said.pop("first")
    return {
        "seed": options.seed,
        "commit": report.commit(supervisor.ROOT),
        "command": f"make torture SEED={options.seed} MINUTES={options.minutes:g}"
        + (f" FAULTS={','.join(options.faults)}" if options.faults else ""),
        "machine": report.machine({"postgresql": postgres, "valkey": _valkey(here)}),
        "seconds": round(time.monotonic() - began, 1),
        "ended": True,
        "operations": len(history.operations),
        "acknowledged": first["acknowledged"],
        "refused": first["refused"],
        "unknown": first["unknown"],
        "troubles": dict(load.troubles.most_common(5)),
        "statuses": dict(sorted(statuses.items())),
        "restarted": dict(Counter(here.fallen)),
        "snapshots": snapshots.summary,
        **said,
        **controls,
        "not_run": not_run,
        "faults": told,
        "plan": plan.said(steps),
    }


def _valkey(here: Place) -> str:
    with suppress(Exception):
        return str(place.cache(here).info("server").get("valkey_version") or "unknown")
    return "unknown"


def _out_of_time(here: Place, options: argparse.Namespace) -> None:
    """The hard end: nothing of this run outlives it."""
    sys.stderr.write(f"stopped by the timer; no report in {options.out}\n")
    if options.logs:
        _keep(here, options.logs)
    here.over.set()
    here.kill_database()
    for one in here.children.values():
        with suppress(ProcessLookupError, AssertionError):
            os.killpg(one.pid, signal.SIGKILL)
    with suppress(OSError, ValueError):
        os.kill(here.pid_of("valkey"), signal.SIGKILL)
    for pid in place.children_of(os.getpid()):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with suppress(Exception):
        local.remove(here.folder)
    shutil.rmtree(here.folder, ignore_errors=True)
    os._exit(2)


def _stopped(*_: object) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
