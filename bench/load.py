"""What is put on the server: redemptions one by one or in batches of five hundred, from several processes of ours."""

import multiprocessing
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from base import clock, database, process
from bench.population import ZONE, Population
from bench.server import Server
from points import ledger
from points.deeds import Request
from points.kinds import Kind

BATCH = 500
SINGLE_PROCESSES = (4, 8)
BATCH_PROCESSES = (2, 3)
Share = tuple[str, Sequence[int], int]
Done = tuple[int, float]  # postings, and processor time of the process


@dataclass(frozen=True)
class Run:
    """Postings a second that were committed, and the processor time of one: ours, and the server's (None: not told)."""

    per_s: float
    client_us: float
    server_us: float | None


def single(share: Share) -> Done:
    """One redemption of one point a transaction."""
    url, members, seconds = share
    database.connect(url)
    pick, done, ends, began = random.Random(members[0]), 0, time.monotonic() + seconds, time.process_time()
    while time.monotonic() < ends:
        ledger.post_alone(ask(pick.choice(members), Kind.REDEEM, 1))
        done += 1
    return done, time.process_time() - began


def batches(share: Share) -> Done:
    """Five hundred members' redemptions of one point a transaction."""
    url, members, seconds = share
    database.connect(url, statement_timeout_ms=60_000)
    pick, done, ends, began = random.Random(members[0]), 0, time.monotonic() + seconds, time.process_time()
    size = min(BATCH, len(members))
    while time.monotonic() < ends:
        with database.begin() as session:
            answers = ledger.post_many(session, [ask(m, Kind.REDEEM, 1) for m in pick.sample(members, size)])
        done += sum(isinstance(answer, ledger.Answer) for answer in answers)
    return done, time.process_time() - began


def best(
    server: Server, work: Callable[[Share], Done], people: Population, seconds: int, workers: Sequence[int]
) -> Run:
    """The better of runs with so many processes."""
    return max((run(server, work, people, seconds, n) for n in workers), key=lambda found: found.per_s)


def run(server: Server, work: Callable[[Share], Done], people: Population, seconds: int, workers: int) -> Run:
    """So many processes, each with members of its own, all of them connected and warm before the clock starts."""
    shares = [(people.url, people.members[number::workers], seconds) for number in range(workers)]
    server.settle(people.database)
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.map(_warm, [people.url] * workers, chunksize=1)
        before, began = server.cpu_s(), time.monotonic()
        done = pool.map(work, shares, chunksize=1)
        took, after = time.monotonic() - began, server.cpu_s()
    count = max(1, sum(postings for postings, _ in done))
    used = None if before is None or after is None else (after - before) * 1e6 / count
    return Run(count / took, sum(cpu for _, cpu in done) * 1e6 / count, used)


def ask(member_id: int, kind: Kind, points: int, lot_key: int = 0) -> Request:
    """A request under a key of its own."""
    return Request(member_id, uuid4(), kind, points, clock.now(), ZONE, lot_key=lot_key)


def _warm(url: str) -> None:
    process.settle()
    database.connect(url)
    with database.begin() as session:
        database.answers(session)
    time.sleep(0.2)
