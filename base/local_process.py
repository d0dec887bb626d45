"""Server processes that outlive us: started apart from the terminal, known by a locked pid file.

The server inherits the lock on its pid file and keeps it until it and its children are gone. So a pid file
that nobody locks is stale, whatever process has that number now, and we never signal a stranger.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LOG_LIMIT_BYTES = 10_000_000

# Children that this very process started: kept, so that they can be reaped when they end.
_children: dict[int, "subprocess.Popen[bytes]"] = {}


class CannotStart(RuntimeError):
    """A local server cannot be started; the text says why and what to do."""


@dataclass(frozen=True)
class Runner:
    """The user that servers run as."""

    uid: int
    gid: int
    switch: bool
    """True when we are root and must become that user."""

    def run(self, command: Sequence[str | Path], folder: Path) -> str:
        """Run a command to its end and return its output; CannotStart with that output when it fails."""
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                umask=0o077,
                user=self.uid if self.switch else None,
                group=self.gid if self.switch else None,
                extra_groups=[] if self.switch else None,
            )
        except OSError as trouble:
            raise self._cannot(command, trouble) from trouble
        output = done.stdout.decode(errors="replace").strip()
        if done.returncode != 0:
            raise CannotStart(f"{Path(command[0]).name} failed:\n{output}")
        return output

    def spawn(
        self, command: Sequence[str | Path], folder: Path, pid_file: Path, log: Path, stdin: str = ""
    ) -> int:
        """Start a server in a session of its own that Ctrl-C does not reach; returns its pid."""
        handle = os.open(pid_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            with _appended(log) as output:
                child = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=_environment(),
                    stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    umask=0o077,
                    user=self.uid if self.switch else None,
                    group=self.gid if self.switch else None,
                    extra_groups=[] if self.switch else None,
                    start_new_session=True,
                    pass_fds=(handle,),
                )
            try:
                os.ftruncate(handle, 0)
                os.write(handle, f"{child.pid}\n".encode())
            except BaseException:
                child.kill()  # never leave a server behind that nobody can find
                raise
        except OSError as trouble:
            raise self._cannot(command, trouble) from trouble
        finally:
            os.close(handle)
        _children[child.pid] = child
        if child.stdin is not None:
            with contextlib.suppress(BrokenPipeError), child.stdin as pipe:
                pipe.write(stdin.encode())
        return child.pid

    def _cannot(self, command: Sequence[str | Path], trouble: OSError) -> CannotStart:
        who = f" as user {self.uid}" if self.switch else ""
        return CannotStart(
            f"cannot run {command[0]}{who}: {trouble.strerror}. Set DATABASE_URL to do without."
        )


def is_running(pid_file: Path) -> bool:
    """Whether the server of this pid file, or a child that it left behind, is alive."""
    try:
        handle = os.open(pid_file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def end(pid_file: Path, signals: Sequence[tuple[signal.Signals, float]]) -> bool:
    """Send each signal in turn until the server is gone, with so many seconds to obey. False if none ran."""
    if not is_running(pid_file):
        return False
    pid = int(pid_file.read_text())
    for each, patience in signals:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, each)
        if _wait_until_gone(pid_file, pid, patience):
            return True
    raise CannotStart(f"process {pid} does not end; its pid is in {pid_file}")


def exited(pid: int) -> bool:
    """Whether a server that this process started has ended by itself."""
    child = _children.get(pid)
    return child is not None and child.poll() is not None


def last_lines(log: Path, count: int = 12) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])


def _wait_until_gone(pid_file: Path, pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not is_running(pid_file):
            if child := _children.pop(pid, None):
                child.wait()
            return True
        time.sleep(0.02)
    return False


def _environment() -> dict[str, str]:
    """Nothing of the caller's: no PGDATA, no odd locale, no secret that a server would pass on."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _appended(log: Path) -> IO[bytes]:
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.rename(log.with_suffix(".log.1"))
    return open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab")
