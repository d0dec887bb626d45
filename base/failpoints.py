"""Failpoints: named places in what writes, at which a test has this process fail, sleep or die.

Nothing happens at them unless some are armed, by a test or by JIFEN_FAILPOINTS; production refuses to start with that set.

    JIFEN_FAILPOINTS="part_taken=kill@3,wallet_read=sleep"     the third time, the first time
"""

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SLEEP_S = 2.0
ARMED = re.compile(r"(?P<name>\w+)=(?P<deed>exception|sleep|kill)(@(?P<nth>[1-9]\d*))?")
_reached: Callable[[str], None] | None = None


class Failed(RuntimeError):
    """An armed failpoint was reached."""


def failpoint(name: str) -> None:
    """A place where this process may be made to fail."""
    if _reached is not None:
        _reached(name)


def arm(said: str) -> None:
    """Arm what is said, each once, and disarm the rest; ValueError where that cannot be read."""
    global _reached
    _reached = _Armed(said) if said else None


@contextmanager
def watched(reached: Callable[[str], None]) -> Iterator[None]:
    """In this block every failpoint that is reached is told: for tests."""
    global _reached
    before, _reached = _reached, reached
    try:
        yield
    finally:
        _reached = before


def checked(said: str) -> None:
    """ValueError where this cannot be read as failpoints."""
    for one in filter(None, said.split(",")):
        if not ARMED.fullmatch(one):
            raise ValueError(
                f"{one}: say name=exception, name=sleep or name=kill, maybe with @2 for the second time"
            )


class _Armed:
    """What happens at which place, the how many-th time; each once in the life of a process."""

    def __init__(self, said: str) -> None:
        checked(said)
        self._deeds: dict[str, tuple[str, int]] = {}
        self._lock = threading.Lock()
        for found in ARMED.finditer(said):
            self._deeds[found["name"]] = found["deed"], int(found["nth"] or 1)

    def __call__(self, name: str) -> None:
        with self._lock:
            deed, left = self._deeds.get(name, ("", 0))
            if not left:
                return
            self._deeds[name] = deed, left - 1
        if left == 1:
            _do(deed, name)


def _do(deed: str, name: str) -> None:
    if deed == "sleep":
        time.sleep(SLEEP_S)
    elif deed == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        raise Failed(name)
