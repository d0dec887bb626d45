"""Somebody before the balancer: asks, and asks again with the same key where nobody knows what came of it, as every client has to."""

import http.client
import json
import re
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.torture.proxy import LOOPBACK
from tests.torture.world import Till

UNKNOWN = frozenset(
    {0, 502, 503, 504}
)  # nobody knows, or nobody was there: the same again, with the same key
TRIES, RESTS_S, PATIENCE_S = 40, 0.25, 40
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
Headers = dict[str, str]


class Failed(Exception):
    """A step did not come to what it must come to."""


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    headers: Headers

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Someone:
    """One person or system; `token` for the API, `cookies` for pages, `till` signs. `told` counts what it had to ask again."""

    port: int
    told: "Counter[str]"
    token: str = ""
    till: Till | None = None
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Answer:
        return self._until_known("GET", path, b"", {})

    def post(self, path: str, body: Any = None, *, expects: int = 201) -> Answer:
        """A call that writes, under a key of its own; Failed unless it comes to that status."""
        headers = {"Idempotency-Key": str(uuid.uuid4()), "Content-Type": "application/json"}
        if body is None:
            del headers["Content-Type"]
        raw = b"" if body is None else json.dumps(body).encode()
        answer = self._until_known("POST", path, raw, headers, body)
        if answer.status != expects:
            raise Failed(f"POST {path}: {answer.status} {answer.text[:200]}")
        return answer

    def read(self, path: str) -> Any:
        """What a GET answers, which must be 200."""
        answer = self.get(path)
        if answer.status != 200:
            raise Failed(f"GET {path}: {answer.status} {answer.text[:200]}")
        return answer.json if "json" in answer.headers.get("content-type", "") else answer.text

    def fill(self, page: str, action: str, **fields: str) -> Answer:
        """Open a page and send the form on it that goes to an address; its key goes along, so that it may be sent again."""
        found = re.search(
            rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', self.read(page), re.DOTALL
        )
        if found is None:
            raise Failed(f"{page} has no form that goes to {action}")
        sent = urlencode(dict(HIDDEN.findall(found[1])) | fields).encode()
        answer = self._until_known(
            "POST", action, sent, {"Content-Type": "application/x-www-form-urlencoded"}
        )
        if answer.status not in (200, 302, 303):
            raise Failed(f"POST {action}: {answer.status} {_main(answer.text)}")
        return answer

    def _until_known(self, method: str, path: str, raw: bytes, headers: Headers, body: Any = None) -> Answer:
        for _ in range(TRIES):
            answer = self._ask(method, path, raw, headers, body)
            busy = answer.status == 409 and "still-running" in answer.text
            if answer.status not in UNKNOWN and not busy:
                return answer
            self.told["still running" if busy else f"{answer.status or 'no answer'}"] += 1
            time.sleep(RESTS_S)
        raise Failed(f"{method} {path}: nobody answers, {answer.status}")

    def _ask(self, method: str, path: str, raw: bytes, headers: Headers, body: Any) -> Answer:
        sent = {"Accept-Language": "en", **headers}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if self.till is None:
            return self._send(method, path, raw, sent)
        with self.till.lock:  # one request after the other, each signed anew
            return self._send(method, path, raw, sent | self.till.headers(method, path, body))

    def _send(self, method: str, path: str, raw: bytes, sent: Headers) -> Answer:
        link = http.client.HTTPConnection(LOOPBACK, self.port, timeout=PATIENCE_S)
        try:
            link.request(method, path, raw or None, sent)
            answer = link.getresponse()
            text = answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return Answer(0, "", {})
        finally:
            link.close()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                cookie, _, kept = value.partition(";")[0].partition("=")
                self.cookies[cookie] = kept
        return Answer(answer.status, text, {name.lower(): value for name, value in answer.getheaders()})


def until(question: Callable[[], Any], what: str, within_s: float) -> Any:
    """Ask again and again until there is an answer; Failed when there is none in time."""
    limit = time.monotonic() + within_s
    while not (found := question()):
        if time.monotonic() > limit:
            raise Failed(f"{what}: not within {within_s:g} s")
        time.sleep(0.3)
    return found


def _main(page: str) -> str:
    return re.sub(r"<[^>]+>|\s+", " ", page.partition("<main")[2])[:300].strip()
