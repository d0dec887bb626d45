"""The place of a run: own PostgreSQL and Valkey in a fresh folder, proxies before them, webs, workers, stand-ins; and their keeper.

Everything listens on loopback or a unix socket. Only processes that this place started are ever signalled.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import redis
from sqlalchemy import make_url

from app import supervisor
from base import local, schema
from base.config import Config, own_environment, own_secret
from base.local_place import find
from tests.torture.proxy import LOOPBACK, Proxy

WEBS, WORKERS, WEB_WORKERS, THREADS = 2, 2, 2, 4
MOST_MEMORY_BYTES, MOST_DISK_BYTES = 4 << 30, 4 << 30  # of all that a run starts, and of what it writes
READY_WITHIN_S, ENDS_WITHIN_S = 100, 10
KEY, SECRET = "sk_test_twin", "stripe_webhook_secret"
TUNING = {"max_wal_size": "512MB", "max_connections": "80", "log_min_messages": "warning"}


@dataclass
class Child:
    """A process of ours that is started again when it ends, unless it was told to rest."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    rests: bool = False
    starts: int = 0
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.starts += 1
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, cwd=supervisor.ROOT,
            )  # fmt: skip


@dataclass
class Place:
    """What runs, and how to reach it."""

    folder: Path
    config: Config
    servers: local.Servers
    proxies: dict[str, Proxy]
    ports: list[int]
    children: dict[str, Child] = field(default_factory=dict)
    out: set[int] = field(default_factory=set)
    """Ports of webs that are being renewed."""
    fallen: list[str] = field(default_factory=list)
    killed: list[str] = field(default_factory=list)
    """Those of them that a fault has ended: whoever fell beside them ended by itself."""
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)

    # The database

    @property
    def admin_url(self) -> str:
        return self.servers.admin_url.replace("+psycopg", "")

    def admin(self) -> "psycopg.Connection[tuple[object, ...]]":
        """The administrator in the database itself, statement by statement, beside the proxy."""
        return psycopg.connect(self.admin_url, dbname="jifen", autocommit=True, connect_timeout=2)

    def pid_of(self, name: str) -> int:
        """The process of PostgreSQL or Valkey that this place started."""
        return int((find(self.folder).home / f"{name}.pid").read_text().split()[0])

    def kill_database(self) -> None:
        """`kill -9` of the postmaster and all that it started."""
        with suppress(ProcessLookupError, FileNotFoundError, ValueError):
            kill_with_children(self.pid_of("postgres"))

    def start_servers(self, within_s: float = READY_WITHIN_S) -> float:
        """Start what does not run, again and again while old backends die; seconds until it takes connections."""
        began = time.monotonic()
        while True:
            try:
                while not self._database_runs() and local.running(self.folder):
                    time.sleep(0.02)  # children of the dead one still hold the folder
                self.servers = local.start(self.folder)
                return time.monotonic() - began
            except (local.CannotStart, psycopg.Error):
                if time.monotonic() - began > within_s:
                    raise
                time.sleep(0.05)

    def _database_runs(self) -> bool:
        with suppress(OSError, ValueError):
            os.kill(self.pid_of("postgres"), 0)
            return Path(f"/proc/{self.pid_of('postgres')}/stat").read_text().rpartition(") ")[2][:1] != "Z"
        return False

    # Webs, workers, stand-ins

    def start(self, child: Child) -> None:
        with self.lock:
            self.children[child.name] = child
            child.start()

    def keep(self) -> None:
        """The supervisor of this place: who ended is started again."""
        while not self.over.wait(0.1):
            with self.lock:
                for child in self.children.values():
                    if not (child.rests or child.runs or self.over.is_set()):
                        self.fallen.append(child.name)
                        child.start()

    def web(self, number: int) -> Child:
        return self.children[f"web-{number}"]

    def worker(self, number: int) -> Child:
        return self.children[f"worker-{number}"]

    def wait_ready(self, number: int, within_s: float = READY_WITHIN_S) -> None:
        """Until a web answers that it is ready."""
        limit = time.monotonic() + within_s
        while not ready(self.ports[number]):
            if time.monotonic() > limit:
                raise RuntimeError(
                    f"web-{number} did not come up: {self.web(number).log.read_text()[-1500:]}"
                )
            time.sleep(0.1)

    def end(self) -> None:
        """All that was started ends, in order where it can; then its folder goes."""
        self.over.set()
        with self.lock:
            running = [child for child in self.children.values() if child.runs]
            for child in running:
                child.process.terminate()  # type: ignore[union-attr]
            limit = time.monotonic() + ENDS_WITHIN_S
            for child in running:
                with suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.1, limit - time.monotonic()))  # type: ignore[union-attr]
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
        for proxy in self.proxies.values():
            proxy.stop()
        with suppress(local.CannotStart, OSError):
            local.remove(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    def size_bytes(self) -> int:
        """What the run has on disk: logs, history, and the database."""
        home = find(self.folder).home
        return sum(_size(each) for top in {self.folder, home} for each in top.rglob("*"))


def kill_with_children(pid: int) -> None:
    """By -9, all of them: it is stopped first, or it might start one more while we count, which would wait for the others' locks."""
    os.kill(pid, signal.SIGSTOP)
    for each in (*children_of(pid), pid):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    """Processes that this one started, and theirs."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            if int(stat.read_text().rpartition(") ")[2].split()[1]) == pid:
                child = int(stat.parent.name)
                found += [child, *children_of(child)]
    return found


def master_of(keeper: int) -> int:
    """The master of gunicorn that the keeper of a web has at this moment; ProcessLookupError where it has none."""
    task = Path(f"/proc/{keeper}/task/{keeper}/children")
    with suppress(OSError, IndexError):
        return int(task.read_text().split()[0])
    raise ProcessLookupError(keeper)


def workers_of(keeper: int) -> list[int]:
    """The processes of a web that answer requests."""
    with suppress(ProcessLookupError):
        return children_of(master_of(keeper))
    return []


def memory_of(pid: int) -> int:
    """Bytes that a process and its children hold in memory; what they share is counted once."""
    total = 0
    for each in (pid, *children_of(pid)):
        with suppress(OSError, StopIteration):
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
            total += 1024 * int(next(line for line in lines if line.startswith("Pss:")).split()[1])
    return total


def ready(port: int) -> bool:
    """Whether the web at this port says that it is ready."""
    import http.client

    with suppress(OSError, http.client.HTTPException):
        link = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
        try:
            link.request("GET", "/health/ready")
            return link.getresponse().status == 200
        finally:
            link.close()
    return False


@contextmanager
def running(say: "object | None" = None) -> Iterator[Place]:
    """A place with migrated servers and proxies; webs, workers and stand-ins are started by `begin`."""
    folder = Path(tempfile.mkdtemp(prefix="jifen-torture-"))
    proxies: dict[str, Proxy] = {}
    place = None
    try:
        servers = local.start(folder)
        with psycopg.connect(servers.admin_url.replace("+psycopg", ""), autocommit=True) as admin:
            for name, value in TUNING.items():
                admin.execute(f"alter system set {name} = '{value}'")
        servers.stop()
        servers = local.start(folder)
        schema.migrate(servers.owner_url)
        proxies["database"] = Proxy(str(find(folder).sockets / ".s.PGSQL.5432")).start()
        if servers.redis_url:
            proxies["redis"] = Proxy(str(find(folder).sockets / "valkey.sock")).start()
        place = Place(
            folder, configured(folder, servers), servers, proxies, [free_port() for _ in range(WEBS)]
        )
        yield place
    finally:
        if place is not None:
            place.end()
        else:
            for proxy in proxies.values():
                proxy.stop()
            local.remove(folder)
            shutil.rmtree(folder, ignore_errors=True)


def configured(folder: Path, servers: local.Servers) -> Config:
    """The configuration of this very process, which stands beside the proxies; its secrets are those of the children."""
    os.environ["JIFEN_DATA"] = str(folder)
    os.environ.pop("DATABASE_URL", None)
    return Config.from_env().at(
        database_url=servers.database_url,
        database_owner_url=servers.owner_url,
        redis_url=servers.redis_url,
        stripe_secret_key=KEY,
        stripe_webhook_secret=own_secret(folder, SECRET),
        stripe_connect_secret=own_secret(folder, SECRET),
    )


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def begin(place: Place) -> None:
    """Stand-ins, webs and workers, through the proxies; and their keeper."""
    billing, twin = free_port(), free_port()
    logs = place.folder / "logs"
    logs.mkdir(exist_ok=True)
    own = own_environment()
    place.start(Child(
        "billing", [sys.executable, "-m", "app.sandbox.billing", "--port", str(billing), "--state", str(place.folder / "billing.jsonl")],
        own | {"PYTHONPATH": str(supervisor.ROOT)}, logs / "billing.log",
    ))  # fmt: skip
    place.start(Child(
        "twin", [
            sys.executable, "-m", "tests.stripe_twin", str(twin), str(place.folder / "twin.jsonl"), "--funds", str(10**11),
            "--connect-webhook", f"http://{LOOPBACK}:{place.ports[0]}/v1/stripe/connect-events",
            "--webhook", f"http://{LOOPBACK}:{place.ports[0]}/v1/stripe/events",
            "--secret-file", str(place.folder / "secrets" / SECRET),
        ], own | {"PYTHONPATH": str(supervisor.ROOT)}, logs / "twin.log",
    ))  # fmt: skip
    for name, port in (("billing", billing), ("stripe", twin)):
        place.proxies[name] = Proxy(port).start()
    place.config = place.config.at(
        billing_url=f"http://{LOOPBACK}:{place.proxies['billing'].port}",
        stripe_api_base=f"http://{LOOPBACK}:{place.proxies['stripe'].port}",
    )
    for number, port in enumerate(place.ports):
        config = through_proxies(place).at(port=port, web_workers=WEB_WORKERS, web_threads=THREADS)
        place.start(
            Child(
                f"web-{number}",
                supervisor.web_command(config),
                child_environment(config),
                logs / f"web-{number}.log",
            )
        )
    for number in range(WORKERS):
        command = [sys.executable, "-m", "app.cli", "worker"]
        place.start(
            Child(
                f"worker-{number}",
                command,
                child_environment(through_proxies(place)),
                logs / f"worker-{number}.log",
            )
        )
    threading.Thread(target=place.keep, daemon=True).start()
    for number in range(WEBS):
        place.wait_ready(number)


def through_proxies(place: Place) -> Config:
    """The configuration of webs and workers."""
    url = make_url(place.servers.database_url)
    there = url.set(host=LOOPBACK, port=place.proxies["database"].port, query={})
    found = place.config.at(database_url=there.render_as_string(hide_password=False), database_owner_url=None)
    if place.servers.redis_url:
        password = urlsplit(place.servers.redis_url).password or ""
        found = found.at(redis_url=f"redis://:{quote(password)}@{LOOPBACK}:{place.proxies['redis'].port}/0")
    return found


def child_environment(config: Config, **more: str) -> dict[str, str]:
    """What a child needs to know; nobody types a code here, and a system that is away is asked again soon."""
    own = {
        name: value for name, value in supervisor.environment(config).items() if name != "DATABASE_OWNER_URL"
    }
    return own | {
        "JIFEN_WEB_WORKERS": str(config.web_workers),
        "JIFEN_WEB_THREADS": str(THREADS),
        "JIFEN_CODE_ABOVE_POINTS": str(10**12),
        "JIFEN_CODE_ABOVE_FEN": str(10**12),
        "JIFEN_BILLING_BACKOFF": "1",
        "JIFEN_BILLING_TIMEOUT": "2",
        "JIFEN_STRIPE_TIMEOUT": "2",
        "MALLOC_ARENA_MAX": "2",
    } | more  # fmt: skip


def cache(place: Place) -> "redis.Redis":
    """Valkey itself, beside the proxy."""
    return redis.Redis.from_url(place.servers.redis_url or "", socket_timeout=2)


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.lstat().st_size if path.is_file() else 0
    return 0
