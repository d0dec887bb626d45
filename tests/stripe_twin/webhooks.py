"""Events on their way to webhook endpoints: signed anew at each try, doubled, turned round, late, tried for three days."""

import hashlib
import hmac
import json
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib import error, request

THREE_DAYS_S = 3 * 86_400
WAITS_S = (300, 1_800, 7_200, 18_000, 36_000, 43_200)  # then every 12 hours

_OPENER = request.build_opener(request.ProxyHandler({}))
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
    """Send it for real, past any proxy; 0 when nobody answers."""
    try:
        with _OPENER.open(request.Request(url, body, headers), timeout=5) as answer:
            return int(answer.status)
    except error.HTTPError as refused:
        return refused.code
    except (OSError, HTTPException, ValueError):
        return 0


class Webhooks:
    """What waits to be sent, and how it is sent wrongly."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}  # endpoint -> signing secret
        self.connect: set[str] = set()  # those that hear of connected accounts
        self.waiting: list[Delivery] = []
        self.copies, self.backwards, self.shuffled, self.delay_s = 1, False, False, 0
        self.post: Post = post
        self.taken: set[tuple[str, str]] = set()  # event and endpoint
        self.dice = random.Random(7)
        self._lock = threading.Lock()

    def tell(self, endpoints: list[dict[str, Any]], event: dict[str, Any], at: int) -> int:
        """An event happened: it waits for each endpoint that wants it; how many do."""
        wanting = [each for each in endpoints if self._wants(each, event)]
        for endpoint in wanting:
            waits = Delivery(endpoint["id"], event, at + self.delay_s, 0, at + THREE_DAYS_S)
            with self._lock:
                self.waiting += [waits] * self.copies
        return len(wanting)

    def _wants(self, endpoint: dict[str, Any], event: dict[str, Any]) -> bool:
        ours = (endpoint["id"] in self.connect) == ("account" in event)
        named = {"*", event["type"]} & set(endpoint["enabled_events"])
        return bool(ours and named and endpoint["status"] == "enabled")

    def forget(self, endpoint: str) -> None:
        """Nothing more is sent there."""
        with self._lock:
            self.waiting = [each for each in self.waiting if each.endpoint != endpoint]
        self.connect.discard(endpoint)

    def deliver(
        self, urls: dict[str, str], at: int, signed_at: int, taken: Callable[[dict[str, Any]], None]
    ) -> list[int]:
        """Send what is due; the statuses that came back. What was not taken waits for its next try."""
        told = []
        for each in self._due(at):
            if each.endpoint not in urls:
                continue
            body = json.dumps(each.event).encode()
            headers = {
                "Content-Type": "application/json",
                "Stripe-Signature": signed(self.secrets[each.endpoint], body, signed_at),
            }
            status = self.post(urls[each.endpoint], body, headers)
            told.append(status)
            if 200 <= status < 300:
                self._take(each, taken)
            else:
                self._again(each, at)
        return told

    def _take(self, each: Delivery, taken: Callable[[dict[str, Any]], None]) -> None:
        mark = (each.event["id"], each.endpoint)
        if mark not in self.taken:
            self.taken.add(mark)
            taken(each.event)

    def _due(self, at: int) -> list[Delivery]:
        with self._lock:
            due = [each for each in self.waiting if each.due <= at]
            self.waiting = [each for each in self.waiting if each.due > at]
        if self.shuffled:
            self.dice.shuffle(due)
        return due[::-1] if self.backwards else due

    def _again(self, each: Delivery, at: int) -> None:
        next_at = at + WAITS_S[min(each.tries, len(WAITS_S) - 1)]
        if next_at <= each.until:
            again = Delivery(each.endpoint, each.event, next_at, each.tries + 1, each.until)
            with self._lock:
                self.waiting.append(again)
