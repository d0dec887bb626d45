"""System calls of a web's loop that never wait, made without giving the interpreter to another thread meanwhile.

The functions of `socket` and `select` give it away for each call. To have it back among threads that work takes some ten
milliseconds, and such a call takes a thousandth of that: under load the loop would do little else than wait for its turn.
"""

import ctypes
import os
import select
import socket
import struct
import sys
from selectors import EVENT_READ, DefaultSelector, SelectorKey
from typing import Any

_libc = ctypes.PyDLL(None)
_NOW = socket.MSG_DONTWAIT | getattr(socket, "MSG_NOSIGNAL", 0)
_LINUX = sys.platform == "linux"
_ADD, _DELETE = 1, 2  # of epoll_ctl
_EVENT = struct.Struct("=IQ" if os.uname().machine == "x86_64" else "@IQ")  # struct epoll_event: what, whose
_AT_ONCE = 256
_bytes = ctypes.create_string_buffer(65_536)
_name = ctypes.create_string_buffer(128)


def peek(number: int, most: int) -> bytes:
    """What lies in a socket, up to so many bytes, and stays there."""
    found = _libc.recv(number, _bytes, most, _NOW | socket.MSG_PEEK)
    return ctypes.string_at(_bytes, max(found, 0))


def take(number: int, count: int) -> None:
    """Take so many bytes, which lie in the socket, out of it."""
    _libc.recv(number, _bytes, count, _NOW)


def put(number: int, answer: bytes) -> bool:
    """Whether the whole answer found room in the socket."""
    sent: int = _libc.send(number, answer, len(answer), _NOW)
    return sent == len(answer)


def accept(listener: socket.socket) -> tuple[socket.socket, Any] | None:
    """The next caller and their address, as a listener that never waits gives them; None when nobody calls."""
    if not _LINUX:
        try:
            return listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None
    length = ctypes.c_uint(len(_name))
    number = _libc.accept4(listener.fileno(), _name, ctypes.byref(length), socket.SOCK_CLOEXEC)
    if number < 0:
        return None
    caller = socket.socket(listener.family, listener.type, listener.proto, fileno=number)
    if listener.family != socket.AF_INET:
        return caller, caller.getpeername()
    name = ctypes.string_at(_name, length.value)
    return caller, (socket.inet_ntop(socket.AF_INET, name[4:8]), int.from_bytes(name[2:4], "big"))


def poller() -> Any:
    """What `selectors.DefaultSelector` is, as far as a web's loop needs it."""
    return _Epoll() if _LINUX else DefaultSelector()


class _Epoll:
    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._own = self._epoll.fileno()
        self._keys: dict[int, SelectorKey] = {}
        self._events = ctypes.create_string_buffer(_EVENT.size * _AT_ONCE)

    def register(self, file: Any, events: int, data: Any) -> SelectorKey:
        number = _number(file)
        if _libc.epoll_ctl(self._own, _ADD, number, _EVENT.pack(select.EPOLLIN, number)) < 0:
            raise OSError(f"file {number} cannot be watched")
        self._keys[number] = key = SelectorKey(file, number, events, data)
        return key

    def unregister(self, file: Any) -> SelectorKey:
        number = _number(file)
        key = self._keys.pop(number)
        _libc.epoll_ctl(self._own, _DELETE, number, _EVENT.pack(0, 0))
        return key

    def select(self, timeout: float) -> list[tuple[SelectorKey, int]]:
        """Those that can be read; when there are none it waits so many seconds for the first, and lets others work."""
        found = _libc.epoll_wait(self._own, self._events, _AT_ONCE, 0)
        if found > 0:
            numbers = [number for _, number in _EVENT.iter_unpack(self._events.raw[: found * _EVENT.size])]
        else:
            numbers = [number for number, _ in self._epoll.poll(timeout, _AT_ONCE)]
        return [(self._keys[number], EVENT_READ) for number in numbers if number in self._keys]

    def close(self) -> None:
        self._epoll.close()


def _number(file: Any) -> int:
    return file if isinstance(file, int) else int(file.fileno())
