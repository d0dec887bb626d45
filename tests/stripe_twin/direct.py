"""The twin without a network: what stands in for `base.calls.call`, so that thousands of calls cost little.

`monkeypatch.setattr(calls, "call", direct.call(twin))`: the real client of Stripe makes and reads the requests as ever.
"""

from collections.abc import Callable
from email.message import Message
from http.client import HTTPMessage
from typing import Any, cast

from base.calls import Answered, Lost
from tests.stripe_twin import wire
from tests.stripe_twin.faults import HangUp
from tests.stripe_twin.twin import Twin


def call(twin: Twin) -> Callable[..., Answered | Lost]:
    """`base.calls.call`, answered by this twin; a lost answer is lost at once."""

    def answered(
        method: str,
        url: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
        *more: Any,
        **options: Any,
    ) -> Answered | Lost:
        path, _, query = target.partition("?")
        given = {name.lower(): value for name, value in headers.items()}
        try:
            told = wire.answer(twin, wire.Asked(method, path, query, (body or b"").decode(), given))
        except HangUp:
            return Lost("the twin hung up")
        return Answered(told.status, told.body.encode(), _message(told.headers))

    return answered


def _message(headers: dict[str, str]) -> HTTPMessage:
    found = Message()
    for name, value in headers.items():
        found[name] = value
    return cast(HTTPMessage, found)
