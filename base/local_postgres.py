"""PostgreSQL for development and tests: found, initialised, started, and given its roles.

Roles sign in by password (scram) although the socket lies in a private folder: as root the server runs as
`nobody`, whom other daemons may share, and `peer` could not tell us apart there. One way for both cases.
"""

import json
import os
import secrets
import shutil
import signal
import time
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL

from base import local_binaries as binaries
from base.local_place import Place, own
from base.local_process import CannotStart, end, exited, is_running, last_lines

Passwords = dict[str, str]

PORT = 5432  # names the socket; nothing listens on the network
READY_SECONDS = 60
# Fast shutdown; then without a checkpoint (recovers at the next start); then by force.
STOP_SIGNALS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))
PREPARED = "prepared-2"  # count up when `_prepare` changes


def start(place: Place, passwords: Passwords, *, durable: bool) -> bool:
    """Make the server run and answer, with all roles. False when it ran already. Call it under the lock."""
    running = is_running(pid_file(place))
    if running and not _socket(place).exists():
        # Somebody swept the folder of the sockets: nobody can reach this server any more.
        end(pid_file(place), STOP_SIGNALS)
        running = False
    if running:
        with _connect(place, passwords) as admin:
            _prepare(place, admin, passwords)
            _check_durability(place, admin, durable=durable)
        return False
    programs = binaries.postgres(place)
    _initialise(place, programs, passwords, durable=durable)
    _check_version(place, binaries.major(place, programs))
    _clear_leftovers(place)
    pid = place.runner.spawn(
        [programs / "postgres", "-D", _data(place), *_settings(place, durable=durable)],
        folder=_cluster(place),
        pid_file=pid_file(place),
        log=_log(place),
    )
    try:
        with _connect(place, passwords, pid) as admin:
            _prepare(place, admin, passwords)
    except BaseException:
        end(pid_file(place), STOP_SIGNALS)
        raise
    return True


def url(place: Place, role: str, passwords: Passwords, database: str = "jifen") -> str:
    """A URL for SQLAlchemy, password included."""
    return URL.create(
        "postgresql+psycopg",
        username=role,
        password=passwords[role],
        database=database,
        query={"host": str(place.sockets), "port": str(PORT)},
    ).render_as_string(hide_password=False)


def passwords(place: Place) -> Passwords:
    """The random passwords of this data folder, made once; readable by us alone."""
    file = place.home / "passwords.json"
    if file.exists():
        return dict(json.loads(file.read_text()))
    if _data(place).exists():
        raise CannotStart(
            f"{file} is missing, so nobody can sign in to the database beside it: `make reset`."
        )
    made = {name: secrets.token_urlsafe(24) for name in ("postgres", "jifen_owner", "jifen_app", "valkey")}
    fresh = place.home / "passwords.new"
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(made))
    fresh.rename(file)
    return made


def pid_file(place: Place) -> Path:
    return place.home / "postgres.pid"


def _cluster(place: Place) -> Path:
    return place.home / "postgres"


def _data(place: Place) -> Path:
    return _cluster(place) / "data"


def _log(place: Place) -> Path:
    return place.data_dir / "postgres.log"


def _socket(place: Place) -> Path:
    return place.sockets / f".s.PGSQL.{PORT}"


def _settings(place: Place, *, durable: bool) -> list[str]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(place.sockets),
        "unix_socket_permissions": "0700",
        "port": str(PORT),
        "max_connections": "60",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "off",
        # Parallel queries need /dev/shm, which containers keep tiny; on a laptop they gain little here.
        "max_parallel_workers_per_gather": "0",
    }
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        settings |= {"autovacuum": "off"}  # tests delete and truncate, and none shall plan by when it passed
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _initialise(place: Place, programs: Path, passwords: Passwords, *, durable: bool) -> None:
    """initdb beside the final name and rename: a half-made database is never taken for a whole one."""
    if _data(place).exists():
        return
    own(_cluster(place), mode=0o700, uid=place.runner.uid, gid=place.runner.gid)
    fresh = _cluster(place) / "data.new"
    word = _cluster(place) / "password"
    word.touch(mode=0o600)
    word.write_text(passwords["postgres"])
    os.chown(word, place.runner.uid, place.runner.gid)
    command: list[str | Path] = [
        programs / "initdb",
        f"--pgdata={fresh}",
        "--username=postgres",
        f"--pwfile={word}",
        "--auth-local=scram-sha-256",
        "--auth-host=reject",
        "--encoding=UTF8",
        "--data-checksums",
        "--no-instructions",
        *([] if durable else ["--no-sync"]),
    ]
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            place.runner.run([*command, "--locale=C.UTF-8"], folder=_cluster(place))
        except CannotStart:
            # Some systems (macOS, old ones) have no C.UTF-8: C sorts the same way.
            shutil.rmtree(fresh, ignore_errors=True)
            place.runner.run([*command, "--locale=C"], folder=_cluster(place))
    finally:
        word.unlink()
    fresh.rename(_data(place))


def _prepare(place: Place, admin: psycopg.Connection, passwords: Passwords) -> None:
    """Make roles and database, unless that was done; may be repeated after a crash half way."""
    if (place.home / PREPARED).exists():
        return
    existing = {name for (name,) in admin.execute("SELECT rolname FROM pg_roles")}
    for role in ("jifen_owner", "jifen_app"):
        if role in existing:
            continue
        # The verifier, not the password, goes over the wire and perhaps into the log.
        secret = passwords[role].encode()
        verifier = admin.pgconn.encrypt_password(secret, role.encode(), b"scram-sha-256").decode()
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        admin.execute(create.format(sql.Identifier(role), sql.Literal(verifier)))
    # The application may become one of the walled roles for a transaction, and has nothing of theirs by itself.
    admin.execute("ALTER ROLE jifen_app NOINHERIT")
    for role in ("jifen_staff", "jifen_merchant"):
        if role not in existing:
            admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        admin.execute(sql.SQL("GRANT {} TO jifen_app").format(sql.Identifier(role)))
    # Long waits are errors in a request; a job that needs longer says so with SET LOCAL.
    admin.execute("ALTER ROLE jifen_app SET lock_timeout = '1s'")
    admin.execute("ALTER ROLE jifen_app SET statement_timeout = '5s'")
    admin.execute("ALTER ROLE jifen_app SET idle_in_transaction_session_timeout = '10s'")
    if admin.execute("SELECT 1 FROM pg_database WHERE datname = 'jifen'").fetchone() is None:
        admin.execute("CREATE DATABASE jifen OWNER jifen_owner")
    admin.execute("REVOKE ALL ON DATABASE jifen FROM PUBLIC")
    admin.execute("GRANT CONNECT ON DATABASE jifen TO jifen_app")
    (place.home / PREPARED).touch()


def _connect(place: Place, passwords: Passwords, pid: int | None = None) -> psycopg.Connection:
    """Sign in as superuser; waits for a server that is just starting, or recovering from a crash."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            return psycopg.connect(
                host=str(place.sockets),
                port=PORT,
                user="postgres",
                password=passwords["postgres"],
                dbname="postgres",
                connect_timeout=READY_SECONDS,
                autocommit=True,
            )
        except psycopg.OperationalError as trouble:
            if pid is not None and exited(pid):
                log = _log(place)
                raise CannotStart(f"PostgreSQL ended at once; the end of {log}:\n{last_lines(log)}") from None
            if "password authentication failed" in str(trouble) or time.monotonic() > deadline:
                raise CannotStart(f"PostgreSQL runs but does not let us in: {trouble}") from trouble
            time.sleep(0.02)


def _check_durability(place: Place, admin: psycopg.Connection, *, durable: bool) -> None:
    (fsync,) = admin.execute("SHOW fsync").fetchone() or ("",)
    if durable and fsync == "off":
        raise CannotStart(
            f"the PostgreSQL of {place.data_dir} runs without fsync, as tests start it, and may lose data: "
            "stop it first, or use another data folder."
        )


def _check_version(place: Place, major: int) -> None:
    made_by = (_data(place) / "PG_VERSION").read_text().strip()
    if made_by != str(major):
        raise CannotStart(
            f"the data in {place.data_dir} was made by PostgreSQL {made_by}, the server is {major}: "
            "`make reset` for fresh data, or pg_upgrade."
        )


def _clear_leftovers(place: Place) -> None:
    """After a crash, pid files name processes that are gone; another program may have the number by now."""
    for leftover in place.sockets.glob(".s.PGSQL.*"):
        leftover.unlink()
    stale = _data(place) / "postmaster.pid"
    if not stale.exists():
        return
    number = stale.read_text().partition("\n")[0]
    # Somebody may have started `postgres` here by hand: that one PostgreSQL itself has to refuse.
    if not (number.isdigit() and _serves(place, int(number))):
        stale.unlink()


def _serves(place: Place, pid: int) -> bool:
    """Whether this process may be a PostgreSQL of this very folder."""
    process = Path(f"/proc/{pid}")
    if process.parent.joinpath("self").exists():
        try:
            return (process / "cwd").readlink() == _data(place)
        except OSError:  # gone, or dead and not reaped
            return False
    try:
        return "postgres" in place.runner.run(["ps", "-o", "comm=", "-p", str(pid)], folder=_cluster(place))
    except CannotStart:
        return False
