"""Several processes at one import: each does the parts of its share, and one that dies is replaced.

Nothing is handed out: a worker takes the next part of its share that is not done, so whoever starts again, this process
or another one, goes on where the marks end. A worker whose parent is gone stops after the part it is at.
"""

import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from base import database, process
from base.errors import Unavailable
from points.staging import Share

DEATHS = 5  # without a part done in between
WORKER_TIMEOUT_MS = 60_000

Told = Callable[[int], bool]
Work = Callable[[Share, Told], None]


class WorkersLost(Unavailable):
    """The processes that take the file in end again and again."""

    zh = "导入文件的工作进程反复中断。"
    next_en = "Look for what ends them (memory?); the same command goes on where it stopped."
    next_zh = "请检查其中断原因（内存？）；重新执行同一命令即可从中断处继续。"


@dataclass
class _Worker:
    share: Share
    process: BaseProcess
    said: Connection


def run(work: Work, workers: int, told: Callable[[int], None]) -> None:
    """Have every share worked on; `work` must be a value that another process can be given. `told` hears how many
    lines are done. What a worker raises is raised here; WorkersLost.
    """
    crew = [_start(work, Share(number, workers)) for number in range(workers)]
    deaths = 0
    try:
        while crew:
            for said in wait([worker.said for worker in crew]):
                worker = next(one for one in crew if one.said is said)
                try:
                    news = worker.said.recv()
                except (EOFError, OSError):
                    crew.remove(worker)
                    if _ended_well(worker):
                        continue
                    deaths += 1
                    if deaths > DEATHS:
                        raise WorkersLost(retry_after_s=1) from None
                    crew.append(_start(work, worker.share))
                    continue
                if isinstance(news, BaseException):
                    raise news
                deaths = 0
                told(news)
    finally:
        for worker in crew:
            worker.process.terminate()  # its part is rolled back
        for worker in crew:
            worker.process.join()


def _start(work: Work, share: Share) -> _Worker:
    spawn = multiprocessing.get_context("spawn")
    heard, said = spawn.Pipe(duplex=False)
    url = database.engine().url.render_as_string(hide_password=False)
    worker = spawn.Process(target=_work, args=(url, work, share, said, os.getpid()), daemon=True)
    worker.start()
    said.close()
    return _Worker(share, worker, heard)


def _ended_well(worker: _Worker) -> bool:
    worker.said.close()
    worker.process.join()
    return worker.process.exitcode == 0


def _work(url: str, work: Work, share: Share, said: Connection, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent ends its workers
    process.settle()
    database.connect(url, pool_size=2, statement_timeout_ms=WORKER_TIMEOUT_MS)

    def told(lines: int) -> bool:
        with suppress(OSError):
            said.send(lines)
        return os.getppid() == parent

    try:
        work(share, told)
    except Exception as error:
        with suppress(OSError):
            said.send(error if _travels(error) else RuntimeError(repr(error)))


def _travels(error: Exception) -> bool:
    try:
        return isinstance(pickle.loads(pickle.dumps(error)), type(error))
    except Exception:
        return False
