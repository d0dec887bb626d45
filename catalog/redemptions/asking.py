"""How another system is asked over HTTP and JSON: look, send, look - and what an answer means that is not its own word.

Systems that take orders know no idempotency key: two requests are two orders. So our redemption's public id travels as the
client's own reference, and whoever does not know whether a request arrived looks for it before ever sending again.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from base import calls
from catalog.redemptions.outcomes import Done, NotFound, Outcome, UnderWay, Unknown, Unreachable

HEADERS = {"Content-Type": "application/json;charset=utf-8", "Accept": "application/json"}


@dataclass(frozen=True)
class Told:
    """A whole answer in JSON; `total`: how many rows it says that there are (X-Total-Count)."""

    status: int
    value: Any
    total: str | None


def once(sent_before: bool, look: Callable[[], Outcome | NotFound], send: Callable[[], Outcome]) -> Outcome:
    """Send at most once: look first if an earlier try may have arrived, and afterwards whether it is there just once.

    `sent_before` is True from the first try on, whatever became of it. At most three requests.
    """
    if sent_before:
        earlier = look()
        if not isinstance(earlier, NotFound):
            return earlier
    outcome = send()
    if not isinstance(outcome, Done | UnderWay):
        return outcome
    seen = look()
    return outcome if isinstance(seen, NotFound | Unknown) else seen


def send(url: str, target: str, body: object, timeout_s: float) -> Told | Unknown | Unreachable:
    """One request that asks for something. Our key (401) and our pace (429) are no word about it."""
    answer = _call("POST", url, target, json.dumps(body).encode(), timeout_s)
    if isinstance(answer, Told) and answer.status in (401, 429):
        return Unreachable(f"status {answer.status}")
    return answer


def look(url: str, target: str, timeout_s: float) -> Told | Unknown:
    """One request that only looks; whatever goes wrong with it, nothing is known."""
    answer = _call("GET", url, target, None, timeout_s)
    if isinstance(answer, Unreachable):
        return Unknown(answer.reason)
    if isinstance(answer, Told) and answer.status != 200:
        return Unknown(f"status {answer.status}")
    return answer


def refusal(told: Told) -> str | None:
    """Why the other side says no, in its own words; None when it does not. A gateway in between may say 4xx too: only an
    error with code and reason is the system's own word, and 408 is none.
    """
    value = told.value
    if not (400 <= told.status < 500 and told.status != 408 and isinstance(value, dict)):
        return None
    code, reason = value.get("code"), value.get("reason")
    if not (isinstance(code, str) and code and isinstance(reason, str) and reason):
        return None
    return f"{code}: {reason}"[:500]


def _call(
    method: str, url: str, target: str, body: bytes | None, timeout_s: float
) -> Told | Unknown | Unreachable:
    found = calls.call(method, url, target, body, HEADERS, timeout_s)
    if isinstance(found, calls.NotSent):
        return Unreachable(found.reason)
    if isinstance(found, calls.Lost):
        return Unknown(found.reason)
    try:
        value = json.loads(found.body)
    except (ValueError, RecursionError):
        return Unknown(f"status {found.status} without JSON")
    return Told(found.status, value, found.headers.get("X-Total-Count"))
