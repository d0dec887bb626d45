"""Tills as the tests have them: a key of their own, and every request signed with it."""

import json
import re
import secrets
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from werkzeug.test import TestResponse

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


HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


class Screen:
    """A browser at the till: follows redirects, sends each form with its hidden fields."""

    def __init__(self, app: Flask, language: str = "en") -> None:
        self.client = app.test_client()
        self.language = language
        self.page: TestResponse | None = None
        self.signer: Signer | None = None

    def get(self, path: str) -> TestResponse:
        self.page = self.client.get(path, headers={"Accept-Language": self.language}, follow_redirects=True)
        return self.page

    def send(self, action: str, **fields: Any) -> TestResponse:
        self.page = self.post(action, {**self.hidden(action), **fields}, follow_redirects=True)
        return self.page

    def post(
        self, action: str, values: dict[str, Any], *, signer: Signer | None = None, **more: Any
    ) -> TestResponse:
        """A form as till.js sends it: its body signed."""
        signer = signer or self.signer
        body = urlencode({name: value for name, value in values.items() if value is not None}).encode()
        signed = signer.headers("POST", action, body) if signer else {}
        return self.client.post(
            action,
            data=body,
            content_type="application/x-www-form-urlencoded",
            headers={"Accept-Language": self.language, **signed},
            **more,
        )

    def hidden(self, action: str) -> dict[str, str]:
        """The hidden fields of a form on this page."""
        form = re.search(
            rf'<form[^>]*action="{action}".*?</form>', self.page.text if self.page else "", re.DOTALL
        )
        assert form, f"no form for {action} on this page"
        return dict(HIDDEN.findall(form[0]))

    def sign_in(self, shop: Any, pin: str = "123456", clerk: str = "01") -> TestResponse:
        self.signer = shop.signer
        self.get("/till/sign-in")
        return self.send("/till/sign-in", clerk=clerk, pin=pin)

    def check(self, code: str) -> TestResponse:
        self.get("/till")
        return self.send("/till/check", code=code)

    def accept(self, code: str) -> TestResponse:
        self.check(code)
        return self.send("/till/accept")
