"""A PgBouncer in transaction mode before a PostgreSQL of ours, by the very settings that docs/many-machines.md shows."""

import configparser
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from app.supervisor import ROOT
from base.local import Servers
from base.local_place import find
from tests.torture.place import free_port
from tests.torture.proxy import LOOPBACK

DOCUMENT = ROOT / "docs" / "many-machines.md"
NOT_HERE = "no pgbouncer on this machine: apt-get install pgbouncer"
READY_WITHIN_S = 10


def program() -> str | None:
    """Where it is; None: it is not installed."""
    return shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")


@dataclass
class Pooler:
    """One that runs."""

    port: int
    url: str
    """For webs."""
    jobs_url: str
    """For workers, whose statements may take longer."""
    process: "subprocess.Popen[bytes]"


def documented() -> configparser.ConfigParser:
    """The file as the document has it."""
    found = configparser.ConfigParser(interpolation=None)
    found.read_string(DOCUMENT.read_text("utf-8").partition("```ini\n")[2].partition("```")[0])
    return found


@contextmanager
def before(servers: Servers, *, size: int = 0, query: str = "", **changes: str) -> Iterator[Pooler]:
    """PgBouncer before these servers, by the document's file.

    `size`: so many connections to each database, `query`: what is said on each fresh one, in place of what the document has;
    `changes`: of the section pgbouncer.
    """
    port, place = free_port(), find(servers.data_dir)
    url = make_url(servers.database_url)
    folder = Path(tempfile.mkdtemp(prefix="jifen-pooler-"))
    users = {str(one.username): str(one.password) for one in (url, make_url(servers.owner_url))}
    written = _written(folder, port, str(place.sockets), users, (size, query), changes)
    runner = place.runner
    if runner.switch:  # it refuses to run as root
        for each in (folder, *folder.iterdir()):
            os.chown(each, runner.uid, runner.gid)
    process = subprocess.Popen(
        [program() or "pgbouncer", "-q", str(written)], stdin=subprocess.DEVNULL, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
        user=runner.uid if runner.switch else None, group=runner.gid if runner.switch else None,
        extra_groups=[] if runner.switch else None,
    )  # fmt: skip
    try:
        _wait(process, port, folder / "pgbouncer.log")
        urls = [
            url.set(host=LOOPBACK, port=port, database=name, query={}).render_as_string(hide_password=False)
            for name in ("jifen", "jifen_jobs")
        ]
        yield Pooler(port, *urls, process)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _written(
    folder: Path,
    port: int,
    sockets: str,
    passwords: Mapping[str, str],
    lines: tuple[int, str],
    changes: Mapping[str, str],
) -> Path:
    """The documented file with this machine's places."""
    found, (size, query) = documented(), lines
    for name, said in found["databases"].items():
        line = re.sub(r"host=\S+", f"host={sockets}", said)
        line = re.sub(r"connect_query='.*'", f"connect_query='{query}'", line) if query else line
        found["databases"][name] = re.sub(r"pool_size=\d+", f"pool_size={size}", line) if size else line
    users = folder / "userlist.txt"
    users.touch(mode=0o600)
    users.write_text("".join(f'"{name}" "{password}"\n' for name, password in passwords.items()))
    mine = {"listen_addr": LOOPBACK, "listen_port": str(port), "auth_file": str(users), "unix_socket_dir": "",
            "logfile": str(folder / "pgbouncer.log"), "pidfile": str(folder / "pgbouncer.pid")}  # fmt: skip
    found["pgbouncer"].update(mine | dict(changes))
    file = folder / "pgbouncer.ini"
    with file.open("w") as out:
        found.write(out)
    return file


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    limit = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < limit and process.poll() is None:
        with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"pgbouncer did not start: {log.read_text() if log.exists() else process.returncode}")
