"""Other ledgers on the same server: pgledger from a checkout, django-hordak from PyPI in an environment of its own."""

import json
import subprocess
import venv
from abc import ABC, abstractmethod
from pathlib import Path

from bench.plans import Say
from bench.server import Server

ACCOUNTS = 10_000
HORDAK_ACCOUNTS = (
    1_000  # its tree of accounts is slow to make; it has no row per account that transfers would share
)
HORDAK = Path(__file__).parent / "hordak_transfers.py"


class Rival(ABC):
    """A ledger that moves one unit between two accounts drawn by lot, one transfer a transaction."""

    name: str

    @abstractmethod
    def per_s(self, seconds: int, clients: int) -> float:
        """Committed transfers a second of so many clients, from the same state as ours."""


class Pgledger(Rival):
    """`pgledger_create_transfer`, called by pgbench: nothing but the database works."""

    name = "pgledger"

    def __init__(self, server: Server, checkout: Path, folder: Path) -> None:
        self._server = server
        with server.admin("postgres") as admin:
            admin.execute("create database pgledger")
        for file in (
            checkout / "vendor" / "scoville-pgsql-ulid" / "uuid-to-ulid.sql",
            checkout / "pgledger.sql",
        ):
            server.psql("pgledger", file)
        with server.admin("pgledger") as admin:
            admin.execute(
                "create table bench_account as select row_number() over () as number, id from (select "
                f"(pgledger_create_account('a' || n, 'CNY')).id from generate_series(1, {ACCOUNTS}) n) made"
            )
            admin.execute("create unique index on bench_account (number)")
            admin.execute("analyze")
        self._script = folder / "transfer.sql"
        self._script.write_text(
            f"\\set a random(1, {ACCOUNTS})\n\\set b 1 + (:a + random(1, {ACCOUNTS - 1}) - 1) % {ACCOUNTS}\n"
            "select pgledger_create_transfer((select id from bench_account where number = :a), "
            "(select id from bench_account where number = :b), 1);\n"
        )

    def per_s(self, seconds: int, clients: int) -> float:
        return self._server.tps("pgledger", seconds, clients, "-f", str(self._script))


class Hordak(Rival):
    """A Transaction with two Legs by django-hordak's models, in one transaction; processes of Python as ours are."""

    name = "hordak"

    def __init__(self, server: Server, python: Path) -> None:
        self._server, self._python = server, python
        with server.admin("postgres") as admin:
            admin.execute("create database hordak")
        self._run("prepare", str(HORDAK_ACCOUNTS))

    def per_s(self, seconds: int, clients: int) -> float:
        self._server.settle("hordak")
        said = json.loads(self._run("transfer", str(seconds), str(clients)))
        return float(said["per_s"])

    def _run(self, *words: str) -> str:
        command = [str(self._python), str(HORDAK), *words]
        environment = self._server.environment("hordak")
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        return done.stdout.splitlines()[-1] if done.stdout else ""


def hordak(server: Server, folder: Path, say: Say) -> Hordak | None:
    """django-hordak, installed into a fresh environment in the folder; None, with a word, where that does not work."""
    say("installing django-hordak into an environment of its own")
    try:
        venv.create(folder / "hordak", with_pip=True)
        python = folder / "hordak" / "bin" / "python"
        pip = [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        subprocess.run([*pip, "django-hordak", "psycopg[binary]"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        why = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        say(f"django-hordak is left out, it could not be installed: {why[-1] if why else error}")
        return None
    return Hordak(server, python)


def asked_for(
    server: Server, pgledger: Path | None, with_hordak: bool, folder: Path, say: Say
) -> list[Rival]:
    """The rivals of this run, ready to be measured."""
    found: list[Rival] = [Pgledger(server, pgledger, folder)] if pgledger else []
    if with_hordak and (other := hordak(server, folder, say)):
        found.append(other)
    return found
