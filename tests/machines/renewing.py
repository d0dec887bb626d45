"""Webs are renewed one after the other, and the schema while they work: nobody behind the balancer may notice."""

import os
import signal
import time
from typing import Any

from sqlalchemy import create_engine, exc, pool, text

from tests.machines.balancer import Balancer
from tests.machines.steady import Steady
from tests.torture.place import Place, ready, workers_of

QUIET_S, UP_WITHIN_S, ENDS_WITHIN_S = 10.0, 90.0, 40.0
TRIES, WAITS_S = 30, 0.7
Facts = dict[str, Any]
# A migration of each kind that the checker lets through, on the tables that are written most.
KINDS: dict[str, tuple[str, ...]] = {
    "a column more, empty": ("alter table redemption add column probe_note text",),
    "a column more, with a constant": ("alter table wallet add column probe_flag boolean not null default false",),
    "an index, concurrently": ("create index concurrently probe_at on posting (at)",),
    "a unique index, concurrently": ("create unique index concurrently probe_once on redemption (member_id, redemption_id, offer_id)",),
    "a check, then validated": (
        "alter table posting add constraint probe_amount check (amount > 0) not valid",
        "alter table posting validate constraint probe_amount",
    ),
    "not null by a validated check": (
        "alter table redemption add constraint probe_filled check (kind is not null) not valid",
        "alter table redemption validate constraint probe_filled",
        "alter table redemption alter column kind set not null",
    ),
    "a new table with its rights": (
        "create table probe (member_id bigint, n bigint, primary key (member_id, n))",
        "grant select, insert on probe to jifen_app",
    ),
    "filled in by steps": tuple(
        f"update redemption set probe_note = '' where probe_note is null and member_id % 10 = {part}" for part in range(10)
    ),
    "rights and row security": (
        "alter table probe enable row level security",
        "create policy probe_all on probe using (true)",
    ),
    "taken away again": (
        "drop index concurrently probe_at",
        "drop index concurrently probe_once",
        "alter table posting drop constraint probe_amount",
        "alter table redemption drop constraint probe_filled",
        "alter table redemption drop column probe_note",
        "alter table wallet drop column probe_flag",
        "drop table probe",
    ),
}  # fmt: skip


def by_hup(here: Place, number: int) -> None:
    """The master stays, its processes are new."""
    before = set(workers_of(here.web(number).pid))
    os.kill(here.web(number).pid, signal.SIGHUP)
    wait(lambda: not before & set(workers_of(here.web(number).pid)), ENDS_WITHIN_S)


def by_an_end(here: Place, number: int) -> None:
    """It ends in order, and another one is started in its place."""
    web = here.web(number)
    assert web.process is not None
    with here.lock:
        web.rests = True
    web.process.terminate()
    wait(lambda: not web.runs, ENDS_WITHIN_S)
    with here.lock:
        web.start()
        web.rests = False


def renewed(here: Place, front: Balancer, number: int, way: Any) -> None:
    """Take a web out, let it finish, renew it, and bring it back when it says that it is ready."""
    port = here.ports[number]
    front.out.add(port)
    try:
        wait(lambda: not front.under_way[port], QUIET_S)
        way(here, number)
        wait(lambda: ready(port), UP_WITHIN_S)
    finally:
        front.out.discard(port)


def rolling(here: Place, front: Balancer, load: Steady, requests: int) -> Facts:
    """Renew one web after the other, by both ways, until so many requests were answered, and each way was gone at each web."""
    began, done = time.monotonic(), 0
    while done < 4 or len(load.told) < requests:
        renewed(here, front, done % 2, (by_hup, by_an_end)[done // 2 % 2])
        done += 1
    return {"renewals": done, "seconds": round(time.monotonic() - began, 1), **load.since(began)}


def unannounced(here: Place, load: Steady) -> Facts:
    """The same without telling the balancer, which finds out by itself: told, not judged."""
    began = time.monotonic()
    for number in range(2):
        by_an_end(here, number)
        wait(lambda at=here.ports[number]: ready(at), UP_WITHIN_S)
    return load.since(began)


def migrations(here: Place, load: Steady) -> dict[str, Facts]:
    """Each kind, by the owner's role with a second's lock time-out, as migrations/env.py has it; what requests were told meanwhile."""
    engine = create_engine(here.servers.owner_url, poolclass=pool.NullPool, isolation_level="AUTOCOMMIT")
    found: dict[str, Facts] = {}
    for kind, statements in KINDS.items():
        began, tries = time.monotonic(), 0
        for statement in statements:
            tries += _patiently(engine, statement)
        took = time.monotonic() - began
        time.sleep(0.5)
        found[kind] = {"took_ms": round(1_000 * took), "met_a_lock": tries, **load.since(began, began + took)}
    return found


def _patiently(engine: Any, statement: str) -> int:
    """Say it until no lock is in the way; how often one was."""
    for met in range(TRIES):
        try:
            with engine.connect() as connection:
                connection.execute(text("set lock_timeout = '1s'"))
                connection.execute(text(statement))
            return met
        except exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", "") != "55P03":
                raise
            time.sleep(WAITS_S)
    raise RuntimeError(f"a lock was in the way {TRIES} times: {statement}")


def wait(question: Any, within_s: float) -> None:
    """Until it is so; RuntimeError: it never was."""
    limit = time.monotonic() + within_s
    while not question():
        if time.monotonic() > limit:
            raise RuntimeError(f"not so within {within_s:g} s")
        time.sleep(0.2)
