"""Progress of long work, on standard error alone: a bar on a terminal, elsewhere a line for every ten per
cent.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

STEPS = 10


class Bar(Protocol):
    """What the work tells its progress to."""

    def advance(self, count: int = 1) -> None:
        """So many more are done."""


class Watch(Bar, Protocol):
    """Who is told instead of a terminal; what it raises ends the work between two of its parts."""

    def begins(self, total: int) -> None:
        """From here on it is so many."""


@contextmanager
def bar(total: int, label: str, quiet: bool = False, watch: Watch | None = None) -> Iterator[Bar]:
    """Show the progress of `total` things, or tell it to a watch. NO_COLOR is honoured; `quiet` shows nothing."""
    if watch is not None:
        watch.begins(total)
        yield watch
    elif quiet:
        yield _Silent()
    elif sys.stderr.isatty():
        with _on_terminal(total, label) as shown:
            yield shown
    else:
        yield _Lines(total, label, sys.stderr)


class _Silent:
    def advance(self, count: int = 1) -> None:
        pass


class _Lines:
    """One line whenever another tenth is done."""

    def __init__(self, total: int, label: str, out: TextIO) -> None:
        self._total, self._label, self._out = total, label, out
        self._done = self._told = 0
        self._began = time.monotonic()

    def advance(self, count: int = 1) -> None:
        self._done += count
        tenths = min(STEPS, self._done * STEPS // self._total) if self._total > 0 else 0
        if tenths > self._told:
            self._told = tenths
            rate = self._done / max(time.monotonic() - self._began, 0.001)
            said = (
                f"{self._label}: {tenths * 100 // STEPS} % ({self._done:,} of {self._total:,}, {rate:,.0f}/s)"
            )
            print(said, file=self._out, flush=True)


@contextmanager
def _on_terminal(total: int, label: str) -> Iterator[Bar]:
    # Loading rich takes a tenth of a second, which only a terminal needs.
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(label, total=total, rate="")
        yield _Terminal(shown, task)


class _Terminal:
    def __init__(self, shown: "Progress", task: "TaskID") -> None:
        self._shown, self._task, self._done, self._began = shown, task, 0, time.monotonic()

    def advance(self, count: int = 1) -> None:
        self._done += count
        rate = self._done / max(time.monotonic() - self._began, 0.001)
        self._shown.update(self._task, advance=count, rate=f"{rate:,.0f}/s")
