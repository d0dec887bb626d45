"""Told to end: not ready any more, what was begun is finished, and everybody is gone within half a minute."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from gunicorn.config import Config as GunicornConfig
from sqlalchemy import text

from app import supervisor
from app.web_worker import Worker
from base import database, process, schema
from tests.given import caller, given_member, given_offer, given_programme, member_token

ENDS_WITHIN_S = 30


def test_a_process_that_ends_is_alive_and_not_ready(app, db, monkeypatch):
    before = caller(app).get("/health/ready")
    monkeypatch.setattr(process, "_ending", threading.Event())
    process._ending.set()

    ready, alive = caller(app).get("/health/ready"), caller(app).get("/health/live")

    assert before.status_code == 200
    assert (ready.status_code, ready.json["type"]) == (503, "/problems/not-ready")
    assert alive.status_code == 200


@pytest.mark.parametrize(("version", "status"), [("0001", 503), (None, 503), ("9999", 200)])
def test_an_old_program_stays_ready_on_a_newer_schema_and_none_is_on_an_older_one(
    app, monkeypatch, version, status
):
    """A schema is migrated while the webs of the program before are at work; nobody would be left if they were not ready."""
    monkeypatch.setattr(schema, "present", lambda _: version)

    assert caller(app).get("/health/ready").status_code == status


def test_the_end_is_noticed_before_whoever_handles_it(monkeypatch):
    monkeypatch.setattr(process, "_ending", threading.Event())
    seen, before = [], signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: seen.append(process.is_ending()))
    try:
        process.notice_the_end()
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1_000):
            if seen:
                break
            time.sleep(0.001)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert seen == [True]


def test_who_asks_whether_it_lives_asks_no_database(built):
    from app.wiring import wire
    from base.config import Config

    config: Config = built.extensions["jifen_config"]
    wire(config.at(database_url="postgresql+psycopg://nobody@127.0.0.1:1/none"))
    try:
        assert caller(built).get("/health/live").status_code == 200
        assert caller(built).get("/health/ready").status_code == 503
    finally:
        wire(config)


def test_a_worker_whose_master_died_ends_as_if_told_to_and_lets_go_of_the_port(monkeypatch):
    told = []
    monkeypatch.setattr(signal, "raise_signal", told.append)
    listener = socket.create_server(("127.0.0.1", 0))
    at = listener.getsockname()
    orphan, kept = (
        Worker(1, parent, [listener], None, 30, GunicornConfig(), logging.getLogger("nobody"))
        for parent in (-1, os.getppid())
    )
    assert kept.is_parent_alive()
    socket.create_connection(at, 5).close()

    lives = orphan.is_parent_alive()

    assert (lives, told) == (False, [signal.SIGTERM])
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(at, 5)
    for each in (orphan, kept):
        each.tmp.close()


# With processes of its own


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def started(command, config):
    return subprocess.Popen(
        command, env=supervisor.environment(config), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def asked(port, request, seconds=60.0):
    with socket.create_connection(("127.0.0.1", port), seconds) as link:
        link.sendall(request)
        said = b""
        while piece := link.recv(65536):
            said += piece
    return said


def wait_until_served(port, request):
    for _ in range(600):
        try:
            assert b" 200 " in asked(port, request)
            return
        except OSError:
            time.sleep(0.1)


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True


@pytest.mark.torture
def test_a_web_process_answers_what_it_has_begun_and_is_gone(db, owner):
    programme = given_programme()
    given_offer(programme, "perk", value_fen=10)
    token = member_token(given_member(db, programme, points=100))
    config = db.at(port=free_port())
    web = started(supervisor.web_command(config), config)
    try:
        request = f"GET /v1/members/me/wallet HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        wait_until_served(config.port, request)
        told = []
        with owner.engine.begin() as somebody:
            somebody.execute(text("lock table wallet in access exclusive mode"))
            waiting = threading.Thread(target=lambda: told.append(asked(config.port, request)))
            waiting.start()
            time.sleep(0.5)
            began = time.monotonic()
            web.send_signal(signal.SIGTERM)
            time.sleep(0.2)
        waiting.join(60)
        code = web.wait(60)
        took = time.monotonic() - began
    finally:
        web.kill()

    assert b" 200 " in told[0][:16]
    assert code == 0
    assert took <= ENDS_WITHIN_S
    with pytest.raises(OSError, match="refused"):
        asked(config.port, request)


@pytest.mark.torture
def test_a_killed_master_leaves_the_port_to_a_new_one_while_its_workers_finish(db, owner):
    programme = given_programme()
    token = member_token(given_member(db, programme, points=100))
    config = db.at(port=free_port())
    web = started(supervisor.web_command(config), config)
    request = f"GET /v1/members/me/wallet HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    try:
        wait_until_served(config.port, request)
        told = []
        with owner.engine.begin() as somebody:
            somebody.execute(text("lock table wallet in access exclusive mode"))
            waiting = threading.Thread(target=lambda: told.append(asked(config.port, request)))
            waiting.start()
            time.sleep(0.5)
            web.kill()
            web.wait(10)
            limit = time.monotonic() + 10
            while listens(config.port) and time.monotonic() < limit:
                time.sleep(0.05)
            assert not listens(config.port)
            began_again = socket.create_server(("127.0.0.1", config.port))
        waiting.join(60)
        began_again.close()
    finally:
        web.kill()

    assert told[0].startswith(b"HTTP/1.")  # whatever it was told: its lock came late or in time


@pytest.mark.torture
def test_a_worker_is_gone_in_time(db):
    worker = started([sys.executable, "-m", "app.cli", "worker"], db)
    try:
        for _ in range(600):
            with database.begin() as session:
                if session.scalar(text("select count(*) from procrastinate_workers")):
                    break
            time.sleep(0.1)
        assert worker.poll() is None
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
        assert time.monotonic() - began <= ENDS_WITHIN_S
    finally:
        worker.kill()
