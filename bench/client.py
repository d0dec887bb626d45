"""A client for HTTP benchmarks: ready-made requests over connections that stay open, as fast as answers come or by a clock.

By the clock, a request's time counts from when it was due, whether or not a connection was free then.
"""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count

Address = tuple[str, int]
Each = Callable[[int], None]
TIMEOUT_S = 30


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{n}: {v}" for n, v in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def rate(address: Address, requests: Sequence[bytes], connections: int) -> float:
    """Requests a second: each connection sends the next one as soon as it has its answer. RuntimeError: one was refused."""
    began = time.perf_counter()
    _all(address, requests, connections, _nothing, _nothing)
    return len(requests) / (time.perf_counter() - began)


def times(address: Address, requests: Sequence[bytes], per_s: int, connections: int) -> list[float]:
    """Seconds that each request took, one every 1/per_s second. RuntimeError: one was refused."""
    found, began = [0.0] * len(requests), time.perf_counter() + 0.1

    def due(number: int) -> None:
        time.sleep(max(0.0, began + number / per_s - time.perf_counter()))

    def done(number: int) -> None:
        found[number] = time.perf_counter() - began - number / per_s

    _all(address, requests, connections, due, done)
    return found


def tally(address: Address, requests: Sequence[bytes], connections: int) -> dict[str, int]:
    """How often which status came, all as fast as answers come; who is told to come again at once (409 with Retry-After)
    does so with the same request, as a client does.
    """
    return _told(address, requests, connections, again=True)


def statuses(address: Address, requests: Sequence[bytes], connections: int) -> dict[str, int]:
    """How often which status came, each request sent once."""
    return _told(address, requests, connections, again=False)


def spans(address: Address, requests: Sequence[bytes]) -> list[float]:
    """Seconds from each request to its answer, whatever it is, one after the other."""
    found = []
    with _Connection(address) as connection:
        for asked in requests:
            began = time.perf_counter()
            connection.exchange(asked)
            found.append(time.perf_counter() - began)
    return found


def _all(address: Address, requests: Sequence[bytes], connections: int, due: Each, done: Each) -> None:
    numbers, lock = count(), threading.Lock()

    def some(_: int) -> None:
        with _Connection(address) as connection:
            while True:
                with lock:
                    number = next(numbers)
                if number >= len(requests):
                    return
                due(number)
                connection.ask(requests[number])
                done(number)

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(some, range(connections)))


def _told(address: Address, requests: Sequence[bytes], connections: int, *, again: bool) -> dict[str, int]:
    found, numbers, lock = Counter[str](), count(), threading.Lock()

    def some(_: int) -> None:
        with _Connection(address) as connection:
            while True:
                with lock:
                    number = next(numbers)
                if number >= len(requests):
                    return
                head, _body = connection.exchange(requests[number])
                while again and b"retry-after" in head.lower():
                    head, _body = connection.exchange(requests[number])
                with lock:
                    found[head[9:12].decode()] += 1

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(some, range(connections)))
    return dict(found)


def _nothing(number: int) -> None:
    """Neither wait nor note anything."""


def connection(address: Address) -> "_Connection":
    """A connection that stays open, for questions one by one."""
    return _Connection(address)


class _Connection:
    """One connection; opened again where the server has closed it while nothing was asked."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._open()

    def _open(self) -> None:
        self._socket = socket.create_connection(self._address, TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> "_Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, asked: bytes) -> bytes:
        """The body of an answer that is a success; RuntimeError for any other."""
        head, body = self.exchange(asked)
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
            raise RuntimeError((head.partition(b"\r")[0] + b" " + body[:300]).decode())
        return body

    def exchange(self, asked: bytes) -> tuple[bytes, bytes]:
        """Head and body of the answer, whatever it is."""
        self._socket.sendall(asked)
        got = self._socket.recv(65536)
        if not got:
            self._open()
            self._socket.sendall(asked)
            got = self._socket.recv(65536)
        while b"\r\n\r\n" not in got:
            got += self._more()
        head, _, body = got.partition(b"\r\n\r\n")
        small = head.lower()
        at = small.index(b"content-length:") + 15
        length = int(small[at : small.find(b"\r", at) if b"\r" in small[at:] else None])
        while len(body) < length:
            body += self._more()
        if b"connection: close" in small:
            self._socket.close()
            self._open()
        return head, body

    def _more(self) -> bytes:
        got = self._socket.recv(65536)
        if not got:
            raise RuntimeError("the server hung up in the middle of an answer")
        return got
