"""Clients that mean no good: heads that trickle in, bodies that are too large, too deep, or in too many parts."""

import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.torture.place import Place, memory_of
from tests.torture.probe import Probe
from tests.torture.proxy import LOOPBACK

SLOW = 3  # fewer than a worker has threads: more of them are the business of the proxy before us
MOST_GROWTH_BYTES = 50 << 20
MEGA = 1 << 20


def visit(place: Place, probe: Probe, until: float) -> dict[str, Any]:
    """All of them, while the time lasts; what they were told, and how much memory it took."""
    port = place.ports[0]
    before, told, wrong = memory_of(place.web(0).pid), {}, list[str]()
    slow = [_begun(port) for _ in range(SLOW)]
    for name, send in HOSTILE.items():
        told[name] = status = send(port)
        if not 400 <= status < 500:
            wrong.append(f"{name}: {status}")
    while time.monotonic() < until:
        for link in slow:
            with suppress(OSError):
                link.sendall(b"X-More: 1\r\n")
        time.sleep(0.5)
    for link in slow:
        link.close()
    grown = memory_of(place.web(0).pid) - before
    if grown > MOST_GROWTH_BYTES:
        wrong.append(f"the web grew by {grown >> 20} MB")
    if probe.until_ok(time.monotonic(), 5) is None:
        wrong.append("nobody is served after them")
    return {"done": len(told) + SLOW, "told": told, "grown_mb": round(grown / MEGA, 1), "wrong": wrong}


def _begun(port: int) -> socket.socket:
    link = socket.create_connection((LOOPBACK, port), 5)
    link.sendall(b"GET /v1/offers HTTP/1.1\r\nHost: localhost\r\n")
    return link


def _status(port: int, head: str, body: Callable[[socket.socket], None]) -> int:
    """What is answered to this, as soon as it is; 0: nothing."""
    with socket.create_connection((LOOPBACK, port), 10) as link:
        with suppress(OSError):
            link.sendall((head + "\r\n\r\n").encode())
            body(link)
        with suppress(OSError, ValueError):
            link.settimeout(10)
            return int(link.recv(64)[9:12])
    return 0


def _told_huge(port: int) -> int:
    """A gigabyte, by its own word."""
    return _status(port, f"{_post()}\r\nContent-Length: {1 << 30}", lambda link: link.sendall(b"x" * MEGA))


def _streamed(port: int) -> int:
    """Sixty-four megabytes in pieces, of which nobody was told how many there are."""

    def body(link: socket.socket) -> None:
        for _ in range(64):
            link.sendall(f"{MEGA:x}\r\n".encode() + b"x" * MEGA + b"\r\n")
        link.sendall(b"0\r\n\r\n")

    return _status(port, f"{_post()}\r\nTransfer-Encoding: chunked", body)


def _deep(port: int) -> int:
    text = b"[" * 100_000
    return _status(port, f"{_post()}\r\nContent-Length: {len(text)}", lambda link: link.sendall(text))


def _many_parts(port: int) -> int:
    part = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
    text = part * 10_000 + b"--b--\r\n"
    head = f"{_post('/till/sign-in', 'multipart/form-data; boundary=b')}\r\nContent-Length: {len(text)}"
    return _status(port, head, lambda link: link.sendall(text))


def _long_numbers(port: int) -> int:
    text = json.dumps({"programme": "torture", "phone": "1" * 200_000}).encode()
    return _status(port, f"{_post()}\r\nContent-Length: {len(text)}", lambda link: link.sendall(text))


def _post(path: str = "/v1/sign-ins/code", kind: str = "application/json") -> str:
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}"


HOSTILE = {
    "a body of a gigabyte": _told_huge,
    "a body without an end": _streamed,
    "a hundred thousand brackets": _deep,
    "ten thousand parts": _many_parts,
    "a number of 200,000 digits": _long_numbers,
}
