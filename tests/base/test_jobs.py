"""Jobs: promised in a transaction, handed over once, run once, and what fails is kept for a person to see."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager
from sqlalchemy import text

from base import clock, database, jobs, outbox
from base.config import Config


@pytest.fixture
def ran(db: Config) -> Iterator[list[Any]]:
    """What the task `note` was run with."""
    seen: list[Any] = []

    def note(**args: Any) -> None:
        seen.append(args)
        if args.get("fails"):
            raise ValueError("on purpose")

    jobs.register("note", note)
    yield seen
    jobs._tasks.pop("note")


def promise(*, due_at: Any = None, **args: Any) -> None:
    with database.begin() as session:
        outbox.put(session, 1, "note", args, due_at=due_at)


def counted(table: str) -> int:
    with database.begin() as session:
        return int(session.scalar(text(f"select count(*) from {table}")) or 0)


def test_what_was_promised_is_run_once(db, ran):
    for number in range(450):
        promise(number=number)

    jobs.drain(db.database_url)
    jobs.drain(db.database_url)

    assert sorted(args["number"] for args in ran) == list(range(450))
    assert (counted("outbox"), counted("procrastinate_jobs")) == (0, 0)


def test_a_promise_that_was_rolled_back_is_none(db, ran):
    with database.begin() as session:
        outbox.put(session, 1, "note", {})
        session.flush()
        session.rollback()

    jobs.drain(db.database_url)

    assert ran == []


def test_a_promise_for_later_waits_for_its_time(db, ran):
    promise(due_at=clock.now() + timedelta(hours=1), when="later")
    promise(when="now")

    jobs.drain(db.database_url)
    assert ran == [{"when": "now"}]
    with clock.stopped(clock.now() + timedelta(hours=2)):
        jobs.drain(db.database_url)

    assert ran == [{"when": "now"}, {"when": "later"}]


def test_a_job_that_fails_does_not_stop_the_others_and_waits_for_its_next_try(db, ran):
    promise(fails=True)
    promise(number=2)

    jobs.drain(db.database_url)

    assert len(ran) == 2
    with database.begin() as session:
        assert [(task, state, count) for task, state, count, _ in jobs.counts(session)] == [
            ("note", "todo", 1)
        ]


def test_the_same_promise_is_seen_and_can_be_taken_back(db, ran):
    promise(due_at=clock.now() + timedelta(hours=1), number=1)
    promise(due_at=clock.now() + timedelta(hours=1), number=2)

    with database.begin() as session:
        seen = [outbox.promised_later(session, m, "note", {"number": n}) for m, n in ((1, 1), (2, 1), (1, 3))]
        outbox.withdraw(session, 1, "note", {"number": 1})
        after = [outbox.promised_later(session, 1, "note", {"number": n}) for n in (1, 2)]

    assert (seen, after) == ([True, False, False], [False, True])


def test_a_worker_runs_what_comes_and_stops_when_told(db, ran):
    stopping = threading.Event()
    worker = threading.Thread(target=jobs.work, args=(db.database_url, stopping))
    worker.start()

    for number in range(3):
        promise(number=number)
    deadline = time.monotonic() + 10
    while len(ran) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    stopping.set()
    worker.join(10)

    assert not worker.is_alive()
    assert sorted(args["number"] for args in ran) == [0, 1, 2]


def test_two_workers_run_each_job_once(db, ran):
    for number in range(60):
        promise(number=number)

    drains = [threading.Thread(target=jobs.drain, args=(db.database_url,)) for _ in range(2)]
    for drain in drains:
        drain.start()
    for drain in drains:
        drain.join(30)

    assert sorted(args["number"] for args in ran) == list(range(60))


def test_what_is_to_be_repeated_is_done_by_the_worker_until_it_ends_and_a_failure_stops_nothing(
    db, monkeypatch
):
    monkeypatch.setattr(jobs, "_repeated", {})
    done: list[int] = []

    def deed() -> bool:
        done.append(len(done))
        if len(done) == 2:
            raise ValueError("on purpose")
        return len(done) < 2  # more to do at once

    jobs.repeat("deed", deed, every_s=0.05)
    stopping = threading.Event()
    worker = threading.Thread(target=jobs.work, args=(db.database_url or "", stopping))
    worker.start()
    limit = time.monotonic() + 20
    while len(done) < 4 and time.monotonic() < limit:
        time.sleep(0.02)
    stopping.set()
    worker.join(20)

    assert len(done) >= 4
    assert not worker.is_alive()
    jobs.drain(db.database_url)
    assert len(done) < 50


def test_a_worker_whose_connection_ends_while_it_asks_for_work_comes_again(db, ran, monkeypatch):
    asked, true, stopping = [], JobManager.fetch_job, threading.Event()

    async def fetch(*given, **named):
        asked.append(1)
        if len(asked) == 1:
            raise ConnectorException("the connection has ended")
        return await true(*given, **named)

    monkeypatch.setattr(JobManager, "fetch_job", fetch)
    working = threading.Thread(target=jobs.work, args=(db.database_url, stopping))
    working.start()
    promise(after="the end")
    limit = time.monotonic() + 30
    while not ran and working.is_alive() and time.monotonic() < limit:
        time.sleep(0.05)
    stopping.set()
    working.join(30)

    assert ran == [{"after": "the end"}]
    assert len(asked) > 1


def test_a_worker_that_is_told_to_end_gives_back_what_would_take_too_long(db, ran, monkeypatch):
    begun, go, left = threading.Event(), threading.Event(), []

    def long(**_: Any) -> None:
        begun.set()
        go.wait(20)

    def leave() -> None:
        with database.begin() as session:
            left.extend(session.execute(text("select task_name, status::text from procrastinate_jobs")))
        go.set()

    monkeypatch.setitem(jobs._tasks, "note", long)
    monkeypatch.setattr(jobs, "ENDS_WITHIN_S", 0.2)
    monkeypatch.setattr(jobs, "_leave", leave)
    stopping = threading.Event()
    promise()
    worker = threading.Thread(target=jobs.work, args=(db.database_url, stopping))
    worker.start()
    assert begun.wait(20)

    stopping.set()
    worker.join(20)

    assert left == [("note", "todo")]


def test_a_worker_that_is_told_to_end_finishes_what_it_has_begun(db, ran, monkeypatch):
    begun, go = threading.Event(), threading.Event()

    def short(**args: Any) -> None:
        begun.set()
        go.wait(20)
        ran.append(args)

    monkeypatch.setitem(jobs._tasks, "note", short)
    stopping = threading.Event()
    promise(number=1)
    worker = threading.Thread(target=jobs.work, args=(db.database_url, stopping))
    worker.start()
    assert begun.wait(20)

    stopping.set()
    go.set()
    worker.join(20)

    assert (ran, counted("procrastinate_jobs")) == ([{"number": 1}], 0)
