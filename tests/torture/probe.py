"""A quiet client beside the load: a small write each tenth of a second, at each web in turn. What it sees is downtime."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.torture.client import Answer, Client
from tests.torture.world import Person, World

EACH_S = 0.1


@dataclass(frozen=True)
class Seen:
    at: float
    status: int
    seconds: float

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def until(self) -> float:
        return self.at + self.seconds


@dataclass
class Probe:
    world: World
    who: Person
    ports: list[int]
    out: set[int] = field(default_factory=set)
    seen: list[Seen] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self.threads = [threading.Thread(target=self._look, args=(n,), daemon=True) for n in range(2)]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(15)

    def ask(self, client: Client) -> Answer:
        """A quote: reads much, writes a row."""
        body = {"offer": self.world.offer(self.world.vouchers[0]), "units": 1}
        return client.ask("POST", "/v1/quotes", body, {"Authorization": f"Bearer {self.who.token}"})

    def _look(self, number: int) -> None:
        client = Client(self.ports, number, out=self.out)
        while not self.over.wait(EACH_S):
            began = time.monotonic()
            answer = self.ask(client)
            self.seen.append(Seen(began, answer.status, answer.seconds))
        client.close()

    def until_ok(self, since: float, within_s: float) -> float | None:
        """Seconds from a moment to the first success of a request that was sent after it; None: there was none in time."""
        limit = since + within_s
        while True:
            for one in list(self.seen)[-400:]:
                if one.at >= since and one.ok:
                    return one.until - since
            if time.monotonic() > limit:
                return None
            time.sleep(0.02)

    def window(self, begin: float, end: float) -> dict[str, Any]:
        """What was seen between two moments, with what was under way at either: how many, how many failed, the longest wait, the longest time without a success."""
        some = sorted(
            (one for one in list(self.seen) if one.until >= begin and one.at <= end),
            key=lambda one: one.until,
        )
        last, longest = begin, 0.0
        for one in some:
            if one.ok:
                longest, last = max(longest, one.until - last), one.until
        longest = max(longest, end - last)
        return {
            "asked": len(some),
            "ok": sum(one.ok for one in some),
            "unavailable": sum(one.status == 503 for one in some),
            "no_answer": sum(one.status == 0 for one in some),
            "wrong": sum(one.status >= 500 and one.status != 503 for one in some),
            "longest_answer_s": round(max((one.seconds for one in some), default=0.0), 2),
            "p99_ms": round(1_000 * _p99([one.seconds for one in some if one.ok])),
            "down_s": round(longest, 2),
        }


def _p99(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) * 99 // 100] if seconds else 0.0
