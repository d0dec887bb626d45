"""Ids: 63-bit numbers that grow with time, and their public form with a prefix.

A public id such as red_0K3...: the numbers of the row's key (member first), 13 symbols of Crockford's base32 each,
so that whoever holds it can be led to the member's node without a directory.
"""

import secrets
import threading
import time
from datetime import datetime

from base.errors import NotFound

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)}
_EPOCH_MS = 1_577_836_800_000  # 2020-01-01
EACH_MS = 1 << 22  # by how much ids grow within a millisecond
_SYMBOLS = 13
_lock = threading.Lock()
_last = 0


def new_id() -> int:
    """A fresh id: 41 bits of milliseconds since 2020, 22 bits random; grows within a process."""
    global _last
    with _lock:
        candidate = ((int(time.time() * 1000) - _EPOCH_MS) << 22) | secrets.randbits(22)
        _last = candidate if candidate > _last else _last + 1 + secrets.randbits(8)
        return _last


def at_least(moment: datetime) -> int:
    """The least id that could have been made at a moment."""
    return (int(moment.timestamp() * 1000) - _EPOCH_MS) << 22


def public(prefix: str, *numbers: int) -> str:
    """The public form of a key: public("red", member_id, redemption_id)."""
    return prefix + "_" + "".join(_encode(number) for number in numbers)


def parse(prefix: str, text: str, parts: int = 2, unknown: type[NotFound] = NotFound) -> tuple[int, ...]:
    """The numbers of a public id; `unknown` when it is none of this kind."""
    body = text.removeprefix(prefix + "_").upper()
    if (
        not text.startswith(prefix + "_")
        or len(body) != _SYMBOLS * parts
        or not text.isascii()  # "ß" in upper case would be two symbols of ours
        or any(s not in _VALUES for s in body)
    ):
        raise unknown(id=text[:64])
    numbers = tuple(_decode(body[at : at + _SYMBOLS]) for at in range(0, len(body), _SYMBOLS))
    if max(numbers) >= 1 << 63:
        raise unknown(id=text[:64])
    return numbers


def _encode(number: int) -> str:
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(60, -1, -5))


def _decode(text: str) -> int:
    number = 0
    for symbol in text:
        number = number << 5 | _VALUES[symbol]
    return number
