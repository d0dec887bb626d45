"""Events on their way to webhook endpoints: signed anew at each try, doubled, turned round, late, tried for three days."""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib import error, request

THREE_DAYS_S = 3 * 86_400
WAITS_S = (300, 1_800, 7_200, 18_000, 36_000, 43_200)  # then every 12 hours

Post = Callable[[str, bytes, dict[str, str]], int]


@dataclass(frozen=True)
class Delivery:
    """One event for one endpoint: when it is sent next, which try that is, and until when it is tried."""

    endpoint: str
    event: dict[str, Any]
    due: int
    tries: int
    until: int


def signed(secret: str, body: bytes, at: int) -> str:
    """The header `Stripe-Signature`."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Send it for real; 0 when nobody answers."""
    try:
        with request.urlopen(request.Request(url, body, headers), timeout=5) as answer:
            return int(answer.status)
    except error.HTTPError as refused:
        return refused.code
    except OSError:
        return 0


class Webhooks:
    """What waits to be sent, and how it is sent wrongly."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}  # endpoint -> signing secret
        self.waiting: list[Delivery] = []
        self.copies, self.backwards, self.delay_s = 1, False, 0
        self.post: Post = post

    def tell(self, endpoints: list[dict[str, Any]], event: dict[str, Any], at: int) -> None:
        """An event happened: it waits for each endpoint that wants it."""
        for endpoint in endpoints:
            if {"*", event["type"]} & set(endpoint["enabled_events"]):
                for _ in range(self.copies):
                    self.waiting.append(
                        Delivery(endpoint["id"], event, at + self.delay_s, 0, at + THREE_DAYS_S)
                    )

    def deliver(self, urls: dict[str, str], at: int) -> list[int]:
        """Send what is due; the statuses that came back. What was not taken waits for its next try."""
        due = [each for each in self.waiting if each.due <= at]
        self.waiting = [each for each in self.waiting if each.due > at]
        told = []
        for each in reversed(due) if self.backwards else due:
            body = json.dumps(each.event).encode()
            headers = {
                "Content-Type": "application/json",
                "Stripe-Signature": signed(self.secrets[each.endpoint], body, at),
            }
            status = self.post(urls[each.endpoint], body, headers)
            told.append(status)
            next_at = at + WAITS_S[min(each.tries, len(WAITS_S) - 1)]
            if not 200 <= status < 300 and next_at <= each.until:
                self.waiting.append(Delivery(each.endpoint, each.event, next_at, each.tries + 1, each.until))
        return told
