"""A file of members by way of the console: sent, tried, its import ended early by a click, then taken in; the bar is watched.

The same functions as behind the page, and the worker's own job beside it in a thread; what the page would show is read from
the job's row again and again.
"""

import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from admin.intake import heads, intake, job, tasks
from admin.intake.models import CANCELLED, COMMIT, DONE, TRY, IntakeJob
from base import clock, database, process
from base.auth.principals import Staff
from base.config import Config
from bench import members
from bench.server import Server
from points import programmes

CODE = "bench-intake"
MOST = 100_000
EACH_S = 0.1
PERSON = Staff(1, frozenset({"editor"}))
Figures = dict[str, float]


class Plan(Protocol):
    """How many members are enrolled."""

    @property
    def enrolled(self) -> int: ...


def measure(server: Server, plan: Plan, say: Callable[[str], None]) -> tuple[Figures, Figures]:
    """Rows a second of the dry run and of the import, how often the bar was seen to move, how soon a click ended it."""
    process.settle()
    rows = min(plan.enrolled, MOST)
    url = server.clone("members_intake")
    config = Config.from_env().at(database_url=url, seal_key=members.SECRETS.seal_key)
    database.connect(url, statement_timeout_ms=60_000)
    with database.begin() as session:
        programmes.create(session, CODE, {"zh-CN": CODE, "en": CODE}, zone="Asia/Shanghai", currency="CNY")
    with tempfile.TemporaryDirectory(prefix="jifen-bench-") as folder:
        path = members.write(Path(folder) / "members.csv", rows)
        began = time.monotonic()
        with open(path, "rb") as file:
            number = intake.receive(config, PERSON, CODE, "members", path.name, file)
        sent = path.stat().st_size / 1e6 / (time.monotonic() - began)
    with database.begin() as session:
        found = intake.one(session, PERSON, number)
        names = heads.guessed(found.heads, intake.KINDS["members"].columns)
        intake.mapped(session, PERSON, number, names, clock.now())
    tried = _watched(config, number, TRY)
    stopped = _watched(config, number, COMMIT, cancel_at=0.6)
    rest = _watched(config, number, COMMIT)
    if (tried.job.state, stopped.job.state, rest.job.state) != (DONE, CANCELLED, DONE):
        raise RuntimeError(
            f"the jobs ended otherwise: {tried.job.state}, {stopped.job.state}, {rest.job.state}"
        )
    kept = (stopped.job.counts or {})["posted"]
    if kept + (rest.job.counts or {})["posted"] != rows:
        raise RuntimeError(f"rows were lost or done twice: {kept} and {rest.job.counts}")
    say(
        f"dry run of {rows:,} rows: bar seen at {len(tried.seen)} places, time left seen {len(tried.left)} times"
    )
    say(
        f"import ended by a click after {kept:,} rows, in {stopped.ended_s:.2f} s; the rest was taken in after it"
    )
    return {}, {
        "intake_rows": float(rows),
        "intake_sent_mb_per_s": round(sent, 1),
        "intake_tried_per_s": round(rows / tried.seconds, 1),
        "intake_posted_per_s": round((rows - kept) / rest.seconds, 1),
        "intake_bar_moves": float(len(tried.seen)),
        "intake_half_way_left_over_true": round(tried.left_over_true(), 2),
        "intake_cancel_s": round(stopped.ended_s, 2),
    }


@dataclass
class _Seen:
    """What somebody at the page saw of a job: places of the bar, what was said to be left and when."""

    job: IntakeJob
    seconds: float
    ended_s: float
    seen: set[int] = field(default_factory=set)
    left: list[tuple[float, int, int]] = field(default_factory=list)

    def left_over_true(self) -> float:
        """What was said to be left when half of it was done, over what it took; 0 where nobody looked then."""
        at, said = next(((at, said) for at, said, percent in self.left if percent >= 50), (self.seconds, 0))
        return said / max(self.seconds - at, 0.001)


def _watched(config: Config, number: int, deed: str, cancel_at: float = 2.0) -> _Seen:
    with database.begin() as session:
        job_id = tasks.ask(session, PERSON, number, deed, clock.now()).job_id
    worker = threading.Thread(target=job.run, args=(config, job_id))
    began = time.monotonic()
    worker.start()
    seen, left, clicked = set[int](), list[tuple[float, int, int]](), 0.0
    while worker.is_alive():
        worker.join(EACH_S)
        with database.begin() as session:
            now = tasks.by_id(session, PERSON, job_id)
            if not clicked and now.ended_at is None and now.done > cancel_at * now.total:
                tasks.cancel(session, PERSON, job_id, clock.now())
                clicked = time.monotonic()
        seen.add(now.done)
        if now.seconds_left is not None:
            left.append((time.monotonic() - began, now.seconds_left, now.percent))
    ended = time.monotonic()
    with database.begin() as session:
        found = tasks.by_id(session, PERSON, job_id)
    return _Seen(found, ended - began, ended - clicked if clicked else 0.0, seen, left)
