"""A balancer of our own before several webs of this machine: it sends each request to one that takes it, as nginx or HAProxy would.

What it promises is little, so that a web has to do the rest: where nobody listens nothing was sent, and the next web is asked;
a GET whose web died before its answer is asked again elsewhere; anything else that was lost is answered 502, for only whoever
sent it knows whether it may be sent again.

    with Balancer([8081, 8082]) as front:      # front.port is where clients go
        front.out.add(8081)                    # nobody is sent there any more, but who is there is answered
"""

import asyncio
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from tests.torture.proxy import CHUNK, LOOPBACK

MOST_HEAD, RESTS_S, PATIENCE_S = 1 << 16, 0.5, 35.0
AWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NOBODY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


@dataclass(frozen=True)
class Asked:
    """One request as it came; `is_safe`: it may be sent to another web when the first one died over it."""

    raw: bytes
    is_safe: bool


class Balancer:
    """Runs in a thread of its own; `out`, `counts` and `port` are for any thread."""

    def __init__(self, ports: list[int], port: int = 0) -> None:
        self.ports, self.port, self.out = list(ports), port, set[int]()
        self.counts = dict.fromkeys(("requests", "next web", "asked again", "lost", "nobody"), 0)
        self.under_way = dict.fromkeys(ports, 0)
        self._rests: dict[int, float] = {}
        self._turn = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._open: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the balancer did not start")
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, LOOPBACK, self.port, limit=MOST_HEAD, backlog=512)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in tuple(self._open):
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._open, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of a connection; each has a connection of its own."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            self.counts["requests"] += 1
            await self._answer(await _asked(reader), writer)
        except (OSError, asyncio.CancelledError, asyncio.IncompleteReadError, ValueError):
            pass  # the client went away
        finally:
            self._open.discard(task)
            with suppress(OSError, RuntimeError):
                writer.close()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        for port in self._turns():
            try:
                there, back = await asyncio.open_connection(LOOPBACK, port)
            except OSError:
                self.counts["next web"] += 1
                self._rests[port] = time.monotonic() + RESTS_S
                continue
            self.under_way[port] += 1
            try:
                if await asyncio.wait_for(_exchange(asked, there, back, writer), PATIENCE_S):
                    return
            except TimeoutError:
                pass
            finally:
                self.under_way[port] -= 1
                back.close()
            if not asked.is_safe:
                self.counts["lost"] += 1
                writer.write(AWAY)
                return
            self.counts["asked again"] += 1
        self.counts["nobody"] += 1
        writer.write(NOBODY)

    def _turns(self) -> list[int]:
        """The webs in the order in which they are asked: each is the first in turn; who did not listen just now is the last."""
        self._turn += 1
        at = self._turn % len(self.ports)
        turns = [port for port in self.ports[at:] + self.ports[:at] if port not in self.out]
        now = time.monotonic()
        return sorted(turns, key=lambda port: self._rests.get(port, 0.0) > now)


async def _asked(reader: asyncio.StreamReader) -> Asked:
    """A whole request; its length must be told."""
    head = await reader.readuntil(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    said = {name.strip().lower(): text.strip() for name, _, text in (one.partition(":") for one in fields)}
    body = await reader.readexactly(int(said.get("content-length", "0")))
    kept = [one for one in fields if one.partition(":")[0].strip().lower() != "connection"]
    raw = "\r\n".join([line, *kept, "Connection: close", "", ""]).encode("latin-1") + body
    # A till's signature is good once: whoever signed it has to sign again.
    return Asked(raw, line.startswith(("GET ", "HEAD ")) and "jifen-signature" not in said)


async def _exchange(
    asked: Asked, there: asyncio.StreamReader, back: asyncio.StreamWriter, writer: asyncio.StreamWriter
) -> bool:
    """Ask a web and pass its answer on as it comes; False: it died before the first byte of one."""
    begun = False
    with suppress(ConnectionError):
        back.write(asked.raw)
        await back.drain()
        while piece := await there.read(CHUNK):
            begun = True
            writer.write(piece)
            await writer.drain()
    return begun
