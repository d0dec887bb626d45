"""Deadlines: whoever asks has an answer, or an error, in time, whatever the database's connection does.

A time-out of the server ends a statement, and those of TCP see only what nobody acknowledged: neither frees a thread whose
peer takes bytes and never answers. So a watchdog shuts the socket of every connection that is lent out past its deadline.
Where nothing was answered for a while, or connecting takes too long, the database is taken to be away: whoever comes is
refused at once, and the watchdog tries by itself until it answers again. Whoever has asked since before it was tried in vain,
and may wait for longer, is told too.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog

TILL_S, PAGE_S, REPORT_S, STEP_S = (
    2.0,
    3.0,
    30.0,
    60.0,
)  # a till's request, a page or call, a staff report, a job's transaction
CONNECT_S = (
    2  # the shortest that the driver knows; so nobody begins to connect later than a second into a request
)
LOOKS_EVERY_S, TRIES_EVERY_S, QUIET_S = 0.05, 0.25, 1.0
log = structlog.get_logger()


@dataclass(frozen=True)
class Deadline:
    """From when on something takes its time, and how much it may take."""

    began: float
    seconds: float

    @property
    def at(self) -> float:
        return self.began + self.seconds

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self.at

    @property
    def connects_until(self) -> float:
        """When it is too late to begin to connect."""
        return self.began + max(1.0, self.seconds - CONNECT_S)


_present: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def present() -> Deadline | None:
    """The deadline of what is being done here; None: there is none."""
    return _present.get()


def begin(seconds: float | None, *, since: float | None = None) -> None:
    """From now on what is done here has so many seconds in all; None: no deadline."""
    began = time.monotonic() if since is None else since
    _present.set(None if seconds is None else Deadline(began, seconds))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What the block does has so many seconds."""
    token = _present.set(Deadline(time.monotonic(), seconds))
    try:
        yield
    finally:
        _present.reset(token)


@dataclass(frozen=True)
class _Lent:
    """A connection, since when it is lent out and until when at most."""

    connection: psycopg.Connection[Any]
    since: float
    at: float


class Watchdog:
    """Knows which connections are lent out until when, and whether the database is away."""

    def __init__(self, each_s: float | None = None) -> None:
        self.each_s = each_s  # how long one is lent out where what is done has no deadline
        self.is_away = False
        self._try: Callable[[], object] = lambda: None
        self._lent: dict[int, _Lent] = {}
        self._answered = time.monotonic()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._pid, self._asks = 0, False

    def watches(self, attempt: Callable[[], object], each_s: float | None) -> None:
        """A fresh start on another database: `attempt` connects and asks, and raises where that fails."""
        with self._changed:
            self._try, self.each_s, self.is_away, self._lent = attempt, each_s, False, {}
            self._answered = time.monotonic()

    def lend(self, key: int, connection: psycopg.Connection[Any]) -> None:
        """A connection is lent out."""
        deadline = present()
        at = deadline.at if deadline else time.monotonic() + self.each_s if self.each_s else None
        if at is None:
            return
        with self._changed:
            self._lent[key] = _Lent(connection, time.monotonic(), at)
            self._awake()

    def extend(self, connection: psycopg.Connection[Any], seconds: float | None) -> None:
        """It may take so long from now on; None: as long as it likes."""
        with self._changed:
            for key, one in list(self._lent.items()):
                if one.connection is connection:
                    del self._lent[key]
                    if seconds is not None:
                        self._lent[key] = _Lent(connection, one.since, time.monotonic() + seconds)

    def back(self, key: int, *, well: bool) -> None:
        """It came back; well: what was asked last was answered."""
        with self._changed:
            self._lent.pop(key, None)
            if well:
                self._answered = time.monotonic()

    def away(self) -> None:
        """It took too long to connect: nobody else waits for that until the database answers."""
        with self._changed:
            if not self.is_away:
                log.warning("the database is away")
            self.is_away = True
            self._awake()

    def _awake(self) -> None:
        if self._thread is None or self._pid != os.getpid():  # a forked process has no threads
            self._pid, self._asks = os.getpid(), False
            self._thread = threading.Thread(target=self._run, daemon=True, name="watchdog")
            self._thread.start()
        self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._lent and not self.is_away:
                    self._changed.wait()
                self._shut_late()
                if self.is_away and not self._asks:
                    self._asks = True  # in a thread of its own, for asking waits, and deadlines do not
                    threading.Thread(target=self._ask_again, daemon=True).start()
            time.sleep(LOOKS_EVERY_S)

    def _shut_late(self) -> None:
        """Under the lock, so that a connection that came back is never shut for somebody else."""
        now = time.monotonic()
        for key, one in list(self._lent.items()):
            if now >= one.at:
                self._shut(key)
                log.warning("a connection was shut", late_ms=round((now - one.at) * 1000))
                self.is_away = self.is_away or now - self._answered > QUIET_S

    def _ask_again(self) -> None:
        attempt, began = self._try, time.monotonic()
        try:
            attempt()
        except Exception:  # whatever it is: it is not there yet
            answers = False
        else:
            answers = True
        if not answers and time.monotonic() - began >= CONNECT_S:
            self._shut_silent(attempt, began)
        if not answers:
            time.sleep(TRIES_EVERY_S)
        with self._changed:
            self._asks = False
            if answers and attempt is self._try:
                self.is_away, self._answered = False, time.monotonic()
                log.warning("the database is back")

    def _shut_silent(self, attempt: Callable[[], object], began: float) -> None:
        """The database said nothing at all since `began`: no more will it to those who have asked for longer."""
        with self._changed:
            silent = [key for key, one in self._lent.items() if one.since <= began and self._answered < began]
            if attempt is self._try and silent:
                for key in silent:
                    self._shut(key)
                log.warning("connections were shut", of=len(silent))

    def _shut(self, key: int) -> None:
        _shut(self._lent.pop(key).connection)


def _shut(connection: psycopg.Connection[Any]) -> None:
    """Whoever waits for this connection wakes up with an error; it is not closed here, for it is not ours."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as end:
        end.shutdown(socket.SHUT_RDWR)


watchdog = Watchdog()
