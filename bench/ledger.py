"""The ledger beside pgbench's TPC-B and, where they are there, pgledger and django-hordak; its log; its proof.

Lots, idempotency, chain and durable commits are always on. Drained rate: what was committed, not what was accepted.
Before each run, ours or another's, tables are read through and a checkpoint is made; rivals take turns within a round.
"""

import multiprocessing
import resource
import time
from statistics import median

from base import database
from bench import load
from bench.plans import Figures, Measured, Plan, Say
from bench.population import LOTS, Populations
from bench.rivals import Rival
from bench.server import Server
from points import ledger
from points import verify as proof
from points.kinds import Kind

CLIENTS = (4, 8)


def rates(server: Server, plan: Plan, populations: Populations, rivals: list[Rival], say: Say) -> Measured:
    """Postings a second, one by one and in batches, over the transactions and transfers of others."""
    server.pgbench("postgres", "-i", "-q", "-s", str(plan.scale))
    people = populations.of(plan.members, history=True)
    tpcb: list[float] = []
    single: list[load.Run] = []
    batch: list[load.Run] = []
    theirs: dict[str, list[float]] = {rival.name: [] for rival in rivals}
    for number in range(plan.rounds):
        say(f"round {number + 1} of {plan.rounds}")
        tpcb.append(max(server.tps("postgres", plan.seconds, clients) for clients in plan.counts(CLIENTS)))
        single.append(
            load.best(server, load.single, people, plan.seconds, plan.counts(load.SINGLE_PROCESSES))
        )
        batch.append(load.best(server, load.batches, people, plan.seconds, plan.counts(load.BATCH_PROCESSES)))
        for rival in rivals:
            theirs[rival.name].append(
                max(rival.per_s(plan.seconds, clients) for clients in plan.counts(CLIENTS))
            )
    figures = {"tpcb_per_s": median(tpcb), **_told("single", single), **_told("batch", batch)}
    figures |= {f"{name}_per_s": median(found) for name, found in theirs.items()}
    ratios = {
        f"{ours}_over_{other}": figures[f"{ours}_per_s"] / figures[f"{other}_per_s"]
        for ours in ("single", "batch")
        for other in ("tpcb", *theirs)
    }
    return ratios, figures


def _told(name: str, runs: list[load.Run]) -> Figures:
    found = {
        f"{name}_per_s": median(run.per_s for run in runs),
        f"{name}_client_cpu_us": median(run.client_us for run in runs),
    }
    if all(run.server_us is not None for run in runs):
        found[f"{name}_server_cpu_us"] = median(run.server_us or 0 for run in runs)
    return found


def log(server: Server, plan: Plan, populations: Populations) -> Measured:
    """Bytes of write-ahead log of an earn and a redeem with twelve lots, commit included, without full-page images."""
    people, found = populations.of(plan.members, history=True), {}
    some = people.members[: min(500, plan.members // 6)]
    database.connect(people.url)
    with server.admin(people.database) as admin:
        admin.execute("alter system set full_page_writes = off")
        admin.execute("select pg_reload_conf()")
        admin.execute("checkpoint")
        for kind in (Kind.EARN, Kind.REDEEM):
            before = _position(admin)
            for member_id in some:
                with database.begin() as session:
                    ledger.post(session, load.ask(member_id, kind, 1, lot_key=LOTS[-1]))
            found[f"wal_bytes_{kind.name.lower()}"] = (_position(admin) - before) / len(some)
        admin.execute("alter system reset full_page_writes")
        admin.execute("select pg_reload_conf()")
    return {}, found


def _position(admin: "object") -> int:
    row = admin.execute("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')").fetchone()  # type: ignore[attr-defined]
    return int(row[0])


def proven(plan: Plan, populations: Populations) -> Measured:
    """How long the proof of all postings takes, and the memory of the process that proves."""
    people = populations.of(plan.members, history=True)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        postings, seconds, megabytes, wrong = pool.apply(_prove, (people.url,))
    return {}, {
        "verify_postings": postings,
        "verify_s": seconds,
        "verify_s_per_million": seconds * 1e6 / postings,
        "verify_megabytes": megabytes,
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
