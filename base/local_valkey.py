"""Valkey (or Redis) for development and tests. It keeps nothing: a lost cache is the normal case."""

import signal
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import redis

from base import local_binaries as binaries
from base.local_place import Place
from base.local_process import CannotStart, end, exited, is_running

READY_SECONDS = 5
STOP_SIGNALS = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))


@dataclass(frozen=True)
class Cache:
    url: str | None
    started: bool
    note: str = ""


def start(place: Place, password: str) -> Cache:
    """Make the server run and answer; without one, a note says why. Call it under the lock."""
    if is_running(pid_file(place)):
        if _answers(place, password):
            return Cache(_url(place, password), started=False)
        end(pid_file(place), STOP_SIGNALS)  # nothing in it is worth waiting for
    binary = binaries.valkey(place)
    if binary is None:
        return Cache(None, False, "No Valkey or Redis server for this machine: running without a cache.")
    _socket(place).unlink(missing_ok=True)
    log = place.data_dir / "valkey.log"
    try:
        # The configuration goes through stdin, as anybody can read the password from a command line.
        pid = place.runner.spawn(
            [binary, "-"], place.sockets, pid_file(place), log, stdin=_configuration(place, password)
        )
    except CannotStart as trouble:
        return Cache(None, False, f"Running without a cache: {trouble}")
    try:
        ready = _wait(place, password, pid)
    except BaseException:
        end(pid_file(place), STOP_SIGNALS)
        raise
    if not ready:
        end(pid_file(place), STOP_SIGNALS)
        return Cache(None, False, f"{binary.name} does not start, see {log}: running without a cache.")
    return Cache(_url(place, password), started=True)


def pid_file(place: Place) -> Path:
    return place.home / "valkey.pid"


def _socket(place: Place) -> Path:
    return place.sockets / "valkey.sock"


def _url(place: Place, password: str) -> str:
    return f"unix://:{password}@{quote(str(_socket(place)))}?db=0"


def _configuration(place: Place, password: str) -> str:
    return "\n".join(
        [
            "port 0",
            f'unixsocket "{_socket(place)}"',
            "unixsocketperm 700",
            f'requirepass "{password}"',
            'save ""',
            "appendonly no",
            "daemonize no",
            "maxmemory 64mb",
            "maxmemory-policy allkeys-lru",
            "",
        ]
    )


def _answers(place: Place, password: str) -> bool:
    with redis.Redis(
        unix_socket_path=str(_socket(place)), password=password, socket_timeout=1, socket_connect_timeout=1
    ) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def _wait(place: Place, password: str, pid: int) -> bool:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and not exited(pid):
        if _socket(place).exists() and _answers(place, password):
            return True
        time.sleep(0.02)
    return False
