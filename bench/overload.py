"""Ten times what one process can answer, and then the usual again: what still gets through, and who is refused how soon.

A crowd loads the list of offers, ten times as often as one process can answer; a few sign-in pages of members and tills are
asked for beside it, in the lane that is kept for them. Then the crowd goes, and it is seen when answers are as before.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from statistics import median

from app.wiring import wire
from base.config import Config
from bench import client
from bench.client import Address
from bench.http import CONNECTIONS, READERS, WARM, add_offers, lists, serving, signed_in, together
from bench.plans import Figures, Measured, Plan, Say
from bench.population import Populations
from bench.server import Server

TIMES, CROWD, BESIDE_PER_S, BESIDE_CONNECTIONS = 10, 160, 10, 4
SECONDS = {"full": (10, 60), "quick": (4, 10), "tiny": (2, 3)}  # as usual, and of the crowd
KEPT = ("/sign-in", "/till/sign-in")
BACK_WITHIN_S, AS_BEFORE = 20, 2.0
Told = list[tuple[float, int, float]]  # when it was answered, status, seconds


def measure(server: Server, plan: Plan, populations: Populations, say: Say) -> Measured:
    """Goodput over the best, how soon is refused, what became of the kept lane, and when all was as before."""
    people = populations.of(plan.members)
    usual_s, crowd_s = SECONDS[plan.name]
    wire(Config.from_env().at(database_url=people.url), statement_timeout_ms=60_000)
    add_offers(people)
    readers = [signed_in(member_id) for member_id in people.members[:READERS]]
    server.settle(people.database)
    with serving(people.url) as address:
        together(client.rate, address, lists(readers, WARM), CONNECTIONS)
        say("overload: as usual")
        usual = together(crowd, address, lists(readers, READERS), 0.0, CONNECTIONS, usual_s)
        best = sum(status == 200 for _, status, _ in usual) / usual_s
        say(f"overload: {TIMES} times {best:.0f} a second for {crowd_s} s")
        kept = [client.request("GET", path, {}) for path in KEPT]
        with ThreadPoolExecutor(2) as both:
            many = both.submit(
                together, crowd, address, lists(readers, READERS), TIMES * best, CROWD, crowd_s
            )
            few = both.submit(
                together, crowd, address, kept, float(BESIDE_PER_S), BESIDE_CONNECTIONS, crowd_s
            )
            told, beside = many.result(), few.result()
        say("overload: as usual again")
        after_s = together(normal_after, address, lists(readers, READERS), _middle(usual))
    return _figures(told, beside, best, crowd_s, after_s)


def _figures(told: Told, beside: Told, best: float, crowd_s: int, after_s: float) -> Measured:
    refused = [seconds for _, status, seconds in told if status == 503]
    goodput = sum(status == 200 for _, status, _ in told) / crowd_s
    figures: Figures = {
        "overload_best_per_s": best,
        "overload_asked_per_s": len(told) / crowd_s,
        "overload_goodput_per_s": goodput,
        "overload_refused": len(refused),
        "overload_refusal_p99_ms": 1_000 * _late(refused),
        "overload_other_than_200_503": sum(status not in (200, 503) for _, status, _ in told),
        "overload_kept_refused": sum(status != 200 for _, status, _ in beside),
        "overload_kept_p99_ms": 1_000 * _late([seconds for _, _, seconds in beside]),
        "overload_normal_after_s": after_s,
    }
    return {"overload_goodput_over_best": goodput / best}, figures


def crowd(
    address: Address, requests: Sequence[bytes], per_s: float, connections: int, seconds: float
) -> Told:
    """What so many connections are told in that time, all together asking `per_s` (0: each as soon as it has its answer)."""
    told, lock, ends = Told(), threading.Lock(), time.monotonic() + seconds
    pause = connections / per_s if per_s else 0.0

    def one(number: int) -> None:
        asked, due = cycle(requests[number % len(requests) :] or requests), time.monotonic()
        with client.connection(address) as link:
            time.sleep(pause * number / connections)
            while time.monotonic() < ends:
                began = time.monotonic()
                head, _ = link.exchange(next(asked))
                now = time.monotonic()
                with lock:
                    told.append((now, int(head[9:12]), now - began))
                due += pause
                time.sleep(max(0.0, due - now))

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(one, range(connections)))
    return told


def normal_after(address: Address, requests: Sequence[bytes], before_s: float) -> float:
    """After how many seconds nobody is refused and answers take at most twice as long as before; BACK_WITHIN_S at most."""
    began = time.monotonic()
    while time.monotonic() < began + BACK_WITHIN_S:
        at = time.monotonic()
        told = crowd(address, requests, 0.0, CONNECTIONS, 0.5)
        if all(status == 200 for _, status, _ in told) and _middle(told) <= AS_BEFORE * before_s:
            return at - began
    return float(BACK_WITHIN_S)


def _middle(told: Told) -> float:
    return median(seconds for _, _, seconds in told)


def _late(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) * 99 // 100] if seconds else 0.0
