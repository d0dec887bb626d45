"""One request over HTTP to a system outside, cut off in time: the only place that opens such connections.

Each such system has one module that knows its protocol and what its answers mean; here is only the wire.
"""

import socket
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from threading import Event, Timer
from urllib.parse import urlsplit

MAX_ANSWER_BYTES = 1_000_000


@dataclass(frozen=True)
class Answered:
    """A whole answer."""

    status: int
    body: bytes
    headers: HTTPMessage = field(repr=False)


@dataclass(frozen=True)
class NotSent:
    """The request did not get through the door: it did nothing."""

    reason: str


@dataclass(frozen=True)
class Lost:
    """Sent, but without a whole answer: it may have done its work or not."""

    reason: str


def call(
    method: str, url: str, target: str, body: bytes | None, headers: dict[str, str], timeout_s: float
) -> Answered | NotSent | Lost:
    """One request on a connection of its own, no redirect followed, cut off after `timeout_s` in all."""
    connection = _connection(url, timeout_s)
    late = Event()
    watch = Timer(timeout_s, _cut, (connection, late))
    watch.daemon = True
    watch.start()
    sent = False
    try:
        connection.connect()
        if late.is_set():
            return NotSent("connecting took too long")
        sent = True
        path = urlsplit(url).path.rstrip("/") + target
        connection.request(method, path, body, headers | {"Connection": "close"})
        response = connection.getresponse()
        text = response.read(MAX_ANSWER_BYTES + 1)
    except (OSError, HTTPException) as error:
        reason = "no answer in time" if late.is_set() else type(error).__name__
        return Lost(reason) if sent else NotSent(reason)
    finally:
        watch.cancel()
        connection.close()
    if late.is_set():
        return Lost("no whole answer in time")
    if len(text) > MAX_ANSWER_BYTES:
        return Lost("the answer is too large")
    return Answered(response.status, text, response.headers)


def _connection(url: str, timeout_s: float) -> HTTPConnection:
    site = urlsplit(url)
    if site.scheme not in ("http", "https") or not site.hostname:
        raise ValueError("the url must be an http or https address")
    kind = HTTPSConnection if site.scheme == "https" else HTTPConnection
    return kind(site.hostname, site.port, timeout=timeout_s)


def _cut(connection: HTTPConnection, late: Event) -> None:
    """Time is up. A socket's own time-out starts anew with every byte: a dripping answer would never end."""
    late.set()
    if (sock := connection.sock) is not None:
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
