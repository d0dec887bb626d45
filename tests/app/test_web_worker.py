"""A web's loop refuses what is too much of a crowd before it has a thread; whom it lets in and what is unusual, it hands on."""

import fcntl
import json
import os
import select
import socket
import subprocess
import sys
import termios
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PLACES, LINE = 3, 4  # for the crowd: four places, one of them kept
CROWD = PLACES + LINE
# Whoever is let in waits for the file "go"; who is at work is written down.
SLOW = """
import os, time
from pathlib import Path
from flask import Flask
from base.config import Config
from base.http import admission

admission.LINE, admission.WAITS_S = 1, 60

def application():
    app = Flask("slow")
    def serve(environ, start):
        body = environ["wsgi.input"].read()
        with open("inside", "a") as file:
            file.write(environ["PATH_INFO"] + "\\n")
        while not Path("go").exists() and not environ["PATH_INFO"].startswith("/till"):
            time.sleep(0.01)
        said = f"{environ['REMOTE_ADDR']}:{environ['REMOTE_PORT']}" if environ["PATH_INFO"] == "/till/who" else "done"
        start("200 OK", [("Content-Length", str(len(said)))])
        return [said.encode()]
    app.wsgi_app = serve
    door = admission.Admission(app, Config.from_env().at(web_threads=4))
    admission._page = lambda app, language: "a page"  # there are no templates here
    door.write()
    app.wsgi_app = door
    return app
"""


class Web:
    """A web whose threads are all of use: one for each who can be in, and some more."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.folder = folder
        (folder / "slow.py").write_text(SLOW)
        (folder / "inside").touch()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        command = [
            sys.executable, "-m", "gunicorn", "--worker-class", "app.web_worker.Worker", "--threads", str(threads),
            "--bind", f"127.0.0.1:{self.port}", "--bind", f"unix:{folder / 'web'}",
            "--log-level", "warning", "slow:application()",
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command, cwd=folder, env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(folder)))}
        )
        assert until(self.listens)

    def listens(self):
        """Whether it takes calls at both of its addresses."""
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
            with self.caller():
                return True
        except OSError:
            return False

    @contextmanager
    def caller(self):
        """A connection that stays open."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(30)
            link.connect(str(self.folder / "web"))
            yield link

    def crowd(self, stack, number):
        """So many connections that asked for the offers, after which as many as there are places are at work."""
        links = [stack.enter_context(self.caller()) for _ in range(number)]
        for link in links:
            link.sendall(asked())
        assert until(lambda: len(self.inside()) == PLACES)
        time.sleep(0.2)  # those in line write nothing down
        return links

    def inside(self):
        return (self.folder / "inside").read_text().split()

    def go(self):
        (self.folder / "go").touch()


@pytest.fixture
def web(tmp_path, request):
    """A web with so many threads."""
    made = Web(tmp_path, request.param)
    yield made
    made.go()
    made.process.terminate()
    made.process.wait(40)


@pytest.mark.parametrize("web", [CROWD], indirect=True)
def test_one_too_many_is_refused_while_every_thread_is_taken_and_may_ask_again_on_the_same_connection(web):
    with ExitStack() as stack:
        crowd = web.crowd(stack, CROWD)
        late = stack.enter_context(web.caller())
        for _ in range(20):
            late.sendall(asked())
            status, fields, body = told(late)
            assert status == 503
            assert 2 <= int(fields["retry-after"]) <= 6
            assert json.loads(body)["type"] == "/problems/overloaded"
        order = asked("/v1/redemptions", method="POST", body=b'{"quote": "quo_1"}')
        late.sendall(order)
        assert told(late)[0] == 503
        assert len(web.inside()) == PLACES

        web.go()

        assert [told(link)[0] for link in crowd] == [200] * CROWD
        assert until(
            lambda: answer(late, order)[2] == b"done"
        )  # once the loop has heard that they are through


@pytest.mark.parametrize("web", [CROWD + 2], indirect=True)
def test_tills_and_what_is_unusual_have_a_thread_though_the_crowd_has_no_place_left(web):
    with ExitStack() as stack:
        web.crowd(stack, CROWD)
        till, slow, two = (stack.enter_context(web.caller()) for _ in range(3))
        till.sendall(asked("/till/check"))
        assert told(till)[0] == 200

        slow.sendall(asked("/v1/redemptions", method="POST", said=4))  # what it sends comes later
        assert told(slow)[0] == 503
        slow.sendall(b"late")
        two.sendall(asked() + asked("/till/check"))  # in one breath
        assert told(two)[0] == 503
        assert told(two)[0] == 200


@pytest.mark.parametrize("web", [1], indirect=True)
def test_whoever_calls_and_says_nothing_takes_nobodys_thread(web):
    with web.caller(), web.caller(), web.caller() as speaks:
        speaks.sendall(asked("/till/check"))

        assert told(speaks)[0] == 200


@pytest.mark.parametrize("web", [1], indirect=True)
def test_who_calls_is_known_by_address(web):
    with socket.create_connection(("127.0.0.1", web.port), 30) as link:
        link.sendall(asked("/till/who"))

        assert told(link)[2].decode() == "{}:{}".format(*link.getsockname())


@pytest.mark.parametrize("web", [CROWD], indirect=True)
def test_one_who_does_not_take_the_refusals_is_hung_up_on_and_nobody_else(web):
    with ExitStack() as stack:
        crowd = web.crowd(stack, CROWD)
        deaf = stack.enter_context(web.caller())
        assert any(hung_up(deaf) for _ in range(10_000))

        web.go()

        assert [told(link)[0] for link in crowd] == [200] * CROWD


def hung_up(link):
    """Ask once more, wait until the answer lies there, and leave it there; whether the server has hung up instead."""
    before = lying(link)
    try:
        link.sendall(asked())
    except (BrokenPipeError, ConnectionResetError):
        return True
    gone = select.poll()
    gone.register(link, select.POLLRDHUP)
    assert until(lambda: lying(link) > before or gone.poll(0))
    return bool(gone.poll(0))


def lying(link):
    """Bytes that lie in a connection."""
    return int.from_bytes(fcntl.ioctl(link, termios.FIONREAD, bytes(4)), sys.byteorder)


def until(holds):
    for _ in range(10_000):
        if holds():
            return True
        time.sleep(0.002)
    return False


def asked(path="/v1/offers", *, method="GET", language="en", body=b"", said=None):
    length = len(body) if said is None else said
    return (
        f"{method} {path} HTTP/1.1\r\nHost: here\r\nAccept-Language: {language}\r\nContent-Length: {length}\r\n\r\n"
    ).encode() + body


def answer(link, request):
    """What is told to a request."""
    link.sendall(request)
    return told(link)


def told(link):
    """Status, fields and body of the next answer."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += some(link)
    head, _, body = got.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(fields["content-length"]):
        body += some(link)
    assert len(body) == int(fields["content-length"])
    return int(first.split()[1]), fields, body


def some(link):
    got = link.recv(65536)
    assert got, "the server hung up"
    return got
