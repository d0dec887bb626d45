"""Sending: one event to one endpoint, once, within a few seconds; nothing here touches the database.

The body is a CloudEvents 1.0 event in structured JSON; any answer of 2xx means taken, everything else that it is tried again.
Redirects are not followed. Neither url nor body is logged, for a url may carry a secret of the receiver's.
"""

import json
import re
import time
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from base import calls
from base.version import VERSION
from base.webhooks import addresses, signing
from base.webhooks.addresses import AddressRefused
from base.webhooks.models import Event
from base.webhooks.webhooks import event_reference

TIMEOUT_S = 5.0
MOST_BYTES = 65_536
LONGEST_ERROR = 200
GONE = 410
log = structlog.get_logger()


@dataclass(frozen=True)
class Letter:
    """What is sent where. Only the event's id is in its repr."""

    message_id: str
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """What came of it: HTTP's status if there was an answer, why it does not count as taken, and how long it took."""

    status: int | None
    error: str | None
    duration_ms: int


def envelope(event: Event, source: str) -> bytes:
    """The event as CloudEvents writes it; the same bytes at each try."""
    told = {
        "specversion": "1.0",
        "id": event_reference(event),
        "source": source,
        "type": event.type,
        "subject": event.subject,
        "time": event.at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": event.data,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def send(letter: Letter, at: datetime, *, own_machine: bool) -> Outcome:
    """One try; safe to repeat, for the receiver knows the event by its id."""
    began = time.monotonic()
    status, error = _ask(letter, at, own_machine=own_machine)
    took = round((time.monotonic() - began) * 1000)
    log.info("webhook", event_id=letter.message_id, status=status, taken=error is None, ms=took)
    return Outcome(status, error, took)


def _ask(letter: Letter, at: datetime, *, own_machine: bool) -> tuple[int | None, str | None]:
    try:
        place = addresses.resolved(letter.url, own_machine=own_machine)
    except AddressRefused as refusal:
        return None, refusal.detail[:LONGEST_ERROR]
    headers = {
        "Content-Type": "application/cloudevents+json; charset=utf-8",
        "User-Agent": f"jifen/{VERSION}",
        **signing.headers(list(letter.secrets), letter.message_id, int(at.timestamp()), letter.body),
    }
    answer = calls.call(
        "POST",
        place.origin,
        place.target,
        letter.body,
        headers,
        TIMEOUT_S,
        address=place.address,
        most_bytes=MOST_BYTES,
    )
    if not isinstance(answer, calls.Answered):
        return None, answer.reason[:LONGEST_ERROR]
    if 200 <= answer.status < 300:
        return answer.status, None
    said = "redirects are not followed" if 300 <= answer.status < 400 else _words(answer.body, letter.secrets)
    return answer.status, f"status {answer.status}: {said}"[:LONGEST_ERROR]


def _words(body: bytes, secrets: tuple[str, ...]) -> str:
    """The beginning of what a receiver said, on one line; a secret that it repeats is blotted out."""
    text = body.decode(errors="replace")
    for secret in secrets:
        text = text.replace(secret.removeprefix(signing.MARK), "***")
    text = re.sub(rf"{signing.MARK}\S+", "***", text[: 10 * LONGEST_ERROR])
    return " ".join("".join(s if s.isprintable() else " " for s in text).split())
