"""The ledger beside pgbench's TPC-B and, where its file is given, pgledger: postings a second, WAL, growth, proof.

Lots, idempotency, chain and durable commits are always on. Drained rate: what was committed, not what was accepted.
"""

import multiprocessing
import random
import resource
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

from base import clock, database, ids, process
from bench.server import Server
from points import ledger, lots
from points import verify as proof
from points.deeds import Request
from points.kinds import Kind, State

ZONE = "Asia/Shanghai"
LOTS = [lots.key(date(2099, month, 28), 1) for month in range(1, 13)]
BATCH = 500


@dataclass(frozen=True)
class Plan:
    """How long and how much: seconds of each run, rounds of which the median counts, members, scale of TPC-B."""

    seconds: int
    rounds: int
    members: int
    scale: int
    growth: tuple[int, ...]


FULL = Plan(seconds=10, rounds=3, members=100_000, scale=50, growth=(10_000, 1_000_000))
QUICK = Plan(seconds=2, rounds=1, members=10_000, scale=10, growth=(5_000, 50_000))
Figures = dict[str, float]


def measure(
    server: Server, plan: Plan, pgledger: Path | None, say: Callable[[str], None]
) -> tuple[Figures, Figures]:
    """Ratios and figures."""
    figures: Figures = {}
    say("filling")
    server.pgbench("postgres", "-i", "-q", "-s", str(plan.scale))
    members = _fill(server, plan.members)
    rival = _install_pgledger(server, pgledger) if pgledger else None
    runs: dict[str, list[float]] = {"tpcb": [], "single": [], "batch": [], "pgledger": []}
    for number in range(plan.rounds):
        say(f"round {number + 1} of {plan.rounds}")
        runs["tpcb"].append(max(server.tps("postgres", plan.seconds, clients) for clients in (4, 8)))
        runs["single"].append(max(_rate(server, _single, members, plan.seconds, n) for n in (4, 8)))
        runs["batch"].append(max(_rate(server, _batches, members, plan.seconds, n) for n in (2, 3)))
        if rival:
            script = ("-f", str(rival))
            runs["pgledger"].append(max(server.tps("pgledger", plan.seconds, c, *script) for c in (4, 8)))
    for name, rates in runs.items():
        if rates:
            figures[f"{name}_per_s"] = round(median(rates), 1)
    say("write-ahead log")
    figures |= _wal(server, members)
    say("proof")
    figures |= _proof(server)
    say("growth")
    figures |= _growth(server, plan)
    ratios = {
        "single_over_tpcb": figures["single_per_s"] / figures["tpcb_per_s"],
        "batch_over_tpcb": figures["batch_per_s"] / figures["tpcb_per_s"],
        "growth": figures["batch_per_s_at_fewest_members"] / figures["batch_per_s_at_most_members"],
    }
    if rival:
        ratios["single_over_pgledger"] = figures["single_per_s"] / figures["pgledger_per_s"]
        ratios["batch_over_pgledger"] = figures["batch_per_s"] / figures["pgledger_per_s"]
    return {name: round(value, 3) for name, value in ratios.items()}, figures


def _fill(server: Server, count: int) -> list[int]:
    """Wallets with twelve lots each."""
    database.connect(server.app_url, statement_timeout_ms=600_000)
    now, members = clock.now(), [ids.new_id() for _ in range(count)]
    for start in range(0, count, 5_000):
        with database.begin() as session:
            ledger.open_wallets(session, [(m, State.OPEN, now) for m in members[start : start + 5_000]])
    for start in range(0, count, BATCH):
        part = members[start : start + BATCH]
        with database.begin() as session:
            ledger.post_many(
                session,
                [_ask(m, Kind.EARN, 100_000, lot_key=key) for m in part for key in LOTS],
            )
    return members


def _rate(
    server: Server,
    work: Callable[[tuple[str, list[int], int]], int],
    members: list[int],
    seconds: int,
    workers: int,
) -> float:
    """Postings a second of so many processes, each with members of its own."""
    shares = [(server.app_url, members[number::workers], seconds) for number in range(workers)]
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.map(_warm, [server.app_url] * workers, chunksize=1)
        began = time.monotonic()
        done = sum(pool.map(work, shares, chunksize=1))
    return done / (time.monotonic() - began)


def _warm(url: str) -> None:
    process.settle()
    database.connect(url)
    with database.begin() as session:
        database.answers(session)
    time.sleep(0.2)


def _single(share: tuple[str, list[int], int]) -> int:
    url, members, seconds = share
    database.connect(url)
    pick, done, ends = random.Random(members[0]), 0, time.monotonic() + seconds
    while time.monotonic() < ends:
        with database.begin() as session:
            ledger.post(session, _ask(pick.choice(members), Kind.REDEEM, 1))
        done += 1
    return done


def _batches(share: tuple[str, list[int], int]) -> int:
    url, members, seconds = share
    database.connect(url, statement_timeout_ms=60_000)
    pick, done, ends = random.Random(members[0]), 0, time.monotonic() + seconds
    while time.monotonic() < ends:
        with database.begin() as session:
            answers = ledger.post_many(
                session, [_ask(m, Kind.REDEEM, 1) for m in pick.sample(members, BATCH)]
            )
        done += sum(isinstance(answer, ledger.Answer) for answer in answers)
    return done


def _ask(member_id: int, kind: Kind, points: int, lot_key: int = 0) -> Request:
    return Request(member_id, uuid.uuid4(), kind, points, clock.now(), ZONE, lot_key=lot_key)


def _wal(server: Server, members: list[int]) -> Figures:
    """Bytes of write-ahead log of an earn and a redeem with twelve lots, commit included, without full-page images."""
    found: Figures = {}
    with server.admin("jifen") as admin:
        admin.execute("alter system set full_page_writes = off")
        admin.execute("select pg_reload_conf()")
        admin.execute("checkpoint")
        for kind in (Kind.EARN, Kind.REDEEM):
            before = _position(admin)
            for member_id in members[:500]:
                with database.begin() as session:
                    ledger.post(session, _ask(member_id, kind, 1, lot_key=LOTS[-1]))
            found[f"wal_bytes_{kind.name.lower()}"] = round((_position(admin) - before) / 500, 1)
        admin.execute("alter system reset full_page_writes")
        admin.execute("select pg_reload_conf()")
    return found


def _position(admin: "object") -> int:
    row = admin.execute("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')").fetchone()  # type: ignore[attr-defined]
    return int(row[0])


def _proof(server: Server) -> Figures:
    """How long the proof of all postings takes, and the memory of the process that proves."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        postings, seconds, megabytes, wrong = pool.apply(_prove, (server.app_url,))
    return {
        "verify_postings": postings,
        "verify_seconds": round(seconds, 2),
        "verify_megabytes": round(megabytes),
        "verify_findings": wrong,
    }


def _prove(url: str) -> tuple[int, float, float, int]:
    database.connect(url, statement_timeout_ms=600_000)
    began = time.monotonic()
    with database.begin() as session:
        wrong = sum(1 for _ in proof.findings(session))
        postings = proof.count(session)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return postings, time.monotonic() - began, peak, wrong


def _growth(server: Server, plan: Plan) -> Figures:
    """The batch rate over few and over many members: the cost of a posting must not grow with their number."""
    found, everyone = {}, []
    for name, count in zip(("fewest", "most"), plan.growth, strict=True):
        everyone += _fill_thin(server, count - len(everyone))
        found[f"batch_per_s_at_{name}_members"] = round(_rate(server, _batches, everyone, plan.seconds, 2), 1)
        found[f"{name}_members"] = float(count)
    return found


def _fill_thin(server: Server, count: int) -> list[int]:
    """Wallets with one lot each, written by COPY-sized batches."""
    database.connect(server.app_url, statement_timeout_ms=600_000)
    now, members = clock.now(), [ids.new_id() for _ in range(count)]
    for start in range(0, count, 10_000):
        part = members[start : start + 10_000]
        with database.begin() as session:
            ledger.open_wallets(session, [(m, State.OPEN, now) for m in part])
            ledger.post_many(session, [_ask(m, Kind.EARN, 100_000, lot_key=LOTS[0]) for m in part])
    return members


def _install_pgledger(server: Server, path: Path) -> Path:
    """pgledger in a database of its own with ten thousand accounts; the script that transfers between two of them."""
    with server.admin("postgres") as admin:
        admin.execute("create database pgledger")
    for file in (path / "vendor" / "scoville-pgsql-ulid" / "uuid-to-ulid.sql", path / "pgledger.sql"):
        server.psql("pgledger", file)
    with server.admin("pgledger") as admin:
        admin.execute(
            "create table bench_account as select row_number() over () as number, id from "
            "(select (pgledger_create_account('a' || n, 'CNY')).id from generate_series(1, 10000) n) made"
        )
        admin.execute("create unique index on bench_account (number)")
        admin.execute("analyze")
    script = Path(tempfile.mkdtemp(prefix="jifen-bench-")) / "transfer.sql"
    script.write_text(
        "\\set a random(1, 10000)\n\\set b 1 + (:a + random(1, 9999) - 1) % 10000\n"
        "select pgledger_create_transfer((select id from bench_account where number = :a), "
        "(select id from bench_account where number = :b), 1);\n"
    )
    return script
