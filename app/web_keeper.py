"""A web's keeper: it has loaded the program and made its application, and has a master of gunicorn again as soon as one is gone.

    python -m app.web_keeper --bind 127.0.0.1:8080 --worker-class app.web_worker.Worker ... "app.serve:application()"

A master that is killed takes its workers with it, which let go of the port within a second (app/web_worker.py). What takes
longest is to load the program and to make the application, so a master is divided off from a process that has done so and does
nothing else. Signals go to the master; once that has ended in order, so does its keeper, and a keeper that is gone takes its
master with it.
"""

from app import loading  # isort: skip  # ahead of all else

import ctypes
import importlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

from gunicorn.app.wsgiapp import WSGIApplication

PROGRAM = "app.serve"
TOLD_ON = (
    signal.SIGHUP,
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGTTIN,
    signal.SIGTTOU,
)
FREE_WITHIN_S = 30.0
LOOKS_EVERY_S = 0.05
_SIGNAL_OF_A_PARENT_GONE = 1  # PR_SET_PDEATHSIG of Linux


def keep(master: Callable[[], None]) -> int:
    """Have one process that does `master` at a time until one ends by itself or was told to end; its exit code."""
    told: list[int] = []
    running: list[int] = []

    def tell(number: int, frame: FrameType | None) -> None:
        told.append(number)
        for pid in running:
            os.kill(pid, number)

    before = {number: signal.signal(number, tell) for number in TOLD_ON}
    while True:
        signal.pthread_sigmask(signal.SIG_BLOCK, TOLD_ON)
        running[:] = [_divided_off(master, before.items())]
        signal.pthread_sigmask(signal.SIG_UNBLOCK, TOLD_ON)
        _, status = os.waitpid(running[0], 0)
        running.clear()
        code = os.waitstatus_to_exitcode(status)
        if code >= 0 or {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT} & set(told):
            return max(code, 0)


def _divided_off(master: Callable[[], None], handlers: Iterable[tuple[int, Any]]) -> int:
    keeper = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        for number, handler in handlers:
            signal.signal(number, handler)
        _ends_with(keeper)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, TOLD_ON)
        master()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _ends_with(keeper: int) -> None:
    """Be told to end when the keeper is gone; where the system cannot say so, its supervisor ends the group."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SIGNAL_OF_A_PARENT_GONE, signal.SIGTERM)
        if os.getppid() != keeper:
            raise SystemExit(1)


def _once_free(address: str) -> None:
    """Wait until nobody holds the port: the workers of a killed master do so for a moment."""
    host, _, port = address.rpartition(":")
    until = time.monotonic() + FREE_WITHIN_S
    while time.monotonic() < until:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((host.strip("[]"), int(port)))
            except OSError:
                time.sleep(LOOKS_EVERY_S)
            else:
                return


def main(arguments: list[str]) -> int:
    """Load the program, make its application, and keep a master of it with gunicorn's own arguments."""
    importlib.import_module(PROGRAM).prepare()
    loading.over()

    def master() -> None:
        _once_free(arguments[arguments.index("--bind") + 1])
        WSGIApplication("%(prog)s [OPTIONS] [APP_MODULE]").run()

    return keep(master)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
