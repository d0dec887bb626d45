"""A load that asks once and never again: members who look, quote and redeem through the balancer, while something is renewed behind it."""

import http.client
import json
import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.torture.proxy import LOOPBACK

ASKERS, PATIENCE_S, RESTS_S, LOOKS = 6, 30, 0.01, 3


@dataclass(frozen=True)
class Told:
    at: float
    what: str
    status: int
    seconds: float

    @property
    def failed(self) -> bool:
        """Nobody answered, or not what was asked for: no refusal is expected here."""
        return not 200 <= self.status < 300


@dataclass
class Steady:
    """`tokens` of members, public `offers`; `told` grows while it runs."""

    port: int
    tokens: list[str]
    offers: list[str]
    told: list[Told] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Steady":
        self.threads = [threading.Thread(target=self._ask, args=(n,), daemon=True) for n in range(ASKERS)]
        for one in self.threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for one in self.threads:
            one.join(PATIENCE_S + 5)

    def since(self, began: float, until: float = float("inf")) -> dict[str, Any]:
        """What those were told who were waiting at a moment in between."""
        some = [one for one in list(self.told) if one.at + one.seconds >= began and one.at <= until]
        failed = [one for one in some if one.failed]
        times = sorted(one.seconds for one in some) or [0.0]
        return {
            "requests": len(some),
            "failed": len(failed),
            "failures": dict(Counter(f"{one.what} {one.status}" for one in failed).most_common(5)),
            "p99_ms": round(1_000 * times[len(times) * 99 // 100]),
            "longest_ms": round(1_000 * times[-1]),
        }

    def _ask(self, number: int) -> None:
        pick, mine = (
            random.Random(number),
            self.tokens[number::ASKERS],
        )  # a quote is stale once its member did something else
        while not self.over.wait(RESTS_S):
            token = pick.choice(mine)
            for _ in range(LOOKS):
                self._send(token, "GET", "/v1/members/me/wallet")
            quote = self._send(token, "POST", "/v1/quotes", {"offer": pick.choice(self.offers), "units": 1})
            if quote:
                self._send(token, "POST", "/v1/redemptions", {"quote": quote["id"]})

    def _send(self, token: str, method: str, path: str, body: Any = None) -> Any:
        began = time.monotonic()
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        link = http.client.HTTPConnection(LOOPBACK, self.port, timeout=PATIENCE_S)
        status, found = 0, None
        try:
            link.request(method, path, None if body is None else json.dumps(body), headers)
            answer = link.getresponse()
            status, found = answer.status, json.loads(answer.read() or b"null")
        except (OSError, http.client.HTTPException, ValueError):
            pass
        finally:
            link.close()
        self.told.append(Told(began, f"{method} {path}", status, time.monotonic() - began))
        return found if status == 201 else None
