"""The load: members who redeem, give, cancel; tills that accept and void; billing that tells lines. Each deed has one key.

A seed draws who does what; how the deeds of several clients meet is left to the machine.
"""

import random
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.torture.client import Answer, Client
from tests.torture.history import ACKNOWLEDGED, History, Operation
from tests.torture.world import Person, Till, World, bill_lines

CLIENTS = 6
REST_S = 0.02  # between two deeds of a client: the machine has other things to do
AWAY_S = 0.3  # where it was told that something is down
FAILED = frozenset({0, 500, 502, 504})  # what nobody may be told, whatever is down: 503 says what to do
Told = tuple[float, str, int, float]  # when, what, status, seconds


@dataclass
class Load:
    world: World
    history: History
    ports: list[int]
    seed: int
    out: set[int] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)
    shelf: "deque[tuple[int, str, str]]" = field(default_factory=lambda: deque(maxlen=400))
    used: "deque[str]" = field(default_factory=lambda: deque(maxlen=200))
    bought: "deque[tuple[Person, str]]" = field(default_factory=lambda: deque(maxlen=100))
    told: list[Told] = field(default_factory=list)
    troubles: "Counter[str]" = field(default_factory=Counter)

    def start(self) -> None:
        self.threads = [threading.Thread(target=self._live, args=(n,), daemon=True) for n in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(30)

    def _live(self, number: int) -> None:
        pick, client = random.Random(f"{self.seed} client {number}"), Client(self.ports, number, out=self.out)
        deeds: list[Callable[[random.Random, Client], None]] = [
            self.redeem, self.redeem, self.redeem, self.accept, self.accept, self.accept, self.give, self.bill,
            self.void, self.cancel, self.credit, self.scarce,
        ]  # fmt: skip
        while not self.over.is_set():
            try:
                pick.choice(deeds)(pick, client)
            except Exception as error:  # the load itself must not end
                self.troubles[f"{type(error).__name__}: {error}"[:160]] += 1
            self.over.wait(AWAY_S if self.told and self.told[-1][2] in (0, 503) else REST_S)
        client.close()

    # What members do

    def redeem(self, pick: random.Random, client: Client) -> None:
        """A voucher; it is opened at once, and its code is known to the tills then."""
        who, which = pick.choice(self.world.people), pick.randrange(len(self.world.vouchers))
        answer = self._redeem(client, who, self.world.vouchers[which], "redeem")
        if answer is None or not answer.ok:
            return
        voucher = str(answer.body["voucher"])
        self.bought.append((who, str(answer.body["id"])))
        seen = self._plain(client, "GET", f"/v1/vouchers/{voucher}", None, _member(who))
        if seen.ok and seen.body.get("code"):
            self.shelf.append((which, str(seen.body["code"]), voucher))

    def credit(self, pick: random.Random, client: Client) -> None:
        """A credit on the bill: the worker asks the billing system for it."""
        self._redeem(client, pick.choice(self.world.people), self.world.credit, "credit")

    def scarce(self, pick: random.Random, client: Client) -> None:
        """One of the last items: fifty there are in all."""
        self._redeem(client, pick.choice(self.world.people), self.world.scarce, "scarce")

    def _redeem(self, client: Client, who: Person, offer: Any, kind: str) -> Answer | None:
        quote = self._plain(
            client, "POST", "/v1/quotes", {"offer": self.world.offer(offer), "units": 1}, _member(who)
        )
        if not quote.ok:
            return None
        name = str(quote.body["id"])
        return self._deed(
            client, kind, "/v1/redemptions", {"quote": name}, f"member:{who.member_id}", name, _member(who)
        )

    def cancel(self, pick: random.Random, client: Client) -> None:
        if not self.bought:
            return
        who, redemption = pick.choice(list(self.bought))
        path = f"/v1/redemptions/{redemption}/cancel"
        self._deed(client, "cancel", path, None, f"member:{who.member_id}", redemption, _member(who))

    def give(self, pick: random.Random, client: Client) -> None:
        """To another member; each gift of a giver has its own number of points, by which it is found again."""
        giver, receiver = pick.sample(self.world.people, 2)
        points = 1 + next(self.world.numbers) % 3_000
        effect = (giver.member_id, points)
        self._deed(
            client, "gift", "/v1/gifts", {"to": receiver.phone, "points": points}, f"member:{giver.member_id}", effect, _member(giver)
        )  # fmt: skip

    # What others do

    def bill(self, pick: random.Random, client: Client) -> None:
        """Lines of one bill for three members; a line is its own key."""
        some, bill = pick.sample(self.world.people, 3), f"B{uuid.UUID(int=pick.getrandbits(128)).hex[:16]}"
        headers = {"Authorization": f"Bearer {self.world.service}"}
        effect = (bill, tuple(one.member_id for one in some))
        self._deed(
            client, "bill", "/v1/bill-lines", bill_lines(self.world, some, bill), "billing", effect, headers
        )

    def accept(self, pick: random.Random, client: Client) -> None:
        """A till takes a voucher by its code; some of them at two tills of the same shop, one after the other or at once."""
        if not self.shelf:
            return
        try:
            which, code, voucher = (
                self.shelf.popleft() if pick.random() < 0.8 else pick.choice(list(self.shelf))
            )
        except IndexError:
            return
        tills = [till for till in self.world.tills if till.shop is self.world.shops[which]]
        for till in tills if pick.random() < 0.3 else [pick.choice(tills)]:
            body = {"code": code, "clerk": "01"}
            answer = self._deed(client, "accept", "/v1/vouchers/accept", body, _name(till), voucher, {}, till)
            if answer.ok:
                self.used.append(f"{self.world.tills.index(till)} {answer.body['id']}")

    def void(self, pick: random.Random, client: Client) -> None:
        if not self.used:
            return
        number, _, acceptance = pick.choice(list(self.used)).partition(" ")
        till = self.world.tills[int(number)]
        path, body = f"/v1/acceptances/{acceptance}/void", {"reason": "wrong", "clerk": "01"}
        self._deed(client, "void", path, body, _name(till), acceptance, {}, till)

    # Sending

    def _deed(
        self, client: Client, kind: str, path: str, body: Any, actor: str, effect: Any, headers: dict[str, str], till: Till | None = None
    ) -> Answer:  # fmt: skip
        operation = self.history.send(kind, str(uuid.uuid4()), path, body, actor, effect)
        return self.send(client, operation, headers, till)

    def send(
        self, client: Client, operation: Operation, headers: dict[str, str], till: Till | None
    ) -> Answer:
        """Send an operation, a first time or again, and note its answer."""
        sent = {**headers, "Idempotency-Key": operation.key}
        if till is None:
            answer = client.ask("POST", operation.path, operation.body, sent)
        else:
            with till.lock:  # a till does one thing at a time, and its counter goes up with each
                signed = till.headers("POST", operation.path, operation.body)
                answer = client.ask("POST", operation.path, operation.body, sent | signed)
        self.history.told(operation, answer.status, answer.body, answer.seconds)
        if operation.kind == "bill" and answer.ok:
            operation.answer = _of_lines(answer.body)
        self._note(operation.kind, answer)
        return answer

    def _plain(self, client: Client, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        answer = client.ask(method, path, body, headers)
        self._note(path.split("/")[2], answer)
        return answer

    def _note(self, what: str, answer: Answer) -> None:
        self.told.append((time.monotonic(), what, answer.status, answer.seconds))

    def never_to_be_told(self) -> list[str]:
        """What somebody was told that nobody may be told, whatever was broken; silence is judged where it may not be."""
        many = Counter((what, status) for _, what, status, _ in self.told if status in FAILED - {0})
        return [f"{what} was told {status}, {times} times" for (what, status), times in many.items()]

    def headers_of(self, operation: Operation) -> tuple[dict[str, str], Till | None]:
        """Who asks again what was asked before."""
        who, _, number = operation.actor.partition(":")
        if who == "member":
            return _member(next(one for one in self.world.people if one.member_id == int(number))), None
        if who == "till":
            return {}, self.world.tills[[_name(till) for till in self.world.tills].index(operation.actor)]
        return {"Authorization": f"Bearer {self.world.service}"}, None

    def settle(self, operations: Iterable[Operation], within_s: float) -> int:
        """Ask each unknown again, with its key, until it is known; how many are not at the end."""
        client, limit, left = Client(self.ports), time.monotonic() + within_s, list(operations)
        while left and time.monotonic() < limit:
            for operation in left:
                self.send(client, operation, *self.headers_of(operation))
            left = [one for one in left if one.answer == "unknown"]
            if left:
                time.sleep(0.5)
        client.close()
        return len(left)


def _member(who: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {who.token}"}


def _name(till: Till) -> str:
    return f"till:{till.signer.terminal_id}"


def _of_lines(body: Any) -> str:
    """Lines that are refused one by one: all of them were taken, or this told that something is wrong."""
    taken = all(each["status"] in ("posted", "there") for each in body["answers"])
    return ACKNOWLEDGED if taken else "refused"
