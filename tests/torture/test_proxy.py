"""The proxy does to bytes what it says, and nothing else."""

import socket
import threading
import time
from contextlib import suppress

import pytest

from tests.torture.proxy import PASS, Fault, Proxy


@pytest.fixture
def line():
    """A proxy before a server that says everything back."""
    echo = socket.create_server(("127.0.0.1", 0))

    def serve(client):
        with client, suppress(OSError):
            while data := client.recv(1 << 16):
                client.sendall(data)

    def accept():
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(echo.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with Proxy(echo.getsockname()[1]) as proxy:
        yield proxy
    echo.close()


def connected(line):
    return socket.create_connection(("127.0.0.1", line.port), timeout=0.3)


def said(link, text=b"hello"):
    """What comes back, or how it ended."""
    try:
        link.sendall(text)
        return link.recv(100)
    except (TimeoutError, ConnectionError) as error:
        return type(error).__name__


@pytest.mark.parametrize(
    ("fault", "comes"),
    [
        (PASS, {b"hello"}),
        (Fault("delay", seconds=0.05), {b"hello"}),
        (Fault("black hole"), {"TimeoutError"}),
        (Fault("half-close"), {b""}),
        (Fault("drop"), {b"", "ConnectionResetError", "BrokenPipeError"}),
        (Fault("reset"), {"ConnectionResetError", "BrokenPipeError"}),
    ],
)
def test_what_happens_to_a_connection_that_is_open_and_to_a_new_one(line, fault, comes):
    with connected(line) as before:
        assert said(before) == b"hello"
        line.set(fault)
        time.sleep(0.05)
        with connected(line) as new:
            assert {said(before), said(new)} <= comes

        line.set()
        with connected(line) as after:
            assert said(after) == b"hello"


def test_what_a_black_hole_swallowed_comes_through_when_it_is_over(line):
    with connected(line) as link:
        line.set(Fault("black hole"))
        time.sleep(0.05)
        assert said(link) == "TimeoutError"

        line.set()

        link.settimeout(5)
        assert link.recv(100) == b"hello"


def test_a_trickle_comes_in_pieces(line):
    with connected(line) as link:
        line.set(Fault("trickle", rate=100))
        time.sleep(0.05)

        assert 0 < len(said(link, b"x" * 50)) < 50


def test_only_this_machine_is_spoken_to():
    with pytest.raises(ValueError, match="this machine"):
        Proxy("example.org:80")
