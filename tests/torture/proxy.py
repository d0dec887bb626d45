"""A TCP proxy of our own, between two of our processes on loopback: what a network does to them when it is ill.

It listens on 127.0.0.1 and passes on to a port of 127.0.0.1 or to a unix socket; any other host is refused. `set` changes
what it does to connections that are open as well as to new ones:

    with Proxy(".../.s.PGSQL.5432") as line:      # line.port is where to connect to
        line.set(Fault("delay", seconds=0.2))
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

How = Literal["pass", "delay", "trickle", "black hole", "half-close", "drop", "reset"]
CHUNK, TICK_S = 1 << 16, 0.02
LOOPBACK = "127.0.0.1"
AT_ONCE_GONE = struct.pack("ii", 1, 0)  # SO_LINGER of no seconds: closing sends RST


@dataclass(frozen=True)
class Fault:
    """What happens to bytes.

    delay: each piece waits for `seconds`. trickle: `rate` bytes a second. black hole: nothing passes, nobody is told; what
    was swallowed comes through when it is over. half-close: what is asked arrives, the answer never does. drop: connections
    end in order. reset: they end with RST. The last three are for new connections, too.
    """

    how: How = "pass"
    seconds: float = 0.0
    rate: int = 1024


PASS = Fault()
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """Runs in a thread of its own from `start` to `stop`; `set`, `counts` and `port` are for any thread."""

    def __init__(self, target: str | int, port: int = 0) -> None:
        """`target`: the path of a unix socket, or a port of this machine. `port`: 0 for any that is free."""
        if isinstance(target, str) and not Path(target).is_absolute():
            raise ValueError(f"{target}: a port of this machine, or the path of a socket")
        self.target, self.port, self.fault = target, port, PASS
        self.counts = {"connections": 0, "not passed on": 0}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready, self._changed = threading.Event(), asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Listen; `port` is known after it."""
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the proxy did not start")
        return self

    def stop(self) -> None:
        """End it, and all that goes through it."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def set(self, fault: Fault = PASS) -> None:
        """From now on this happens, to what is open as well; without an argument all is well again."""
        self._loop.call_soon_threadsafe(self._set, fault)

    def _set(self, fault: Fault) -> None:
        self.fault = fault
        before, self._changed = self._changed, asyncio.Event()
        before.set()
        if fault.how in ("drop", "reset"):
            for link in tuple(self._open):
                link.cancel()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._link, LOOPBACK, self.port))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for link in tuple(self._open):
            link.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._open, return_exceptions=True))
        self._loop.close()

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its beginning to its end."""
        self.counts["connections"] += 1
        task, ends = asyncio.current_task(), [writer]
        assert task is not None
        self._open.add(task)
        try:
            await self._while_in_the_dark()
            if self.fault.how not in ("drop", "reset"):
                there, back = await self._connect()
                ends.append(back)
                await _either(self._pump(reader, back, asks=True), self._pump(there, writer, asks=False))
        except (OSError, asyncio.CancelledError):
            self.counts["not passed on"] += 1
        finally:
            self._open.discard(task)
            for end in ends:
                _end(end, reset=self.fault.how == "reset")

    async def _connect(self) -> Stream:
        if isinstance(self.target, int):
            return await asyncio.open_connection(LOOPBACK, self.target)
        return await asyncio.open_unix_connection(self.target)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, asks: bool) -> None:
        while piece := await source.read(CHUNK):
            await self._while_in_the_dark()
            fault = self.fault
            if fault.how == "half-close" and not asks:
                return
            if fault.how == "delay":
                await asyncio.sleep(fault.seconds)
            for part in _parts(piece, fault):
                sink.write(part)
                await sink.drain()
                if fault.how == "trickle" and self.fault is fault:
                    await asyncio.sleep(len(part) / fault.rate)

    async def _while_in_the_dark(self) -> None:
        while self.fault.how == "black hole":
            await self._changed.wait()


def _parts(piece: bytes, fault: Fault) -> list[bytes]:
    size = max(1, int(fault.rate * TICK_S)) if fault.how == "trickle" else CHUNK
    return [piece[at : at + size] for at in range(0, len(piece), size)]


async def _either(*ways: Awaitable[None]) -> None:
    """Until one of both ways is over: who ends one half of a connection has nothing more to say here."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _end(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset and (own := writer.get_extra_info("socket")) is not None and own.family == socket.AF_INET:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE_GONE)
    close: Callable[[], None] = writer.transport.abort if reset else writer.close
    with suppress(OSError, RuntimeError):
        close()
