"""Jobs: the only module that knows Procrastinate. Tasks are plain functions that a package registers by name.

`move` takes due outbox rows over into the queue, once each, in one transaction; `drain` runs what is due until
nothing is left (commands and tests); `work` runs for good.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import procrastinate
import structlog
from procrastinate.jobs import Job
from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.orm import Session

from base import clock, database
from base.failpoints import failpoint
from base.models import OutboxRow

Task = Callable[..., None]
BATCH = 200
LOOK_FOR_DEAD_S = 15.0
COMES_AGAIN_S = 1.0
ENDS_WITHIN_S = 20.0
CALLED_S, LOOKS_EVERY_S = (
    5.0,
    0.5,
)  # a worker looks for jobs so often beside being called, and where nobody calls
AGAIN = procrastinate.RetryStrategy(max_attempts=8, wait=1, exponential_wait=3)  # about an hour in all
_tasks: dict[str, Task] = {}
_entrance = procrastinate.App(
    connector=procrastinate.SyncPsycopgConnector()
)  # enqueues on connections that it is given
_repeated: dict[str, tuple[Callable[[], bool], float]] = {}
_running: dict[int, Job] = {}  # of this process, by their numbers
_repeating: set[str] = set()  # what is being repeated at this moment
_rests: Callable[[], bool] = bool  # nothing to rest for
log = structlog.get_logger()


def repeat(name: str, task: Callable[[], bool], *, every_s: float) -> None:
    """Have the worker do something again and again, while it runs; True: there is more to do at once.

    Every worker does it, so it must be safe to be done by two at once.
    """
    _repeated[name] = (task, every_s)


def rests_while(question: Callable[[], bool]) -> None:
    """While this is true the worker repeats nothing and hands nothing more to the queue; what is queued is finished."""
    global _rests
    _rests = question


def register(name: str, task: Task) -> None:
    """Make a function known under a name; it takes the args of its outbox row and must be safe to run twice."""
    _tasks[name] = task


def move(session: Session) -> int:
    """Hand due outbox rows to the queue; rows and jobs change hands in this one transaction."""
    due = (
        select(OutboxRow.member_id, OutboxRow.outbox_id)
        .where(OutboxRow.due_at <= clock.now())
        .order_by(OutboxRow.due_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(
        delete(OutboxRow)
        .where(tuple_(OutboxRow.member_id, OutboxRow.outbox_id).in_(due))
        .returning(OutboxRow.member_id, OutboxRow.task, OutboxRow.args)
    ).all()
    failpoint("outbox_taken")
    if rows:
        connection = session.connection().connection.driver_connection
        _entrance.job_manager.batch_defer_jobs(
            jobs=[
                Job(
                    id=None,
                    queue="jifen",
                    lock=None,
                    queueing_lock=None,
                    task_name=r.task,
                    task_kwargs=r.args,
                )
                for r in rows
            ],
            connection=connection,
        )
    failpoint("jobs_queued")
    return len(rows)


def waiting(session: Session) -> int:
    """How many outbox rows are due and not yet moved."""
    return session.scalar(select(func.count()).where(OutboxRow.due_at <= clock.now())) or 0


def counts(session: Session) -> list[tuple[str, str, int, datetime | None]]:
    """The queue's jobs: task, state (todo, doing, failed ...), how many, and when the first of them is or was due."""
    rows = session.connection().exec_driver_sql(
        "select task_name, status::text, count(*), min(coalesce(scheduled_at, (select min(e.at) from "
        "procrastinate_events e where e.job_id = j.id))) from procrastinate_jobs j group by 1, 2 order by 1, 2"
    )
    return [(task, state, count, first) for task, state, count, first in rows]


def promised(session: Session, task: str) -> list[dict[str, Any]]:
    """The arguments with which a task is promised, in the outbox or in the queue, or running."""
    rows = session.connection().exec_driver_sql(
        "select args from outbox where task = %s union all select args from procrastinate_jobs "
        "where task_name = %s and status in ('todo', 'doing')",
        (task, task),
    )
    return [args for (args,) in rows]


def failed(session: Session, limit: int = 50) -> list[tuple[int, str, int, datetime | None]]:
    """The newest failed jobs: number, task, tries, when it failed."""
    rows = session.connection().exec_driver_sql(
        "select j.id, j.task_name, j.attempts, (select max(e.at) from procrastinate_events e where e.job_id = j.id) "
        "from procrastinate_jobs j where j.status = 'failed' order by j.id desc limit %s",
        (limit,),
    )
    return [(number, task, tries, at) for number, task, tries, at in rows]


def again(session: Session, number: int) -> str | None:
    """Have a failed job tried once more, at once; its task, None where no such job has failed."""
    connection = session.connection()
    failed = connection.exec_driver_sql(
        "select task_name from procrastinate_jobs where id = %s and status = 'failed' for update", (number,)
    ).scalar_one_or_none()
    if failed is not None:
        connection.exec_driver_sql(
            "select procrastinate_retry_job_v2(%s, now(), null, null, null)", (number,)
        )
    return failed


def drain(database_url: str) -> None:
    """Run everything that is due, then return."""
    asyncio.run(_run(database_url, wait=False))


def work(database_url: str, stopping: threading.Event) -> None:
    """Run jobs until told to stop. A connection that ends, or a database that is away, ends nobody who works: it comes again."""
    while not stopping.is_set():
        try:
            asyncio.run(_run(database_url, wait=True, stopping=stopping))
        except Exception as error:  # what was begun is taken up as that of a dead worker is
            log.warning("worker comes again", error=type(error).__name__)
        stopping.wait(COMES_AGAIN_S)


async def _run(database_url: str, *, wait: bool, stopping: threading.Event | None = None) -> None:
    url = database_url.replace("postgresql+psycopg://", "postgresql://")
    pooled = await asyncio.to_thread(database.is_pooled)
    prepares: dict[str, Any] = {"kwargs": {"prepare_threshold": None}} if pooled else {}
    queue = procrastinate.App(
        connector=procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=4, **prepares)
    )
    for name, task in _tasks.items():
        queue.task(name=name, queue="jifen", retry=AGAIN, pass_context=True)(_in_thread(name, task))
    async with queue.open_async():
        worker: asyncio.Task[None] | None = None
        repeating = [asyncio.create_task(_again_and_again(name)) for name in _repeated if wait]
        if wait:
            worker = asyncio.create_task(
                queue.run_worker_async(
                    wait=True,
                    concurrency=4,
                    install_signal_handlers=False,
                    delete_jobs="successful",
                    listen_notify=not pooled,  # whom a pooler gives to others nobody can call
                    fetch_job_polling_interval=LOOKS_EVERY_S if pooled else CALLED_S,
                )
            )
        looked = float("-inf")
        while stopping is None or not stopping.is_set():
            if time.monotonic() - looked > LOOK_FOR_DEAD_S:
                looked = time.monotonic()
                await _take_up(queue)
            moved = await asyncio.to_thread(_move_safely)
            if not wait:
                await queue.run_worker_async(
                    wait=False,
                    listen_notify=False,  # nobody waits for a call: that spares two connections a round
                    concurrency=4,
                    install_signal_handlers=False,
                    delete_jobs="successful",
                )
                if not moved:
                    return
            elif not moved:
                await asyncio.sleep(0.2)
            if worker is not None and worker.done():
                worker.result()
                return
        if worker is not None:
            await _end(queue, worker, repeating)


async def _end(
    queue: procrastinate.App, worker: asyncio.Task[None], repeating: list[asyncio.Task[None]]
) -> None:
    """Take nothing more, finish what is begun, and give back what would take too long: another worker does it again."""
    for each in (worker, *repeating):
        each.cancel()
    limit = time.monotonic() + ENDS_WITHIN_S
    await asyncio.wait((worker, *repeating), timeout=ENDS_WITHIN_S)
    while _repeating and time.monotonic() < limit:
        await asyncio.sleep(0.05)
    left = list(_running.values())
    for job in left:
        log.warning("job given back", task=job.task_name)
        await queue.job_manager.retry_job(job)
    if left or _repeating:
        _leave()


def _leave() -> None:
    """End at once: threads cannot be stopped, and what they do is safe to be done again."""
    os._exit(0)


async def _again_and_again(name: str) -> None:
    task, every_s = _repeated[name]
    while True:
        if not await asyncio.to_thread(_done_safely, name, task):
            await asyncio.sleep(every_s)


def _done_safely(name: str, task: Callable[[], bool]) -> bool:
    _repeating.add(name)
    try:
        return not _rests() and task()
    except Exception as error:  # the next round tries again
        log.warning("not done", task=name, error=type(error).__name__)
        return False
    finally:
        _repeating.discard(name)


async def _take_up(queue: procrastinate.App) -> None:
    """Jobs whose worker died go back into the queue; tasks are safe to run twice."""
    for job in await queue.job_manager.get_stalled_jobs():
        await queue.job_manager.retry_job(job)


def _move_safely() -> int:
    try:
        if _rests():
            return 0
        with database.begin() as session:
            return move(session)
    except Exception as error:  # the database may be away for a while; the next round tries again
        log.warning("outbox not moved", error=type(error).__name__)
        threading.Event().wait(1)
        return 0


def _in_thread(name: str, task: Task) -> Callable[..., Any]:
    async def run(context: procrastinate.JobContext, **args: Any) -> None:
        log.info("job", task=name)
        number = context.job.id or 0
        _running[number] = context.job
        try:
            await asyncio.to_thread(task, **args)
        finally:
            _running.pop(number, None)

    return run
