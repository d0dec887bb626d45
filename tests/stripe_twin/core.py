"""What all parts of the twin stand on: objects by account, the clock, idempotency keys, faults, balances, events.

An account is named by its id; the platform's own things belong to PLATFORM.
"""

import itertools
import json
import random
import secrets
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.stripe_twin import connect_shapes, shapes
from tests.stripe_twin.errors import Refusal, broken, invalid, missing, too_many, unavailable
from tests.stripe_twin.faults import Fault, HangUp
from tests.stripe_twin.shapes import Thing
from tests.stripe_twin.webhooks import Webhooks

PLATFORM = ""
DAY_S = KEYS_LIVE_S = 86_400

Params = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One call of the API: the row of the routes, the path, whose account, the ids in the path, what was asked."""

    route: str
    path: str
    params: Params = field(default_factory=dict)
    account: str = PLATFORM
    ids: tuple[str, ...] = ()
    key: str | None = None


@dataclass(frozen=True)
class Reply:
    """Status and JSON; whether it is the kept answer of an earlier call."""

    status: int
    body: str
    replayed: bool = False


@dataclass(frozen=True)
class Kept:
    """The answer that an idempotency key stands for."""

    path: str
    params: Params
    status: int
    body: str
    at: int


class Core:
    """One Stripe account and those connected to it, all in memory."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.ahead_s = 0
        self.things: dict[tuple[str, str], dict[str, Thing]] = {}
        self.keys: dict[str, Kept] = {}
        self.running: set[str] = set()
        self.faults: list[Fault] = []
        self.calls: Counter[str] = Counter()
        self.webhooks = Webhooks()
        self.lock = threading.RLock()
        self.dice = random.Random(7)
        self.address = "http://127.0.0.1"  # where it is served, for the links it gives out
        self.card_days = 0  # after so many days the money of a card is available
        self.available: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.unsettled: defaultdict[str, dict[str, Thing]] = defaultdict(dict)  # in no payout yet
        self.maturing: dict[str, tuple[str, Thing]] = {}  # not available yet
        self.settled: defaultdict[str, list[str]] = defaultdict(list)  # payout -> its balance transactions
        self.in_transit: dict[str, str] = {}  # payout -> account
        self.links: dict[str, Params] = {}  # token of an account link -> what it is for
        self.day: int | None = None  # the last day that was begun
        self.journal: list[Thing] | None = None
        self.touched: dict[tuple[str, str, str], None] = {}
        self.flush: Callable[[], None] = self.touched.clear
        self._numbers = itertools.count(1)
        self._key: str | None = None
        self._at: int | None = None

    # ---- clock and faults

    def now(self) -> int:
        return int(self.clock()) + self.ahead_s if self._at is None else self._at

    def fails(self, on: str, mode: str, **more: Any) -> None:
        """The next calls of this route go wrong, once unless `times` says otherwise; `POST /v1/payment_intents/*/cancel`
        names all intents, `*` all routes. `more`: times (None: for good), seconds, share (0.1: a tenth), account."""
        self.faults.append(Fault(on, mode, **more))

    def fault(self, route: str, *modes: str, account: str = PLATFORM) -> Fault | None:
        if not self.faults:
            return None
        with self.lock:
            return next((f for f in self.faults if f.strikes(route, modes, account, self.dice)), None)

    def tick(self) -> None:
        """What the clock brings; called under the lock."""

    # ---- one call: faults of the wire, then the key, then the deed

    def run(self, call: Call, deed: Callable[[Any, Call], Thing]) -> Reply:
        """The answer; HangUp where none is to be given."""
        self.calls[call.route] += 1
        self._fails_before(call)
        key = f"{call.account}/{call.key}" if call.key and call.account else call.key
        with self.lock:
            if key and (kept := self._kept(key, call)):
                return Reply(kept.status, kept.body, replayed=True)
            if key:
                self.running.add(key)
        try:
            if fault := self.fault(call.route, "slow"):
                time.sleep(fault.seconds)
            with self.lock:
                self.tick()
                status, body = self._done(call, deed)
                if key:
                    self._keep_answer(key, Kept(call.path, call.params, status, body, self.now()))
                self.flush()
        finally:
            self.running.discard(key or "")
        if fault := self.fault(call.route, "timeout_after"):
            raise HangUp(fault.seconds)
        return Reply(status, body)

    def _fails_before(self, call: Call) -> None:
        if fault := self.fault(call.route, "timeout_before"):
            raise HangUp(fault.seconds)
        if self.fault(call.route, "429"):
            raise too_many()
        if self.fault(call.route, "503"):
            raise unavailable()

    def _kept(self, key: str, call: Call) -> Kept | None:
        if key in self.running:
            raise Refusal(
                409,
                "idempotency_error",
                "idempotency_key_in_use",
                "Another request with this key is running.",
            )
        kept = self.keys.get(key)
        if kept is None or kept.at + KEYS_LIVE_S <= self.now():
            return None
        if (kept.path, kept.params) != (call.path, call.params):
            raise Refusal(
                400,
                "idempotency_error",
                None,
                "This idempotency key belongs to a request with other parameters or another path.",
            )
        return kept

    def _keep_answer(self, key: str, kept: Kept) -> None:
        self.keys[key] = kept
        self.note({"key": key, **vars(kept)})

    def _done(self, call: Call, deed: Callable[[Any, Call], Thing]) -> tuple[int, str]:
        self._key = call.key
        try:
            if self.fault(call.route, "500"):
                raise broken()
            body = json.dumps(deed(self, call))
            if self.fault(call.route, "500_after"):
                raise broken()
        except Refusal as refusal:
            return refusal.status, json.dumps(refusal.body)
        finally:
            self._key = None
        return 200, body

    # ---- objects

    def all(self, kind: str, account: str = PLATFORM) -> dict[str, Thing]:
        return self.things.setdefault((account, kind), {})

    def get(self, kind: str, ident: str, account: str = PLATFORM) -> Thing:
        found = self.all(kind, account).get(ident)
        if found is None:
            raise missing(kind, ident)
        return found

    def named(self, param: str, kind: str, ident: str, account: str = PLATFORM) -> Thing:
        """The same, where a parameter names it."""
        found = self.all(kind, account).get(ident)
        if found is None:
            raise invalid("resource_missing", f"No such {param}: '{ident}'", param)
        return found

    def ident(self, prefix: str) -> str:
        return f"{prefix}_twin{next(self._numbers):08d}{secrets.token_hex(4)}"

    def keep(self, thing: Thing, account: str = PLATFORM) -> Thing:
        ident = thing.get("id", "")
        self.all(thing["object"], account)[ident] = thing
        self.touched[account, thing["object"], ident] = None
        return thing

    def change(self, thing: Thing, account: str = PLATFORM, **changes: Any) -> Thing:
        """The same thing with some values changed."""
        thing.update(changes)
        self.touched[account, thing["object"], thing.get("id", "")] = None
        return thing

    def note(self, line: Thing) -> None:
        """Something for the state file that is no object."""
        if self.journal is not None:
            self.journal.append(line)

    # ---- money and events

    def move(
        self, account: str, source: Thing, amount: int, kind: str, *, fee: int = 0, days: int = 0
    ) -> str:
        """Money comes in or goes out of an account's balance; the id of the balance transaction."""
        txn = shapes.balance_transaction(
            self.ident("txn"), self.now(), source, amount, fee, kind, self.now() + days * DAY_S
        )
        self.keep(txn, account)
        self.count(account, txn)
        self.unsettled[account][txn["id"]] = txn
        return str(txn["id"])

    def has(self, account: str, currency: str) -> int:
        """What is available."""
        return self.available.get((account, currency), 0)

    def count(self, account: str, txn: Thing) -> None:
        """A balance transaction enters the balance: now, or when its day has come."""
        if txn["status"] == "available":
            self.available[account, txn["currency"]] += txn["net"]
        else:
            self.maturing[txn["id"]] = (account, txn)

    def mature(self) -> None:
        """What waited for its day is available."""
        due = [each for each in self.maturing.values() if each[1]["available_on"] <= self.now()]
        for account, txn in due:
            del self.maturing[txn["id"]]
            self.count(account, self.change(txn, account, status="available"))

    def tell(self, kind: str, thing: Thing, account: str = PLATFORM, *, of: str | None = None) -> None:
        """An event. `account` is whose thing it is; `of` whose event, where the platform keeps the thing (an account)."""
        whose = account if of is None else of
        told = shapes.event(
            self.ident("evt"), self.now(), kind, json.loads(json.dumps(thing)), self._key, whose
        )
        endpoints = list(self.all("webhook_endpoint").values())
        told["pending_webhooks"] = self.webhooks.tell(endpoints, told, self.now())
        self.keep(told, whose)

    def settings(self, account: str) -> Thing:
        """The balance settings of an account."""
        found = self.all("balance_settings", account)
        return found.get("") or self.keep(
            connect_shapes.balance_settings("daily" if account else "manual"), account
        )
