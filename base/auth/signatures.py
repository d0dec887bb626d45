"""Signed requests: a till proves with each request that it holds its key, and no request counts twice.

The signature covers, one per line: method, path with query, SHA-256 of the body (hex), time (Unix seconds), nonce, terminal.
The nonce is `<counter>.<random>`; the counter of a key only grows, so a copy of it gives itself away: sooner or later two
requests bear one counter, or one that was passed long ago.
"""

import base64
import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from sqlalchemy.orm import Session

from base import database, ids
from base.errors import NotFound, NotSignedIn

TERMINAL, TIMESTAMP, NONCE, SIGNATURE = "Jifen-Terminal", "Jifen-Timestamp", "Jifen-Nonce", "Jifen-Signature"
ED25519, P256 = "ed25519", "p256"
ALGORITHMS = (ED25519, P256)
MOST_SKEW_S = 300
WARNED_SKEW_S = 120
KEPT_S = 3.0  # how long a process believes what it knows of a terminal's keys
_NONCE = re.compile(r"([1-9][0-9]{0,15})\.([A-Za-z0-9_-]{16,64})")


class TerminalRefused(NotSignedIn):
    """This till is not known here, or its signature is not right."""

    zh = "该终端未被识别，或签名不正确。"
    next_en, next_zh = "Ask the manager to pair this till again.", "请店长重新配对该终端。"
    clerk_en, clerk_zh = "This till needs our manager.", "这台收银机需要店长处理。"
    then = "manager"


class Replayed(NotSignedIn):
    """This request was sent before; a repeated request is signed anew."""

    zh = "该请求已发送过；重发时需要重新签名。"
    next_en, next_zh = (
        "Sign the request anew, with the same Idempotency-Key.",
        "请用同一 Idempotency-Key 重新签名后发送。",
    )
    clerk_en, clerk_zh = "This till needs our manager.", "这台收银机需要店长处理。"
    then = "manager"


@dataclass(frozen=True)
class Key:
    """A public key of a terminal: 32 bytes of Ed25519, or an uncompressed point (65 bytes) of P-256."""

    algorithm: str
    public_key: bytes


@dataclass(frozen=True)
class Held:
    """A key that a terminal holds, and the highest counter of its nonces that are no longer kept one by one."""

    key: Key
    key_id: int
    counter: int


@dataclass(frozen=True)
class Claim:
    """What the headers of a request say."""

    terminal_id: int
    terminal: str
    timestamp: int
    counter: int
    nonce: str
    signature: bytes


Find = Callable[[Session, int, datetime], tuple[Held, ...]]
Cloned = Callable[[int, datetime], None]
_find: Find
_cloned: Cloned
_known: dict[int, tuple[float, tuple[Held, ...]]] = {}


def known_by(find: Find, cloned: Cloned) -> None:
    """Hand in who knows the terminals, and what is done when two hold one key."""
    global _find, _cloned
    _find, _cloned = find, cloned
    _known.clear()


def forget(terminal_id: int) -> None:
    """This process asks afresh about a terminal."""
    _known.pop(terminal_id, None)


def claim(headers: Mapping[str, str]) -> Claim | None:
    """What a request claims; None when it is not signed, TerminalRefused when its headers cannot be read."""
    terminal = headers.get(TERMINAL)
    if not terminal:
        return None
    nonce = _NONCE.fullmatch(headers.get(NONCE, ""))
    timestamp = headers.get(TIMESTAMP, "")
    if nonce is None or not re.fullmatch("[0-9]{1,12}", timestamp):
        raise TerminalRefused("Jifen-Timestamp and Jifen-Nonce (<counter>.<random>) are needed")
    try:
        signature = decoded(headers.get(SIGNATURE, ""))
        terminal_id = ids.parse("trm", terminal, parts=1)[0]
    except (ValueError, NotFound):
        raise TerminalRefused() from None
    return Claim(terminal_id, terminal, int(timestamp), int(nonce[1]), nonce[0], signature)


def text(method: str, target: str, body: bytes, *, timestamp: int | str, nonce: str, terminal: str) -> bytes:
    """What is signed. `target`: the path with its query, as it stands in the request's first line."""
    return "\n".join(
        (method, target, hashlib.sha256(body).hexdigest(), str(timestamp), nonce, terminal)
    ).encode()


def check(session: Session, said: Claim, method: str, target: str, body: bytes, at: datetime) -> int:
    """The terminal that signed this request, whose nonce is used up now; TerminalRefused, Replayed.

    `session` commits each statement by itself: a nonce stays used whatever becomes of the request.
    """
    if abs(at.timestamp() - said.timestamp) > MOST_SKEW_S:
        raise TerminalRefused(
            "the till's clock is wrong by more than five minutes", server_time=int(at.timestamp())
        )
    signed = text(method, target, body, timestamp=said.timestamp, nonce=said.nonce, terminal=said.terminal)
    for held in _held(session, said.terminal_id, at):
        if is_right(held.key, said.signature, signed):
            _use_up(session, said, held, at)
            return said.terminal_id
    raise TerminalRefused()


def is_right(key: Key, signature: bytes, signed: bytes) -> bool:
    """Whether this key made the signature: 64 bytes, of P-256 as r and s (as browsers give it)."""
    if len(signature) != 64:
        return False
    try:
        if key.algorithm == ED25519:
            ed25519.Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, signed)
        else:
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.public_key)
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            point.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def is_key(key: Key) -> bool:
    """Whether these bytes are a public key of that algorithm."""
    try:
        if key.algorithm == ED25519:
            ed25519.Ed25519PublicKey.from_public_bytes(key.public_key)
        else:
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.public_key)
    except ValueError:
        return False
    return len(key.public_key) == (32 if key.algorithm == ED25519 else 65)


def encoded(raw: bytes) -> str:
    """base64url without padding, as keys and signatures travel."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(sent: str) -> bytes:
    """The bytes of base64 or base64url, padded or not; ValueError."""
    if len(sent) > 200 or not sent.isascii():
        raise ValueError("not base64")
    plain = sent.strip().rstrip("=").replace("+", "-").replace("/", "_")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True)


def _held(session: Session, terminal_id: int, at: datetime) -> tuple[Held, ...]:
    until, held = _known.get(terminal_id, (0.0, ()))
    if time.monotonic() >= until:
        held = _find(session, terminal_id, at)
        if len(_known) > 10_000:
            _known.clear()
        _known[terminal_id] = (time.monotonic() + KEPT_S, held)
    return held


def _use_up(session: Session, said: Claim, held: Held, at: datetime) -> None:
    if said.counter <= held.counter:
        _freeze(said, at)
    place = (said.terminal_id, held.key_id, said.counter)
    if database.rows(session, _TAKE, (*place, said.nonce, at)):
        return
    before: Sequence[object] = database.rows(session, _BEFORE, place)
    if before and before[0].nonce != said.nonce:  # type: ignore[attr-defined]
        _freeze(said, at)
    raise Replayed()


def _freeze(said: Claim, at: datetime) -> None:
    _cloned(said.terminal_id, at)
    forget(said.terminal_id)
    raise TerminalRefused("this till's counter went back: its key may have been copied")


# Not waited for: whatever commits after it, the request's own effect among them, takes it to the disk as well.
_TAKE = (
    "insert into terminal_nonce (terminal_id, key_id, counter, nonce, at) "
    "select %s, %s, %s, %s, %s from set_config('synchronous_commit', 'off', true) "
    "on conflict (terminal_id, key_id, counter) do nothing returning counter"
)
_BEFORE = "select nonce from terminal_nonce where terminal_id = %s and key_id = %s and counter = %s"
