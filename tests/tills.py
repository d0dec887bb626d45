"""Tills as the tests have them: a key of their own, and every request signed with it."""

import json
import secrets
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from base import clock, database, ids
from base.auth import signatures
from base.auth.signatures import ED25519, Key
from merchants.terminals import keys
from merchants.terminals.models import Terminal


@dataclass(frozen=True)
class Signer:
    """The key of a terminal, in the hands of whoever holds this."""

    terminal_id: int
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    counter: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def terminal(self) -> str:
        return ids.public("trm", self.terminal_id)

    @property
    def key(self) -> Key:
        return Key(ED25519, self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def headers(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        timestamp: int | None = None,
        nonce: str | None = None,
    ) -> dict[str, str]:
        """What makes a request this terminal's."""
        timestamp = int(clock.now().timestamp()) if timestamp is None else timestamp
        nonce = nonce or f"{next(self.counter)}.{secrets.token_urlsafe(16)}"
        signed = signatures.text(
            method, target, body, timestamp=timestamp, nonce=nonce, terminal=self.terminal
        )
        return {
            signatures.TERMINAL: self.terminal,
            signatures.TIMESTAMP: str(timestamp),
            signatures.NONCE: nonce,
            signatures.SIGNATURE: signatures.encoded(self.private.sign(signed)),
        }


def paired(terminal: Terminal) -> Signer:
    """A terminal whose key was registered."""
    signer = Signer(terminal.terminal_id)
    with database.begin() as session:
        keys.register(session, session.merge(terminal, load=False), signer.key, clock.now())
    return signer


def body_of(value: Any) -> bytes:
    """JSON as it goes over the wire."""
    return b"" if value is None else json.dumps(value).encode()


def passed(seconds: float) -> float:
    """A moment of this machine's clock, so many seconds ago."""
    return time.time() - seconds
