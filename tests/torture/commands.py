"""Faults that need processes of their own: jobs that die in the middle, clocks that are wrong, a disk that is full."""

import csv
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from app import supervisor
from base import clock, database
from base.config import Config, own_environment
from merchants import items, merchants, terms
from merchants.items import Amounts
from merchants.models import ADJUSTMENT, DAILY
from points import lots, policies
from tests import given
from tests.torture.place import Place
from tests.torture.world import World

LONGEST_S = 120
LINES, PAYEES, LAPSING, KILLS = 3_000, 6, 30, 2
Facts = dict[str, Any]


def run(command: Sequence[str], environment: dict[str, str]) -> tuple[int, str]:
    """A command to its end, its children with it: exit code, and what it printed."""
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=supervisor.ROOT, start_new_session=True,
    )  # fmt: skip
    try:
        said, trouble = process.communicate(timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        said, trouble = "", "took too long"
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
    return process.returncode, said or trouble[-500:]


def beside(config: Config, **more: str) -> dict[str, str]:
    """The environment of a child that stands beside the proxies."""
    return supervisor.environment(config) | more


def killed_jobs(place: Place, world: World, pick: random.Random) -> Facts:
    """Of import, settlement and expiry the next one: killed, then whole, then once more, which changes nothing."""
    facts: Facts = {"done": 0, "wrong": []}
    code = given.given_programme(f"jobs{uuid.uuid4().hex[:8]}").code
    jobs, wanted = _jobs(place, world, code), next(_turns)
    for name, (command, failpoint, most) in jobs.items():
        if name != wanted:
            continue
        for _ in range(KILLS):
            said = f"{failpoint}=kill@{pick.randint(1, most)}"
            status, _ = run(command, beside(place.config, JIFEN_FAILPOINTS=said))
            facts["done"] += status != 0
        status, said = run(command, beside(place.config))
        if status != 0:
            facts["wrong"].append(f"{name}: exit {status} {said}")
        before = _rows(place)
        status, said = run(command, beside(place.config))
        after = _rows(place)
        if status != 0 or any(after[table] != before[table] for table in TOUCHED[name]):
            facts["wrong"].append(f"{name}: the second run wrote {after} instead of {before}; exit {status}")
    return facts


# Tables that nobody else writes for these: members, merchants and a programme of their own.
TOUCHED = {
    "import": ("bill lines of the jobs",),
    "settlement": ("statements of the jobs",),
    "expiry": ("lapsed of the jobs",),
}


_turns = itertools.cycle(TOUCHED)


def _rows(place: Place) -> dict[str, int]:
    asked = {
        "bill lines of the jobs": "select count(*) from bill_line where bill_id like 'J-%'",
        "statements of the jobs": "select count(*) from statement s join merchant m using (merchant_id) where m.code like 'job-%'",
        "lapsed of the jobs": "select count(*) from posting p join member m using (member_id) join programme r using (programme_id) "
        "where r.code like 'jobs%' and p.to_class = 13",
    }  # fmt: skip
    with place.admin() as admin:
        return {name: int(str(admin.execute(statement).fetchone()[0])) for name, statement in asked.items()}  # type: ignore[index]


def _jobs(place: Place, world: World, code: str) -> dict[str, tuple[list[str], str, int]]:
    """Of each: its command, the failpoint at which it dies, and at which time at the latest."""
    jifen = [sys.executable, "-m", "app.cli"]
    today = clock.day(clock.now(), given.ZONE)
    _payees()
    _lapsing(place.config, code)
    file = _bills(place.folder, world)
    return {
        "import": ([*jifen, "import", "bills", str(file), "--programme", world.programme.code, "--quiet", "--workers", "1"],
                   "staged_part_taken", 3),
        "settlement": ([*jifen, "settle", "--until", str(today - timedelta(days=1)), "--quiet"], "statement_sealed", PAYEES),
        "expiry": ([*jifen, "expire", "--as-of", str(today), "--programme", code, "--quiet"], "lots_lapsed", 1),
    }  # fmt: skip


def _payees() -> None:
    """Merchants that settle each day, with something owed since the day before yesterday."""
    at = clock.now() - timedelta(days=3)
    for _ in range(PAYEES):
        name = f"job-{uuid.uuid4().hex[:8]}"
        with database.begin() as session:
            merchant = merchants.add(
                session, name, {"zh-CN": name, "en": name}, zone=given.ZONE, currency="CNY", city="Hangzhou"
            )
            terms.add(
                session, merchant.merchant_id, given.LONG_AGO, price_bp=9_000, fee_bp=0, vat_bp=0, void_window_s=900, cycle=DAILY,
                draft_days=0,
            )  # fmt: skip
            items.add(
                session, merchant.merchant_id, ADJUSTMENT, Amounts(700), at=at, reason="torture", actor="test"
            )


def _lapsing(config: Config, code: str) -> None:
    """Members whose points have lapsed and nobody has said so."""
    from points import programmes

    then = clock.now() - timedelta(days=20)
    with clock.stopped(then):
        last = lots.last_day(lots.key(clock.day(then, given.ZONE) + timedelta(days=10), policies.BILL_POINTS))
        with database.begin() as session:
            programme = programmes.by_code(session, code)
        for _ in range(LAPSING):
            given.given_points(given.given_member(config, programme), 50, last_day=last)


def _bills(folder: Path, world: World) -> Path:
    file, bill = folder / f"bills-{uuid.uuid4().hex[:8]}.csv", f"J-{uuid.uuid4().hex[:8]}"
    day = str(clock.day(clock.now(), given.ZONE))
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(("customer_id", "bill_id", "line_no", "bill_day", "line_type", "amount_fen"))
        for number in range(LINES):
            writer.writerow(
                (world.people[number % len(world.people)].customer, bill, number + 1, day, "plan", 500)
            )
    return file


# Clocks


def clocks(place: Place) -> Facts:
    """Processes with other clocks, on members of a programme of their own: libfaketime where it is, else `base.clock` alone."""
    wrapped = shutil.which("faketime")
    told: Facts = {"done": 0, "wrong": [], "by": "libfaketime" if wrapped else "base.clock"}
    code = f"clock{uuid.uuid4().hex[:8]}"
    for shift in ("now", "+400d", "-1h", "now"):
        moved = wrapped and shift != "now"
        command = [wrapped, "-f", shift] if moved and wrapped else []
        inner = [sys.executable, "-m", "tests.torture.clocks", code, shift, "told" if moved else "own"]
        status, said = run([*command, *inner], beside(place.config, FAKETIME_DONT_FAKE_MONOTONIC="1"))
        told["done"] += 1
        try:
            found = json.loads(said.splitlines()[-1])
        except (ValueError, IndexError):
            found = {"wrong": [f"exit {status}: {said[-300:]}"]}
        told["wrong"] += [f"at {shift}: {one}" for one in found["wrong"]]
    return told


# A full disk


def disk(place: Place) -> Facts:
    """A server on a small disk of its own, in a mount namespace; "not run" where nobody may make one."""
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or unshare is None or run([unshare, "-m", "true"], own_environment())[0] != 0:
        return {"done": 0, "wrong": [], "not_run": "a mount namespace needs rights that this user has not"}
    folder = place.folder / f"disk-{uuid.uuid4().hex[:6]}"
    folder.mkdir()
    environment = own_environment() | {"JIFEN_DATA": str(folder), "PYTHONPATH": str(supervisor.ROOT)}
    status, said = run([unshare, "-m", sys.executable, "-m", "tests.torture.disk", str(folder)], environment)
    try:
        return dict(json.loads(said.splitlines()[-1]))
    except (ValueError, IndexError):
        return {"done": 0, "wrong": [f"exit {status}: {said[-300:]}"]}
