"""A database behind a sick network: an error in time, nobody waits for ever, and service again by itself."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import make_url, text

from app.web import create_app
from app.wiring import wire
from base import database, deadlines
from base.config import DEVELOPMENT, Config
from base.database import NotConnected, watchdog
from base.http import deadlines as of_requests
from tests.given import caller, given_member, given_offer, given_programme, member_token
from tests.torture.proxy import Fault, Proxy

BLACK_HOLE = Fault("black hole")


@pytest.fixture
def line(db: Config) -> Iterator[Proxy]:
    """A network between this process and its database."""
    sockets = make_url(db.database_url or "").query["host"]
    with Proxy(f"{sockets}/.s.PGSQL.5432") as proxy:
        yield proxy
    wire(db)


@pytest.fixture
def far(db: Config, line: Proxy) -> Config:
    """The process wired to its database through that network."""
    url = make_url(db.database_url or "").set(host="127.0.0.1", port=line.port, query={})
    config = db.at(
        database_url=url.render_as_string(hide_password=False), environment=DEVELOPMENT, web_threads=24
    )
    wire(config, each_s=deadlines.STEP_S)
    return config


def until(question: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether it became true."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if question():
            return True
        time.sleep(0.02)
    return False


def asks() -> bool:
    try:
        with database.begin() as session:
            return database.answers(session)
    except NotConnected:
        return False


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines of tests that only look whether there are some."""
    monkeypatch.setattr(of_requests, "PAGE_S", 0.4)
    monkeypatch.setattr(deadlines, "QUIET_S", 0.2)


def test_who_waits_for_a_black_hole_is_let_go_whoever_comes_next_is_refused_at_once_and_it_comes_back(
    far, line, short
):
    programme = given_programme()
    given_offer(programme, "perk", value_fen=10)
    me = caller(create_app(far), member_token(given_member(far, programme, points=100)))
    assert me.get("/v1/members/me/wallet").status_code == 200

    line.set(BLACK_HOLE)
    waited = me.get("/v1/members/me/wallet")
    away = watchdog.is_away
    refused = [me.get("/v1/members/me/wallet").status_code for _ in range(20)]
    line.set()
    back = until(lambda: me.get("/v1/members/me/wallet").status_code == 200)

    assert (waited.status_code, waited.json["type"]) == (503, "/problems/not-connected")
    assert 1 <= int(waited.headers["Retry-After"]) <= 4
    assert away
    assert refused == [503] * 20
    assert back
    assert database.engine().pool.checkedout() == 0


def test_deadlines_are_kept_while_it_is_asked_whether_the_database_is_back():
    asked, answered, dog = threading.Event(), threading.Event(), deadlines.Watchdog()
    dog.watches(lambda: (asked.set(), answered.wait(10)), None)
    dog.away()
    assert asked.wait(5)
    lent, there = socket.socketpair()
    there.settimeout(5)
    with lent, there, deadlines.within(0.05):
        dog.lend(1, lent)  # type: ignore[arg-type]  # whatever has a socket
        shut = there.recv(1) == b""
    still_away = dog.is_away
    answered.set()

    assert shut
    assert still_away
    assert until(lambda: not dog.is_away)


def test_who_may_wait_for_long_is_told_once_the_database_was_asked_in_vain(monkeypatch):
    monkeypatch.setattr(deadlines, "CONNECT_S", 0.2)
    asked, dog = threading.Event(), deadlines.Watchdog()
    patient, late = socket.socketpair(), socket.socketpair()
    silence = threading.Event()

    def attempt() -> None:
        asked.set()
        assert silence.wait(20)
        raise NotConnected

    with patient[0], patient[1], late[0], late[1], deadlines.within(600):
        dog.watches(attempt, None)
        dog.lend(1, patient[0])  # type: ignore[arg-type]  # whatever has a socket
        dog.away()
        assert asked.wait(5)
        dog.lend(2, late[0])  # type: ignore[arg-type]
        time.sleep(0.2)
        silence.set()
        patient[1].settimeout(20)

        shut, left = patient[1].recv(1) == b"", 2 in dog._lent
        dog.watches(lambda: None, None)  # which lets its thread rest

        assert shut
        assert left


def test_who_has_had_an_answer_meanwhile_or_was_refused_a_connection_is_left_alone(monkeypatch):
    monkeypatch.setattr(deadlines, "CONNECT_S", 0.2)
    dog, tries = deadlines.Watchdog(), []

    def attempt() -> None:
        tries.append(1)
        if len(tries) == 2:  # silent for long, but somebody else has had an answer since
            time.sleep(0.3)
            dog.back(9, well=True)
        raise NotConnected  # at once: no connection is left, which says nothing of those that are lent

    lent = socket.socketpair()
    with lent[0], lent[1], deadlines.within(600):
        dog.watches(attempt, None)
        dog.lend(1, lent[0])  # type: ignore[arg-type]
        dog.away()

        tried, left = until(lambda: len(tries) >= 4), 1 in dog._lent
        dog.watches(lambda: None, None)

        assert tried
        assert left


def test_a_slow_deed_is_ended_and_the_others_do_not_notice(far):
    assert asks()
    with ThreadPoolExecutor(1) as other:

        def slow() -> None:
            with deadlines.within(0.3), database.begin() as session:
                session.execute(text("select pg_sleep(4)"))

        running = other.submit(slow)
        answers = [asks() for _ in range(50)]
        with pytest.raises(NotConnected):
            running.result(3)

    assert all(answers)
    assert not watchdog.is_away


def test_nothing_is_begun_after_its_time(far):
    with deadlines.within(0.0), pytest.raises(NotConnected), database.begin():
        pytest.fail("it began")


def test_what_says_that_it_takes_time_is_left_alone(far):
    with deadlines.within(0.2), database.begin() as session:
        database.take_time(session, 5)
        session.execute(text("select pg_sleep(0.4)"))
        assert database.answers(session)


def test_a_job_has_a_minute_for_each_transaction_and_a_command_none(db):
    for each_s, watched in ((deadlines.STEP_S, 1), (None, 0)):
        wire(db, each_s=each_s)
        with database.begin() as session:
            database.answers(session)
            assert len(watchdog._lent) == watched
    wire(db)


@pytest.mark.parametrize(
    ("path", "seconds"),
    [
        ("/till/check", deadlines.TILL_S),
        ("/v1/vouchers/accept", deadlines.TILL_S),
        ("/v1/redemptions", deadlines.PAGE_S),
        ("/", deadlines.PAGE_S),
    ],
)
def test_who_stands_at_a_till_waits_the_shortest(path, seconds):
    assert of_requests.seconds_for(path) == seconds


# The whole of it, in real time


def many(app: Flask, tokens: list[str], seconds: float) -> list[tuple[int, float]]:
    """Statuses and seconds of what sixteen members ask in that time, each as fast as it is answered."""
    told: list[tuple[int, float]] = []
    end = time.monotonic() + seconds

    def ask(token: str) -> None:
        me = caller(app, token)
        while time.monotonic() < end:
            began = time.monotonic()
            status = me.get("/v1/members/me/wallet").status_code
            told.append((status, time.monotonic() - began))
            time.sleep(0.01)

    people = [threading.Thread(target=ask, args=(token,)) for token in tokens]
    for one in people:
        one.start()
    for one in people:
        one.join(seconds + 30)
    assert not any(one.is_alive() for one in people), "a thread is stuck"
    return told


@pytest.mark.torture
@pytest.mark.parametrize(
    "fault", [Fault("delay", seconds=0.2), BLACK_HOLE, Fault("half-close")], ids=lambda f: f.how
)
def test_under_load_every_answer_comes_in_time_and_service_is_back_within_five_seconds(far, line, fault):
    programme = given_programme()
    tokens = [member_token(given_member(far, programme, points=100)) for _ in range(16)]
    app = create_app(far)
    before = many(app, tokens, 2)

    line.set(fault)
    during = many(app, tokens, 30 if fault is BLACK_HOLE else 10)
    line.set()
    ended = time.monotonic()
    back = until(lambda: caller(app, tokens[0]).get("/v1/members/me/wallet").status_code == 200, 5)
    recovery_s = time.monotonic() - ended
    after = many(app, tokens, 2)

    slowest = max(seconds for _, seconds in during)
    print(  # noqa: T201
        f"{fault.how}: {len(during)} answers, slowest {slowest:.2f} s, back after {recovery_s:.2f} s"
    )
    assert {status for status, _ in before + after} == {200}
    assert {status for status, _ in during} <= {200, 503}
    assert slowest <= deadlines.PAGE_S + 1  # the machine may be busy
    assert back
    assert database.engine().pool.checkedout() == 0
