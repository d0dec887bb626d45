"""A list of members from beginning to end: read, checked, sealed, enrolled by two processes, durably.

The names are invented; the phone numbers are of a range that is given to nobody in particular.
"""

import random
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Protocol

from base import database, process
from bench.imports import python_cpu_s
from bench.server import Server
from points import programmes
from points.members import imports
from points.members.members import Secrets

CODE = "bench-members"
WORKERS = 2
COLUMNS = "customer_id,joined_on,phone,area,tier,birthday,name"
AREAS = ("3301", "3302", "330106", "4403", "510104")
TIERS = ("star1", "star2", "star3", "star4", "star5")
SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈", "安宁平远清和明月山川"
SECRETS = Secrets(seal_key="s" * 32, index_key="i" * 32)
Figures = dict[str, float]


class Plan(Protocol):
    """How many members are enrolled."""

    @property
    def enrolled(self) -> int: ...


def measure(server: Server, plan: Plan) -> tuple[Figures, Figures]:
    """Seconds for a million members, memory of the largest process, and what a second run takes that changes nothing."""
    process.settle()
    database.connect(server.clone("members_import"), statement_timeout_ms=600_000)
    with database.begin() as session:
        programme = programmes.create(
            session, CODE, {"zh-CN": CODE, "en": CODE}, zone="Asia/Shanghai", currency="CNY"
        )
    with tempfile.TemporaryDirectory(prefix="jifen-bench-") as folder:
        path = write(Path(folder) / "members.csv", plan.enrolled)
        with server.admin("members_import") as admin:
            admin.execute("checkpoint")
        python, began = python_cpu_s(), time.monotonic()
        report = imports.take_in(programme, SECRETS, path, quiet=True, workers=WORKERS)
        seconds, python = time.monotonic() - began, python_cpu_s() - python
        if not report.clean or report.posted != plan.enrolled:
            raise RuntimeError(f"the import is not clean: {report}")
        began = time.monotonic()
        again = imports.take_in(programme, SECRETS, path, quiet=True, workers=WORKERS)
        again_seconds = time.monotonic() - began
        if again.already_there != plan.enrolled:
            raise RuntimeError(f"a second run changed something: {again}")
    million = 1_000_000 / plan.enrolled
    return {}, {
        "members_enrolled": float(plan.enrolled),
        "members_s_per_million": round(seconds * million, 1),
        "members_again_s_per_million": round(again_seconds * million, 1),
        "members_python_us_each": round(python * million, 1),
        "members_worker_megabytes": round(_largest_megabytes(), 1),
    }


def write(path: Path, count: int, seed: int = 1) -> Path:
    """A list in the order of account numbers; nearly everybody has everything."""
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.write(COLUMNS + "\n")
        out.writelines(_rows(count, random.Random(seed)))
    return path


def _rows(count: int, pick: random.Random) -> Iterator[str]:
    for number in range(count):
        joined = date(2015, 1, 1) + timedelta(days=pick.randrange(3_600))
        birthday = f"{pick.randrange(1, 13):02d}-{pick.randrange(1, 29):02d}"
        name = pick.choice(SURNAMES) + pick.choice(GIVEN) + pick.choice(GIVEN) if number % 100 else ""
        yield (
            f"8610{number:09d},{joined},{19_000_000_000 + number},{pick.choice(AREAS)},{pick.choice(TIERS)},{birthday},{name}\n"
        )


def _largest_megabytes() -> float:
    """Of this process and of the workers that have ended, whichever was largest."""
    return (
        max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        / 1024
    )
