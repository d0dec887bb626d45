"""Ten times what one process can answer, and then the usual again: what still gets through, and who is refused how soon.

A crowd loads the list of offers, ten times as often as one process can answer; a few sign-in pages of members and tills are
asked for beside it, in the lane that is kept for them. Then the crowd goes, and it is seen when answers are as before.
"""

import selectors
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from heapq import heappop, heappush
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
    """Goodput over the best, how soon is refused, what became of the kept lane, and when all was as before.

    The best is measured before and after: a machine is not as quick at all times.
    """
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
        before = _good(usual) / usual_s
        say(f"overload: {TIMES} times {before:.0f} a second for {crowd_s} s")
        kept = [client.request("GET", path, {}) for path in KEPT]
        with ThreadPoolExecutor(2) as both:
            many = both.submit(
                together, crowd, address, lists(readers, READERS), TIMES * before, CROWD, crowd_s
            )
            few = both.submit(
                together, crowd, address, kept, float(BESIDE_PER_S), BESIDE_CONNECTIONS, crowd_s
            )
            told, beside = many.result(), few.result()
        say("overload: as usual again")
        after_s = together(normal_after, address, lists(readers, READERS), _middle(usual))
        usual += together(crowd, address, lists(readers, READERS), 0.0, CONNECTIONS, usual_s)
    return _figures(told, beside, _good(usual) / (2 * usual_s), crowd_s, after_s)


def _figures(told: Told, beside: Told, best: float, crowd_s: int, after_s: float) -> Measured:
    refused = [seconds for _, status, seconds in told if status == 503]
    goodput = (_good(told) + _good(beside)) / crowd_s
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


class _Caller:
    """One connection of the crowd: what it asks next, when that is due, and what it has of the answer so far."""

    def __init__(self, address: Address, requests: Sequence[bytes], due: float) -> None:
        self.due, self._address, self._requests = due, address, cycle(requests)
        self._asked, self._got, self.began = b"", b"", 0.0
        self.link = self._open()

    def ask(self) -> None:
        self._asked, self._got, self.began = next(self._requests), b"", time.monotonic()
        self.link.sendall(self._asked)

    def answered(self) -> int:
        """The answer's status once all of it is here; 0 until then. ConnectionError: the server has hung up."""
        more = self.link.recv(65536)
        if not more:
            raise ConnectionResetError
        self._got += more
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found:
            return 0
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        return int(head[9:12]) if len(body) >= int(length) else 0

    def again(self) -> None:
        """Call again, and ask again what had no answer."""
        self.link.close()
        self.link = self._open()
        if self._asked:
            self.link.sendall(self._asked)

    def _open(self) -> socket.socket:
        link = socket.create_connection(self._address, client.TIMEOUT_S)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return link


def crowd(
    address: Address, requests: Sequence[bytes], per_s: float, connections: int, seconds: float
) -> Told:
    """What so many connections are told in that time, all together asking `per_s` (0: each as soon as it has its answer).

    All in one loop: threads would wait for each other, and their waiting would be in the figures.
    """
    told, began = Told(), time.monotonic()
    ends, pause = began + seconds, connections / per_s if per_s else 0.0
    callers = [
        _Caller(
            address, [*requests[number % len(requests) :], *requests], began + pause * number / connections
        )
        for number in range(connections)
    ]
    idle = [(caller.due, number) for number, caller in enumerate(callers)]
    with selectors.DefaultSelector() as open_ones:
        for number, caller in enumerate(callers):
            open_ones.register(caller.link, selectors.EVENT_READ, number)
        while (now := time.monotonic()) < ends:
            while idle and idle[0][0] <= now:
                callers[heappop(idle)[1]].ask()
            for key, _ in open_ones.select(max(0.0, min([*(at for at, _ in idle[:1]), ends]) - now)):
                caller = callers[key.data]
                try:
                    status = caller.answered()
                except ConnectionError:
                    open_ones.unregister(key.fileobj)
                    caller.again()
                    open_ones.register(caller.link, selectors.EVENT_READ, key.data)
                    continue
                if status:
                    at = time.monotonic()
                    told.append((at, status, at - caller.began))
                    caller.due = max(at, caller.due + pause)
                    heappush(idle, (caller.due, key.data))
    for caller in callers:
        caller.link.close()
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


def _good(told: Told) -> int:
    return sum(status == 200 for _, status, _ in told)


def _middle(told: Told) -> float:
    return median(seconds for _, _, seconds in told)


def _late(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) * 99 // 100] if seconds else 0.0
