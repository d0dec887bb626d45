"""make drill: the database's disk is gone while people redeem; all that was acknowledged is back, and how soon.

What docs/backup.md tells an operator to do is done here with PostgreSQL's own programs: `pg_receivewal --synchronous` keeps
the log elsewhere before a commit is acknowledged, `pg_basebackup` copies the files under load. Then every process of the
server is killed, its folder deleted, and the copy brought up to the end of that log. Counts, on a server of its own, on
unix sockets only; exit 1 where a posting is missing or `jifen verify` finds anything.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import uuid4

import click
from psycopg import OperationalError

from app import supervisor
from base import clock, database, local, local_place, local_postgres
from base.config import Config
from base.errors import Problem
from bench.population import LONG_AGO, SECRETS, ZONE
from bench.server import Server, running
from points import ledger, lots, policies, programmes
from points.deeds import Request
from points.kinds import Kind
from points.members import members
from points.members.members import Enrolment

STANDBY, WRITERS, EACH = "drill", 4, 50
BATCH = 500
UNTIL_DEATH_S = 2.0
WAITS_S = 60.0


@dataclass
class Told:
    """What the drill came to; times in seconds."""

    postings: int = 0
    acknowledged: int = 0
    lost: int = 0
    backup_s: float = 0.0
    restore_s: float = 0.0
    verify_s: float = 0.0
    verified: bool = False

    @property
    def well(self) -> bool:
        return self.lost == 0 and self.acknowledged > 0 and self.verified


def main(arguments: list[str] | None = None) -> None:
    """Run the drill and say what it came to; exit 1 where something is missing."""
    parser = argparse.ArgumentParser(prog="make drill", description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000, help="postings before the disk goes")
    parser.add_argument("--json", action="store_true", dest="as_json")
    asked = parser.parse_args(arguments)
    told = drill(asked.rows, lambda text: click.echo(text, err=True))
    if asked.as_json:
        click.echo(json.dumps(vars(told)))
    else:
        click.echo(
            f"{told.postings:,} postings back after {told.restore_s:.1f} s; of {told.acknowledged:,} that were "
            f"acknowledged after the backup began {told.lost} lost; verify {'green' if told.verified else 'RED'} "
            f"after {told.verify_s:.1f} s more (backup under load {told.backup_s:.1f} s)"
        )
    sys.exit(0 if told.well else 1)


def drill(rows: int, say: Callable[[str], None]) -> Told:
    """Fill, back up under load, lose the disk, restore, prove."""
    told = Told()
    with running() as server, tempfile.TemporaryDirectory(prefix="jifen-drill-") as folder:
        copy, log = Path(folder) / "base", Path(folder) / "log"
        log.mkdir()
        say(f"filling: {rows:,} postings")
        people = _fill(server, rows)
        with _kept_elsewhere(server, log):
            load = Load(server.app_url, people)
            say("backing up under load")
            told.backup_s = _timed(lambda: _back_up(server, copy))
            time.sleep(UNTIL_DEATH_S)
            say("killing the server and deleting its folder")
            _lose(server)
        acknowledged = load.stopped()
        say("restoring")
        told.restore_s = _timed(lambda: _restore(server, copy, log))
        told.acknowledged = len(acknowledged)
        told.postings, told.lost = _count(server, acknowledged)
        say("verifying")
        began = time.monotonic()
        told.verified = _verifies(server)
        told.verify_s = time.monotonic() - began
    return told


class Load:
    """Members who earn and redeem in several threads; what was acknowledged is remembered."""

    def __init__(self, url: str, people: list[int]) -> None:
        database.connect(url, pool_size=WRITERS)
        self._acknowledged: list[tuple[int, int]] = []
        self._ends = threading.Event()
        self._threads = [
            threading.Thread(target=self._post, args=(people[n::WRITERS],), daemon=True)
            for n in range(WRITERS)
        ]
        for thread in self._threads:
            thread.start()

    def stopped(self) -> list[tuple[int, int]]:
        """Member and number of every posting that was acknowledged."""
        self._ends.set()
        for thread in self._threads:
            thread.join(WAITS_S)
        return self._acknowledged

    def _post(self, people: list[int]) -> None:
        pick = random.Random(people[0])
        while not self._ends.is_set():
            member_id = pick.choice(people)
            try:
                answer = ledger.post_alone(_request(member_id, pick.choice((Kind.EARN, Kind.REDEEM))))
            except Problem:
                if self._ends.wait(0.05):
                    return
                continue
            self._acknowledged += [(member_id, one.seq) for one in answer.postings]


def _fill(server: Server, rows: int) -> list[int]:
    """Members with so many postings between them."""
    database.connect(server.app_url, statement_timeout_ms=600_000)
    with database.begin() as session:
        programme = programmes.create(
            session,
            "drill",
            {"zh-CN": "演练", "en": "Drill"},
            zone=ZONE,
            currency="CNY",
            minimum_tenure_days=0,
        )
        policies.add_earn_rule(session, programme.programme_id, "plan", LONG_AGO, points=1, per_fen=100)
        policies.add_expiry_policy(session, programme.programme_id, policies.BILL_POINTS, LONG_AGO, months=36)
        named = [Enrolment(f"D{number}", LONG_AGO) for number in range(max(WRITERS, rows // EACH))]
        people = list(members.enrol_many(session, programme, SECRETS, named).values())
    for start in range(0, rows, BATCH):
        some = [people[number % len(people)] for number in range(start, min(start + BATCH, rows))]
        with database.begin() as session:
            database.take_time(session)
            ledger.post_many(session, [_request(member_id, Kind.EARN, 100) for member_id in some])
    return people


def _request(member_id: int, kind: Kind, points: int = 1) -> Request:
    key = lots.key(date(2099, 1, 28), policies.BILL_POINTS) if kind is Kind.EARN else 0
    return Request(member_id, uuid4(), kind, points, clock.now(), ZONE, lot_key=key)


@contextmanager
def _kept_elsewhere(server: Server, log: Path) -> Iterator[None]:
    """While this lasts no commit is acknowledged before its log lies in the other folder, too."""
    environment = server.environment("postgres") | {"PGAPPNAME": STANDBY}
    program, slot = server.programs / "pg_receivewal", ["--slot", STANDBY]
    subprocess.run([program, *slot, "--create-slot"], env=environment, check=True, timeout=WAITS_S)
    receiver = subprocess.Popen(
        [program, "-D", log, *slot, "--synchronous", "--no-loop"], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        with server.admin("postgres") as admin:
            _until(
                lambda: admin.execute(
                    "select 1 from pg_stat_replication where state = 'streaming'"
                ).fetchone()
            )
            admin.execute(f"alter system set synchronous_standby_names = '{STANDBY}'")
            admin.execute("select pg_reload_conf()")
            _until(
                lambda: admin.execute(
                    "select 1 from pg_stat_replication where sync_state = 'sync'"
                ).fetchone()
            )
        yield
    finally:
        receiver.send_signal(signal.SIGINT)
        receiver.wait(WAITS_S)


def _back_up(server: Server, copy: Path) -> None:
    command = [server.programs / "pg_basebackup", "-D", copy, "-X", "none", "-c", "fast", "--no-manifest"]
    subprocess.run(
        command, env=server.environment("postgres"), check=True, timeout=3_600, stderr=subprocess.DEVNULL
    )


def _lose(server: Server) -> None:
    """Every process of the server at once, by the number of the one that we started; then its files."""
    place = local_place.find(server.data)
    pid = int(local_postgres.pid_file(place).read_text())
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    _until(lambda: not local.running(server.data))
    shutil.rmtree(_files(server))


def _restore(server: Server, copy: Path, log: Path) -> None:
    """The copy, then the log to its very end; over when it takes writes."""
    for part in log.glob("*.partial"):  # the file that was being written
        part.rename(part.with_suffix(""))
    files, runner = _files(server), local_place.find(server.data).runner
    shutil.copytree(copy, files, symlinks=True)
    with (files / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"restore_command = 'cp {log}/%f \"%p\"'\nsynchronous_standby_names = ''\n")
    (files / "recovery.signal").touch()
    for root in (files, log):
        for path in (root, *root.rglob("*")):
            os.chown(path, runner.uid, runner.gid, follow_symlinks=False)
    log.parent.chmod(0o755)
    files.chmod(0o700)
    local.start(server.data)
    _until(lambda: _takes_writes(server))


def _takes_writes(server: Server) -> bool:
    try:
        with server.admin("jifen") as admin:
            return admin.execute("select pg_is_in_recovery()").fetchone() == (False,)
    except OperationalError:
        return False


def _count(server: Server, acknowledged: list[tuple[int, int]]) -> tuple[int, int]:
    """All postings, and how many of those that were acknowledged are not there."""
    with server.admin("jifen") as admin:
        (there,) = admin.execute("select count(*) from posting").fetchone() or (0,)
        members_of, numbers = [one for one, _ in acknowledged], [no for _, no in acknowledged]
        (lost,) = admin.execute(
            "select count(*) from unnest(%s::bigint[], %s::bigint[]) a(m, s) "
            "where not exists (select from posting where member_id = a.m and seq = a.s)",
            (members_of, numbers),
        ).fetchone() or (0,)
    return int(str(there)), int(str(lost))


def _verifies(server: Server) -> bool:
    config = Config.from_env().at(database_url=server.app_url, data_dir=server.data)
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "verify", "--quiet"],
        env=supervisor.environment(config), check=False, timeout=3_600,
    )  # fmt: skip
    return done.returncode == 0


def _files(server: Server) -> Path:
    return local_place.find(server.data).home / "postgres" / "data"


def _timed(deed: Callable[[], None]) -> float:
    began = time.monotonic()
    deed()
    return time.monotonic() - began


def _until(question: Callable[[], object]) -> None:
    limit = time.monotonic() + 600
    while not question():
        if time.monotonic() > limit:
            raise RuntimeError("it did not come about within ten minutes")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
