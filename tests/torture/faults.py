"""What is broken on purpose, each for some seconds while the load goes on; each says what it did and what was not as it must be.

A fault signals only processes of the place, and leaves everything as it found it.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg

from base import deadlines
from tests.torture import commands, hostile
from tests.torture.client import Client
from tests.torture.load import FAILED, Load
from tests.torture.money import Money
from tests.torture.place import Place, cache, children_of, master_of, ready, workers_of
from tests.torture.plan import Step
from tests.torture.probe import Probe
from tests.torture.proxy import Fault
from tests.torture.world import World

BACK_S = 5.0  # after a fault is over, or a server takes connections again: the first success
TOLD_S = 3.5  # no longer does anybody wait to hear that something is down: three seconds, and the way
# A system's call may take half a minute, so it hears when others have waited their three seconds and the database was then
# asked once in vain, for two.
BILL, SYSTEM_TOLD_S = "bill", TOLD_S + deadlines.CONNECT_S + 0.5
MOST_WAIT_S = 60.0  # for a web that is to come up; it is late long before
Facts = dict[str, Any]


@dataclass
class Run:
    """A fault's view of the run."""

    place: Place
    world: World
    load: Load
    probe: Probe
    money: Money
    step: Step
    pick: random.Random = field(init=False)
    until: float = field(init=False)

    def __post_init__(self) -> None:
        self.pick = random.Random(self.step.seed)
        self.until = time.monotonic() + self.step.seconds

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.until and not self.load.over.is_set()

    def rest(self, seconds: float) -> None:
        self.load.over.wait(max(0.0, min(seconds, self.until - time.monotonic())))

    def told_since(self, begin: float) -> list[tuple[str, int]]:
        """What was asked since a moment, and what clients were told."""
        return [(what, status) for at, what, status, took in list(self.load.told) if at - took >= begin]

    def failed_since(self, begin: float) -> list[str]:
        """Those that were told what nobody may be told; 503 among it where nothing is down."""
        return [
            f"{what} was told {status}"
            for what, status in self.told_since(begin)
            if status in FAILED or status == 503
        ]

    def back(self, since: float, what: str) -> tuple[float | None, list[str]]:
        """How long it took from then to the first success, and what is wrong with that."""
        took = self.probe.until_ok(since, 15)
        wrong = (
            []
            if took is not None and took <= BACK_S
            else [f"{what}: no success within {BACK_S:g} s ({took and round(took, 1)})"]
        )
        return took and round(took, 2), wrong


# Processes


def worker_kill(run: Run) -> Facts:
    """A worker of a web, now and then a worker of jobs, dies by -9; others go on, who asked asks again."""
    kills, slowest, wrong = 0, 0.0, list[str]()
    while run.goes_on:
        began = time.monotonic()
        if run.pick.random() < 0.2:
            number = run.pick.randrange(2)
            victim = run.place.worker(number).pid
            run.place.killed.append(f"worker-{number}")
        else:
            webs = [run.place.web(number) for number in range(2)]
            victims = [pid for web in webs if web.runs for pid in _spare(workers_of(web.pid))]
            if not victims:
                run.rest(0.3)
                continue
            victim = run.pick.choice(victims)
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
            kills += 1
        took, late = run.back(began, "after a killed worker")
        slowest, wrong = max(slowest, took or 99), wrong + late
        run.rest(1.5)
    return {"done": kills, "slowest_back_s": slowest, "wrong": wrong}


def _spare(workers: list[int]) -> list[int]:
    """Those of a web's workers of which one may go while another one lives."""
    return workers if len(workers) > 1 else []


def master_kill(run: Run) -> Facts:
    """The master of a web dies by -9: its workers see that and end, its keeper has another one."""
    number = run.pick.randrange(2)
    began, port, keeper = time.monotonic(), run.place.ports[number], run.place.web(number).pid
    orphans = set(children_of(keeper))
    os.kill(master_of(keeper), signal.SIGKILL)
    took, wrong = run.back(began, "the other web, after a killed master")
    _until(lambda: bool(set(workers_of(keeper)) - orphans) and ready(port), MOST_WAIT_S)
    back = round(time.monotonic() - began, 1)
    if back > BACK_S:
        wrong.append(f"the killed master's web was back after {back:g} s, not within {BACK_S:g}")
    return {"done": 1, "others_back_s": took, "master_back_s": back, "wrong": wrong}


def restart(run: Run) -> Facts:
    """Webs are renewed one after the other, by HUP and by an end and a new start, behind a balancer; nobody sees it."""
    began, done = time.monotonic(), 0
    for renew in (_by_hup, _by_an_end):
        for number, port in enumerate(run.place.ports):
            run.place.out.add(port)
            time.sleep(1.0)  # what was asked there is answered
            try:
                renew(run.place, number)
                if not _until(lambda at=port: ready(at), MOST_WAIT_S):
                    return {"done": done, "wrong": [f"web-{number} did not come back"]}
            finally:
                run.place.out.discard(port)
            done += 1
    failed = run.failed_since(began)
    return {"done": done, "requests": len(run.told_since(began)), "failed": len(failed), "wrong": failed[:5]}


def _by_hup(place: Place, number: int) -> None:
    before = set(workers_of(place.web(number).pid))
    os.kill(place.web(number).pid, signal.SIGHUP)
    _until(lambda: not before & set(workers_of(place.web(number).pid)), MOST_WAIT_S)


def _by_an_end(place: Place, number: int) -> None:
    web = place.web(number)
    assert web.process is not None
    with place.lock:
        web.rests = True
    web.process.terminate()
    _until(lambda: not web.runs, 20)
    with place.lock:
        web.start()
        web.rests = False


def _until(question: Callable[[], bool], within_s: float) -> bool:
    limit = time.monotonic() + within_s
    while time.monotonic() < limit:
        if question():
            return True
        time.sleep(0.1)
    return False


# The database


def db_kill(run: Run) -> Facts:
    """All of PostgreSQL dies by -9, again and again; started again, it takes connections; the webs are back by themselves."""
    kills, slowest, starts, wrong = 0, 0.0, list[float](), list[str]()
    while run.goes_on or not kills:
        run.place.kill_database()
        kills += 1
        time.sleep(run.pick.uniform(0.0, 0.3))
        starts.append(round(run.place.start_servers(), 2))
        took, late = run.back(time.monotonic(), "after a killed database")
        slowest, wrong = max(slowest, took or 99), wrong + late
        run.rest(run.pick.uniform(1.0, 2.5))
    return {"done": kills, "slowest_back_s": slowest, "starts_s": starts, "wrong": wrong}


def db_terminate(run: Run) -> Facts:
    """One backend of the application ends each fifth of a second."""
    began, killed = time.monotonic(), 0
    with run.place.admin() as admin:
        while run.goes_on:
            found = admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'jifen_app' and pid in "
                "(select pid from pg_stat_activity where usename = 'jifen_app' order by random() limit 1)"
            )
            killed += found.rowcount
            run.rest(0.2)
    told = run.told_since(began)
    wrong = [f"{what} was told {status}" for what, status in told if status in FAILED]
    unanswered = sum(status == 503 for _, status in told)
    _, late = run.back(time.monotonic(), "after terminated backends")
    return {"done": killed, "requests": len(told), "told_503": unanswered, "wrong": wrong[:5] + late}


def db_slow(run: Run) -> Facts:
    """Each packet to and from the database takes fifty milliseconds longer."""
    return _on_the_way(run, "database", Fault("delay", seconds=0.05))


def db_dark(run: Run) -> Facts:
    """The database is there and says nothing: bytes go in and none come out."""
    began = time.monotonic()
    facts = _on_the_way(run, "database", Fault("black hole"))
    waits = [one.seconds for one in list(run.probe.seen) if one.until >= began and one.at <= run.until]
    told = [one for one in list(run.load.told) if one[0] >= began and one[0] - one[3] <= run.until]
    waits += [took for _, what, _, took in told if what != BILL]
    systems = [took for _, what, _, took in told if what == BILL]
    for who, longest, most in (("somebody", waits, TOLD_S), ("a system", systems, SYSTEM_TOLD_S)):
        if longest and max(longest) > most:
            facts["wrong"].append(f"{who} waited {max(longest):.1f} s to hear that the database says nothing")
    return facts | {"longest_answer_s": round(max(waits + systems, default=0.0), 1)}


def db_reset(run: Run) -> Facts:
    """Connections to the database are reset, each second anew."""
    resets = 0
    while run.goes_on:
        run.place.proxies["database"].set(Fault("reset"))
        time.sleep(0.05)
        run.place.proxies["database"].set()
        resets += 1
        run.rest(1.0)
    took, wrong = run.back(time.monotonic(), "after resets")
    return {"done": resets, "back_s": took, "wrong": wrong}


def db_hogged(run: Run) -> Facts:
    """Somebody takes every connection that the database gives, while those of the application are reset."""
    held = list[Any]()
    url = run.place.servers.database_url.replace("+psycopg", "")
    try:
        run.place.proxies["database"].set(Fault("reset"))
        while run.goes_on:
            try:
                held.append(psycopg.connect(url, connect_timeout=2))
            except psycopg.OperationalError:
                run.place.proxies["database"].set()
                run.rest(0.3)
    finally:
        run.place.proxies["database"].set()
        for each in held:
            each.close()
    took, wrong = run.back(time.monotonic(), "after the hog")
    return {"done": len(held), "back_s": took, "wrong": wrong}


def _on_the_way(run: Run, name: str, fault: Fault) -> Facts:
    try:
        run.place.proxies[name].set(fault)
        run.rest(run.step.seconds)
    finally:
        run.place.proxies[name].set()
    took, wrong = run.back(time.monotonic(), f"after {fault.how}")
    return {"done": 1, "back_s": took, "wrong": wrong}


# The cache


def redis_kill(run: Run) -> Facts:
    """Valkey dies by -9, and comes back empty."""
    with _nobody_fails(run) as facts:
        os.kill(run.place.pid_of("valkey"), signal.SIGKILL)
        run.rest(run.step.seconds)
    run.place.start_servers()
    return facts


def redis_hang(run: Run) -> Facts:
    """Valkey neither lives nor dies."""
    pid = run.place.pid_of("valkey")
    try:
        with _nobody_fails(run) as facts:
            os.kill(pid, signal.SIGSTOP)
            run.rest(run.step.seconds)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    return facts


def redis_flush(run: Run) -> Facts:
    """Valkey forgets everything, five times a second."""
    with _nobody_fails(run) as facts:
        while run.goes_on:
            cache(run.place).flushall()
            facts["done"] += 1
            run.rest(0.2)
    return facts


@contextmanager
def _nobody_fails(run: Run) -> Iterator[Facts]:
    """Only the database is needed: no request may fail in this block."""
    began, facts = time.monotonic(), {"done": 0, "wrong": []}
    yield facts
    facts["done"] = facts["done"] or 1
    facts["requests"] = len(run.told_since(began))
    failed = run.failed_since(began)
    facts["failed"], facts["wrong"] = len(failed), failed[:5]


# Others


def payments(run: Run) -> Facts:
    """The payment provider and billing lose answers, fail and are silent, while statements are paid and bills credited."""
    try:
        run.money.others_fail()
        paid = run.money.statements(run.place, 5, run.pick)
        run.rest(run.step.seconds)
    finally:
        run.money.others_work()
    return {"done": paid, "wrong": []}


def clock(run: Run) -> Facts:
    """A process whose clock is 400 days ahead, one whose clock is an hour behind, on members of their own."""
    return commands.clocks(run.place)


def disk_full(run: Run) -> Facts:
    """A database of its own on a small disk that fills up."""
    return commands.disk(run.place)


def job_kill(run: Run) -> Facts:
    """Imports, settlement and expiry die in the middle, and are run again, and once more."""
    return commands.killed_jobs(run.place, run.world, run.pick)


def overload(run: Run) -> Facts:
    """Forty more clients, each as fast as it is answered."""
    before = run.probe.window(time.monotonic() - 5, time.monotonic())
    told, over = list[tuple[int, float]](), threading.Event()

    def hurry(number: int) -> None:
        client = Client(run.place.ports, number)
        while not over.is_set():
            answer = run.probe.ask(client)
            told.append((answer.status, answer.seconds))
        client.close()

    crowd = [threading.Thread(target=hurry, args=(number,), daemon=True) for number in range(40)]
    began = time.monotonic()
    for one in crowd:
        one.start()
    run.rest(run.step.seconds)
    over.set()
    for one in crowd:
        one.join(15)
    took = time.monotonic() - began
    wrong = [f"{status} under overload" for status in {status for status, _ in told} if status in FAILED]
    back, late = run.back(time.monotonic(), "after overload")
    good = sum(200 <= status < 300 for status, _ in told)
    refused = [seconds for status, seconds in told if status in (429, 503)]
    return {
        "done": len(told), "goodput_per_s": round(good / took, 1), "refused": len(refused), "calm": before,
        "slowest_refusal_s": round(max(refused, default=0.0), 2), "back_s": back, "wrong": wrong + late,
    }  # fmt: skip


def slow_clients(run: Run) -> Facts:
    """Heads that trickle in, bodies too large, too many parts, too deep: refused cheaply, others are served."""
    return hostile.visit(run.place, run.probe, run.until)


DEEDS: dict[str, Callable[[Run], Facts]] = {
    "worker-kill": worker_kill,
    "master-kill": master_kill,
    "db-kill": db_kill,
    "db-terminate": db_terminate,
    "redis-kill": redis_kill,
    "redis-hang": redis_hang,
    "redis-flush": redis_flush,
    "db-slow": db_slow,
    "db-dark": db_dark,
    "db-reset": db_reset,
    "db-hogged": db_hogged,
    "payments": payments,
    "disk-full": disk_full,
    "clock": clock,
    "restart": restart,
    "overload": overload,
    "slow-clients": slow_clients,
    "job-kill": job_kill,
}
