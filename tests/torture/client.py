"""A client over real HTTP: one connection to each web, kept open; an answer, or none."""

import http.client
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.torture.proxy import LOOPBACK

PATIENCE_S = 12.0
NONE = 0


@dataclass(frozen=True)
class Answer:
    """Status 0: none came. `seconds`: until it was there, or given up."""

    status: int
    body: Any
    seconds: float
    port: int = 0

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass
class Client:
    """Asks one web; where nobody listens there, so that nothing was sent, the next one. Not for two threads.

    `out`: webs that are being renewed, as a balancer knows of them: nobody is sent there.
    """

    ports: list[int]
    first: int = 0
    patience_s: float = PATIENCE_S
    out: set[int] = field(default_factory=set)
    links: dict[int, http.client.HTTPConnection] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """Send it once; connections that nobody takes are tried at each web in turn."""
        began = time.monotonic()
        raw = b"" if body is None else json.dumps(body).encode()
        sent = {"Accept-Language": "en", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        turns = [self.ports[(self.first + turn) % len(self.ports)] for turn in range(len(self.ports))]
        for port in [port for port in turns if port not in self.out] or turns:
            try:
                link = self._link(port)
            except OSError:
                continue
            return self._exchange(link, port, method, path, raw, sent, began)
        return Answer(NONE, None, time.monotonic() - began)

    def close(self) -> None:
        for link in self.links.values():
            link.close()
        self.links.clear()

    def _exchange(
        self, link: http.client.HTTPConnection, port: int, method: str, path: str, raw: bytes, sent: dict[str, str], began: float
    ) -> Answer:  # fmt: skip
        try:
            link.request(method, path, raw or None, sent)
            answer = link.getresponse()
            text = answer.read()
            if answer.getheader("Connection", "").lower() == "close":
                self._drop(port)
            return Answer(answer.status, _read(text), time.monotonic() - began, port)
        except (OSError, http.client.HTTPException):
            self._drop(port)
            return Answer(NONE, None, time.monotonic() - began, port)

    def _link(self, port: int) -> http.client.HTTPConnection:
        link = self.links.get(port)
        if link is not None and _is_stale(link):
            self._drop(port)
            link = None
        if link is None:
            link = http.client.HTTPConnection(LOOPBACK, port, timeout=self.patience_s)
            link.connect()
            self.links[port] = link
        return link

    def _drop(self, port: int) -> None:
        with suppress(KeyError):
            self.links.pop(port).close()


def _is_stale(link: http.client.HTTPConnection) -> bool:
    """Whether the server has hung up meanwhile: as any pool of connections asks before it sends."""
    import select

    if link.sock is None:
        return True
    readable, _, _ = select.select([link.sock], [], [], 0)
    return bool(readable)


def _read(text: bytes) -> Any:
    with suppress(ValueError):
        return json.loads(text)
    return None
