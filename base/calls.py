"""One request over HTTP to a system outside, cut off in time: the only place that opens such connections.

Each such system has one module that knows its protocol and what its answers mean; here is only the wire.
"""

import socket
import ssl
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
    method: str,
    url: str,
    target: str,
    body: bytes | None,
    headers: dict[str, str],
    timeout_s: float,
    *,
    address: str = "",
    most_bytes: int = MAX_ANSWER_BYTES,
) -> Answered | NotSent | Lost:
    """One request on a connection of its own, no redirect followed, cut off after `timeout_s` in all.

    With `address` it goes to this very address, and the name is not looked up again; TLS still asks for the name.
    """
    connection = _at(address, url, timeout_s) if address else _connection(url, timeout_s)
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
        text = response.read(most_bytes + 1)
    except (OSError, HTTPException) as error:
        in_time = not late.is_set() and not isinstance(error, TimeoutError)
        reason = type(error).__name__ if in_time else "no answer in time"
        return Lost(reason) if sent else NotSent(reason)
    finally:
        watch.cancel()
        connection.close()
    if late.is_set():
        return Lost("no whole answer in time")
    if len(text) > most_bytes:
        return Lost("the answer is too large")
    return Answered(response.status, text, response.headers)


def _connection(url: str, timeout_s: float) -> HTTPConnection:
    site = urlsplit(url)
    if site.scheme not in ("http", "https") or not site.hostname:
        raise ValueError("the url must be an http or https address")
    kind = HTTPSConnection if site.scheme == "https" else HTTPConnection
    return kind(site.hostname, site.port, timeout=timeout_s)


class _Plain(HTTPConnection):
    """A connection to an address that was looked up before."""

    address = ""

    def connect(self) -> None:
        """Connect to the address; the name stays in the Host header."""
        self.sock = socket.create_connection((self.address, self.port), self.timeout)


class _Secure(_Plain):
    """The same with TLS, for the name."""

    default_port = 443

    def connect(self) -> None:
        """Connect to the address and prove that it is the named server's."""
        super().connect()
        context = ssl.create_default_context()
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
        self.sock.do_handshake()  # from here on it can be cut off


def _at(address: str, url: str, timeout_s: float) -> HTTPConnection:
    site = urlsplit(url)
    if site.scheme not in ("http", "https") or not site.hostname:
        raise ValueError("the url must be an http or https address")
    connection = (_Secure if site.scheme == "https" else _Plain)(site.hostname, site.port, timeout=timeout_s)
    connection.address = address
    return connection


def _cut(connection: HTTPConnection, late: Event) -> None:
    """Time is up. A socket's own time-out starts anew with every byte: a dripping answer would never end."""
    late.set()
    if (sock := connection.sock) is not None:
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
