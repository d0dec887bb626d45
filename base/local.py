"""A real PostgreSQL and a real Valkey for development and tests, as child processes of ours.

Used when DATABASE_URL and REDIS_URL are not set. All is found through `data_dir` (a checkout's `.jifen`):

    servers = local.start(data_dir)
    servers.database_url      # SQLAlchemy URL of the application's role
    servers.stop()            # ends what this very call started, and nothing else

Who stops what: `make run` calls `Servers.stop()` when it is interrupted. A short command (`jifen verify` ...)
leaves the servers that it had to start running, as another command may be using them by then;
`make stop` ends them. They listen on unix sockets in a private folder only, never on the network.

As root, PostgreSQL refuses to run: then data, sockets and a copy of the binaries live below /var/lib/jifen,
in a folder named after the checkout, and both servers run as `nobody`. `remove` takes that folder away too.
"""

from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from base import local_postgres as postgres
from base import local_valkey as valkey
from base.local_place import Place, delete, find, held, make
from base.local_process import CannotStart, end, is_running

__all__ = ["CannotStart", "Servers", "remove", "running", "start", "stop"]

Name = Literal["postgres", "valkey"]
ALL: frozenset[Name] = frozenset({"postgres", "valkey"})


@dataclass(frozen=True)
class Servers:
    """Where the servers of one data folder answer. The URLs hold passwords: never log them."""

    database_url: str = field(repr=False)
    """The application's role `jifen_app`: no DDL."""
    owner_url: str = field(repr=False)
    """`jifen_owner`, who owns the database: for migrations alone."""
    admin_url: str = field(repr=False)
    """The superuser, in the database `postgres`: to clone template databases, for instance."""
    redis_url: str | None = field(repr=False)
    """None where no Valkey or Redis server could be started; `notes` says why."""
    notes: tuple[str, ...]
    """What a person should know, in plain sentences."""
    data_dir: Path
    begun: frozenset[Name]
    """Those that were not running before this call."""

    @property
    def started(self) -> bool:
        """False when PostgreSQL was already running and is reused."""
        return "postgres" in self.begun

    def stop(self) -> None:
        """End what this call to `start` began; servers that it only reused stay. Twice is harmless."""
        _stop(self.data_dir, self.begun)


def start(data_dir: Path, *, durable: bool = True) -> Servers:
    """Start the servers of this data folder, or reuse those that run; safe from many processes at once.

    `durable=False` lets PostgreSQL lose its last seconds, or everything, when the machine fails: for tests.
    Raises CannotStart with the reason and what to do.
    """
    place = find(data_dir)
    with held(place):
        make(place)
        passwords = postgres.passwords(place)
        begun: set[Name] = set()
        if postgres.start(place, passwords, durable=durable):
            begun.add("postgres")
        try:
            cache = valkey.start(place, passwords["valkey"])
        except BaseException:
            _end(place, begun)
            raise
        if cache.started:
            begun.add("valkey")
    return Servers(
        database_url=postgres.url(place, "jifen_app", passwords),
        owner_url=postgres.url(place, "jifen_owner", passwords),
        admin_url=postgres.url(place, "postgres", passwords, database="postgres"),
        redis_url=cache.url,
        notes=(cache.note,) if cache.note else (),
        data_dir=place.data_dir,
        begun=frozenset(begun),
    )


def running(data_dir: Path) -> bool:
    """Whether PostgreSQL runs for this data folder, whoever started it."""
    return is_running(postgres.pid_file(find(data_dir)))


def stop(data_dir: Path) -> bool:
    """End the servers of this data folder, whoever started them. True when there was one."""
    return _stop(data_dir, ALL)


def remove(data_dir: Path) -> None:
    """Stop the servers and delete their data, logs and sockets; other files in `data_dir` stay."""
    with _held_if_there(data_dir) as place:
        if place is not None:
            _end(place, ALL)
            delete(place)


def _stop(data_dir: Path, names: Set[Name]) -> bool:
    with _held_if_there(data_dir) as place:
        return place is not None and _end(place, names)


def _end(place: Place, names: Set[Name]) -> bool:
    ended = []
    if "valkey" in names:
        ended.append(end(valkey.pid_file(place), valkey.STOP_SIGNALS))
    if "postgres" in names:
        ended.append(end(postgres.pid_file(place), postgres.STOP_SIGNALS))
    return any(ended)


@contextmanager
def _held_if_there(data_dir: Path) -> Iterator[Place | None]:
    """The place under its lock, or None where nothing was ever started."""
    place = find(data_dir)
    if not place.home.exists():
        yield None
        return
    with held(place):
        yield place if place.home.exists() else None  # another process may have removed it while we waited
