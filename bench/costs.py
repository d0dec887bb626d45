"""What each main operation costs: our processor time and the database's, statements, log, rows and bytes that stay.

Processor time is that of the processes, not the clock's, so that a busy machine changes little of it. Of each operation some are
done unmeasured first; a few are done while the server writes down its statements; many with checkpoints' full pages switched off, which
is what a page costs that is written often; and a few right after a checkpoint, when each page that is touched goes to the log whole.
Bytes are those of tables and indexes, and as many operations are done as fill pages.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import redis

from bench.costs_deeds import Deed, Scene, scene
from bench.plans import Figures, Measured, Plan, Say
from bench.server import Server

SIZES = {
    "full": (20_000, 600),
    "quick": (2_000, 80),
    "tiny": (200, 8),
}  # members, and how often each deed is done
PART = 5  # a fifth of them to warm up, and right after a checkpoint
NOTED = 8  # while statements are written down; of what is done by the hundred as many as warm up
DATABASE = "costs"
ASKED = ("cmdstat_get", "cmdstat_set")  # all that the product asks of the cache
LOGGED = (" LOG:  statement: ", " LOG:  execute ")
AROUND = ("statement: BEGIN", "statement: COMMIT", "statement: ROLLBACK")


@dataclass(frozen=True)
class State:
    """What the database holds and has written: bytes of log, of tables with their indexes, rows; calls to the cache."""

    log: int
    kept: int
    rows: int
    calls: int


def measure(server: Server, plan: Plan, say: Say) -> Measured:
    """Every deed's costs, each under `cost_<deed>_<what>`."""
    members, times = SIZES[plan.name]
    url = server.clone(DATABASE)
    figures: Figures = {}
    say(f"costs: {members} members")
    with scene(server, url, members, times) as made, _quiet(server):
        for deed in made.deeds():
            say(f"costs: {deed.name}")
            figures |= {
                f"cost_{deed.name}_{what}": value for what, value in _costs(server, made, deed, times).items()
            }
    server.drop(DATABASE)
    return {}, figures


def _costs(server: Server, made: Scene, deed: Deed, times: int) -> Figures:
    """Of one: milliseconds of ours and the server's, statements, bytes of the log (with full pages too), rows, bytes."""
    many, few = max(1, times * deed.times), max(1, times * deed.times // PART)
    deed.prepare(few)()
    found: Figures = {"statements": _statements(server, deed, NOTED if deed.times == 1 else few)}
    work = deed.prepare(many)
    _checkpoint(server, full_pages="off")
    before, cpu_s = _state(server, made), server.cpu_s() or 0.0
    count, ours_s = work()
    theirs_s, after = (server.cpu_s() or 0.0) - cpu_s, _state(server, made)
    found |= {
        "python_ms": 1_000 * ours_s / count,
        "server_ms": 1_000 * theirs_s / count,
        "wal_bytes": (after.log - before.log) / count,
        "kept_bytes": (after.kept - before.kept) / count,
        "rows": (after.rows - before.rows) / count,
        "cache_calls": (after.calls - before.calls) / count,
    }
    return found | {"wal_full_bytes": _full(server, deed, few), "times": count}


def _full(server: Server, deed: Deed, few: int) -> float:
    """Bytes of the log for each of some right after a checkpoint."""
    work = deed.prepare(few)
    _checkpoint(server, full_pages="on")
    before = _written(server)
    count, _ = work()
    return (_written(server) - before) / count


def _statements(server: Server, deed: Deed, count: int) -> float:
    """How many statements one takes, those that begin and end transactions left out; as the server's own log has them."""
    work, log = deed.prepare(count), server.data / "postgres.log"
    with _settings(server, log_statement="all", log_line_prefix="%u "):
        start = log.stat().st_size
        done, _ = work()
    said = log.read_bytes()[start:].decode(errors="replace").splitlines()
    mine = [
        line for line in said if line.startswith("jifen_app LOG:  ") and any(mark in line for mark in LOGGED)
    ]
    return sum(not any(word in line for word in AROUND) for line in mine) / done


def _state(server: Server, made: Scene) -> State:
    with server.admin(DATABASE) as admin:
        tables = [
            str(row[0])
            for row in admin.execute(
                "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'public'"
            )
        ]
        rows = sum(
            _number(admin.execute(f"select count(*) from {table}".encode()).fetchone()) for table in tables
        )
        kept = _number(
            admin.execute(
                "select sum(pg_total_relation_size(c.oid)) from pg_class c join pg_namespace n on n.oid = relnamespace "
                "where nspname = 'public' and relkind = 'r'"
            ).fetchone()
        )
    return State(_written(server), kept, rows, _calls(server))


def _written(server: Server) -> int:
    with server.admin(DATABASE) as admin:
        return _number(admin.execute("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')").fetchone())


def _calls(server: Server) -> int:
    if server.cache_url is None:
        return 0
    with redis.Redis.from_url(server.cache_url) as cache:
        told = cache.info("commandstats")
    return sum(int(one["calls"]) for name, one in told.items() if name in ASKED)


def _number(row: "tuple[object, ...] | None") -> int:
    return int(str(row[0])) if row else 0


def _set(server: Server, name: str, value: str) -> None:
    with server.admin(DATABASE) as admin:
        admin.execute(f"alter system set {name} = '{value}'".encode())
        admin.execute("select pg_reload_conf()")


def _checkpoint(server: Server, *, full_pages: str) -> None:
    _set(server, "full_page_writes", full_pages)
    with server.admin(DATABASE) as admin:
        admin.execute("checkpoint")


@contextmanager
def _settings(server: Server, **values: str) -> Iterator[None]:
    for name, value in values.items():
        _set(server, name, value)
    try:
        yield
    finally:
        _reset(server, *values)


def _reset(server: Server, *names: str) -> None:
    with server.admin(DATABASE) as admin:
        for name in names:
            admin.execute(f"alter system reset {name}".encode())
        admin.execute("select pg_reload_conf()")


@contextmanager
def _quiet(server: Server) -> Iterator[None]:
    try:
        yield
    finally:
        _reset(server, "full_page_writes")
