"""The balancer sends each request to a web that takes it, and repeats nothing that might be done twice."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.machines.balancer import Balancer
from tests.torture.place import free_port

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"


@contextmanager
def web(name: bytes, *, dies: bool = False) -> Iterator[tuple[int, list[str]]]:
    """A web that says its name, or dies over each request; its port, and what it was asked."""
    listener, asked = socket.create_server(("127.0.0.1", 0)), list[str]()

    def serve() -> None:
        with suppress(OSError):
            while True:
                link = listener.accept()[0]
                with link, suppress(OSError):
                    asked.append(link.recv(1 << 16).decode())
                    if not dies:
                        link.sendall(OK + name)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1], asked
    finally:
        listener.close()


def ask(front: Balancer, method: str = "GET", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    link = http.client.HTTPConnection("127.0.0.1", front.port, timeout=5)
    link.request(method, "/x", b"{}" if method == "POST" else None, headers or {})
    answer = link.getresponse()
    found = answer.status, answer.read()
    link.close()
    return found


def test_webs_take_turns_and_whoever_is_out_is_sent_nothing():
    with web(b"aa") as (one, _), web(b"bb") as (other, _), Balancer([one, other]) as front:
        both = {ask(front)[1] for _ in range(4)}
        front.out.add(one)
        left = {ask(front)[1] for _ in range(4)}

    assert both == {b"aa", b"bb"}
    assert left == {b"bb"}


def test_where_nobody_listens_the_next_web_is_asked_whatever_was_sent():
    with web(b"aa") as (port, asked), Balancer([free_port(), port]) as front:
        answers = [ask(front, "POST") for _ in range(3)]

    assert answers == [(200, b"aa")] * 3
    assert len(asked) == 3
    assert all(one.endswith("{}") and "Connection: close" in one for one in asked)


@pytest.mark.parametrize(
    ("method", "headers", "status", "asked"),
    [("GET", {}, 200, 1), ("POST", {}, 502, 0), ("GET", {"Jifen-Signature": "s"}, 502, 0)],
)
def test_what_was_lost_is_repeated_only_where_that_is_harmless(method, headers, status, asked):
    with web(b"", dies=True) as (dead, _), web(b"aa") as (alive, seen), Balancer([alive, dead]) as front:
        answer = ask(front, method, headers)  # the second in the list is the first in turn

    assert (answer[0], len(seen)) == (status, asked)


def test_without_any_web_it_says_so():
    with Balancer([free_port()]) as front:
        assert ask(front)[0] == 503
