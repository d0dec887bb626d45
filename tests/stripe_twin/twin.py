"""The state of a stand-in for Stripe: objects, idempotency keys, a clock, faults.

It is a twin: a Flask app for tests and demos, on loopback, written by us. Passing against it is not a test against Stripe;
no live Stripe call has been made.
"""

import copy
import itertools
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.stripe_twin import shapes
from tests.stripe_twin.errors import Refusal, broken, invalid, missing
from tests.stripe_twin.shapes import Thing
from tests.stripe_twin.webhooks import Webhooks

KEYS_LIVE_S = 86_400
# Before anything is done: no answer, 429. In its place: 500 (kept under the key). Afterwards: no answer, 500.
MODES = {
    "timeout_before", "429", "slow", "500", "500_after", "timeout_after",
    "card_declined", "requires_action", "refund_pending", "refund_failed",
}  # fmt: skip
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture")
FEE_BP, FEE_FIXED = 290, 30

Params = dict[str, Any]


class HangUp(Exception):
    """Close the connection without an answer, after some seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


@dataclass
class Fault:
    """What the next calls of a route do wrong, so many times."""

    on: str
    mode: str
    times: int = 1
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(self.mode)


@dataclass(frozen=True)
class Kept:
    """The answer that an idempotency key stands for."""

    asked: tuple[str, Params]
    status: int
    body: Thing
    at: int


class Twin:
    """One Stripe account, all in memory."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.things: dict[str, dict[str, Thing]] = {}
        self.keys: dict[str, Kept] = {}
        self.running: set[str] = set()
        self.faults: list[Fault] = []
        self.calls: Counter[str] = Counter()
        self.webhooks = Webhooks()
        self.ahead_s = 0
        self.lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._key: str | None = None

    # ---- clock, faults, webhooks

    def now(self) -> int:
        return int(self.clock()) + self.ahead_s

    def advance(self, seconds: int) -> None:
        self.ahead_s += seconds

    def fails(self, on: str, mode: str, *, times: int = 1, seconds: float = 0.0) -> None:
        """The next `times` calls of this route go wrong; `POST /v1/payment_intents/*/cancel` names all intents."""
        self.faults.append(Fault(on, mode, times, seconds))

    def deliver(self) -> list[int]:
        """Send the events that are due."""
        urls = {ident: endpoint["url"] for ident, endpoint in self.all("webhook_endpoint").items()}
        return self.webhooks.deliver(urls, self.now())

    def _fault(self, route: str, *modes: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.on == route and fault.mode in modes and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    # ---- one call: faults of the wire, then the key, then the deed

    def run(
        self, route: str, path: str, params: Params, key: str | None, deed: Callable[[Params], Thing]
    ) -> tuple[int, Thing, bool]:
        """Status, body, and whether it is the kept answer of an earlier call."""
        self.calls[route] += 1
        if fault := self._fault(route, "timeout_before"):
            raise HangUp(fault.seconds)
        if self._fault(route, "429"):
            raise Refusal(
                429, "invalid_request_error", "rate_limit", "Too many requests hit the API too quickly."
            )
        with self.lock:
            if key and (kept := self._kept(key, (path, params))):
                return kept.status, copy.deepcopy(kept.body), True
            if key:
                self.running.add(key)
        try:
            if fault := self._fault(route, "slow"):
                time.sleep(fault.seconds)
            with self.lock:
                status, body = self._done(route, params, key, deed)
                if key:
                    self.keys[key] = Kept((path, params), status, copy.deepcopy(body), self.now())
        finally:
            self.running.discard(key or "")
        if fault := self._fault(route, "timeout_after"):
            raise HangUp(fault.seconds)
        return status, body, False

    def _kept(self, key: str, asked: tuple[str, Params]) -> Kept | None:
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
        if kept.asked != asked:
            raise Refusal(
                400,
                "idempotency_error",
                None,
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
            )
        return kept

    def _done(
        self, route: str, params: Params, key: str | None, deed: Callable[[Params], Thing]
    ) -> tuple[int, Thing]:
        self._key = key
        try:
            if self._fault(route, "500"):
                raise broken()
            body = deed(params)
            if self._fault(route, "500_after"):
                raise broken()
        except Refusal as refusal:
            return refusal.status, refusal.body
        return 200, copy.deepcopy(body)

    # ---- objects

    def all(self, kind: str) -> dict[str, Thing]:
        return self.things.setdefault(kind, {})

    def get(self, kind: str, ident: str) -> Thing:
        found = self.all(kind).get(ident)
        if found is None:
            raise missing(kind, ident)
        return found

    def _id(self, prefix: str) -> str:
        return f"{prefix}_twin{next(self._numbers):08d}{secrets.token_hex(4)}"

    def _keep(self, thing: Thing) -> Thing:
        self.all(thing["object"])[thing["id"]] = thing
        return thing

    def _tell(self, kind: str, thing: Thing) -> None:
        told = self._keep(shapes.event(self._id("evt"), self.now(), kind, copy.deepcopy(thing), self._key))
        self.webhooks.tell(list(self.all("webhook_endpoint").values()), told, self.now())

    # ---- PaymentIntents

    def create_intent(self, params: Params) -> Thing:
        if params["amount"] <= 0:
            raise invalid(
                "parameter_invalid_integer", "This value must be greater than or equal to 1.", "amount"
            )
        intent = shapes.payment_intent(
            self._id("pi"),
            self.now(),
            params["amount"],
            params["currency"],
            metadata=params.get("metadata", {}),
            description=params.get("description"),
        )
        self._keep(intent)
        self._tell("payment_intent.created", intent)
        return intent

    def confirm(self, ident: str, params: Params) -> Thing:
        intent = self.get("payment_intent", ident)
        if intent["status"] not in OPEN:
            raise self._unexpected("confirm", intent)
        intent["payment_method"] = method = params.get("payment_method", "pm_card_visa")
        route = "POST /v1/payment_intents/*/confirm"
        if method == "pm_card_chargeDeclined" or self._fault(route, "card_declined"):
            raise self._declined(intent)
        if method == "pm_card_authenticationRequired" or self._fault(route, "requires_action"):
            intent["status"], intent["next_action"] = "requires_action", {"type": "use_stripe_sdk"}
            self._tell("payment_intent.requires_action", intent)
            return intent
        return self.succeed(ident)

    def succeed(self, ident: str) -> Thing:
        """The money arrives: at once on a good card, or when the member has answered the bank."""
        with self.lock:
            intent = self.get("payment_intent", ident)
            paid = self._charge(intent, paid=True)
            intent |= {"status": "succeeded", "amount_received": intent["amount"], "next_action": None}
            fee = intent["amount"] * FEE_BP // 10_000 + FEE_FIXED
            paid["balance_transaction"] = self._movement(paid, intent["amount"], fee)
            self._tell("charge.succeeded", paid)
            self._tell("payment_intent.succeeded", intent)
            return intent

    def cancel(self, ident: str, params: Params) -> Thing:
        intent = self.get("payment_intent", ident)
        if intent["status"] not in OPEN:
            raise self._unexpected("cancel", intent)
        intent |= {
            "status": "canceled",
            "canceled_at": self.now(),
            "cancellation_reason": params.get("cancellation_reason"),
            "next_action": None,
        }
        self._tell("payment_intent.canceled", intent)
        return intent

    def _charge(self, intent: Thing, *, paid: bool) -> Thing:
        made = self._keep(shapes.charge(self._id("ch"), self.now(), intent, paid=paid))
        intent["latest_charge"] = made["id"]
        return made

    def _movement(self, source: Thing, amount: int, fee: int) -> str:
        made = shapes.balance_transaction(self._id("txn"), self.now(), source, amount, fee)
        return str(self._keep(made)["id"])

    def _declined(self, intent: Thing) -> Refusal:
        failed = self._charge(intent, paid=False)
        told = {"code": "card_declined", "decline_code": "generic_decline", "type": "card_error"}
        intent |= {"status": "requires_payment_method", "last_payment_error": told}
        self._tell("payment_intent.payment_failed", intent)
        return Refusal(
            402,
            "card_error",
            "card_declined",
            "Your card was declined.",
            charge=failed["id"],
            decline_code="generic_decline",
            payment_intent=copy.deepcopy(intent),
        )

    def _unexpected(self, deed: str, intent: Thing) -> Refusal:
        return Refusal(
            400,
            "invalid_request_error",
            "payment_intent_unexpected_state",
            f"You cannot {deed} this PaymentIntent because it has a status of {intent['status']}.",
            payment_intent=copy.deepcopy(intent),
        )

    # ---- refunds

    def create_refund(self, params: Params) -> Thing:
        paid = self._refundable(params)
        rest = paid["amount_captured"] - paid["amount_refunded"]
        amount = params.get("amount", rest)
        if rest == 0:
            raise invalid("charge_already_refunded", f"Charge {paid['id']} has already been refunded.")
        if not 0 < amount <= rest:
            raise invalid(
                None,
                f"Refund amount ({amount}) is greater than unrefunded amount on charge ({rest})",
                "amount",
            )
        state = "pending" if self._fault("POST /v1/refunds", "refund_pending") else "succeeded"
        state = "failed" if self._fault("POST /v1/refunds", "refund_failed") else state
        made = self._keep(
            shapes.refund(
                self._id("re"),
                self.now(),
                paid,
                amount,
                status=state,
                metadata=params.get("metadata", {}),
                reason=params.get("reason"),
            )
        )
        if state != "failed":
            paid["amount_refunded"] += amount
            paid["refunded"] = paid["amount_refunded"] == paid["amount_captured"]
            made["balance_transaction"] = self._movement(made, -amount, 0)
        self._tell("refund.created", made)
        if state != "failed":
            self._tell("charge.refunded", paid)
        return made

    def end_refund(self, ident: str, state: str) -> None:
        """A refund that was under way succeeds, or fails: then the money is back, to be refunded again."""
        with self.lock:
            made = self.get("refund", ident)
            made["status"] = state
            if state == "failed":
                paid = self.get("charge", made["charge"])
                paid["amount_refunded"] -= made["amount"]
                paid["refunded"] = False
            self._tell("refund.failed" if state == "failed" else "refund.updated", made)

    def _refundable(self, params: Params) -> Thing:
        if "payment_intent" in params:
            intent = self.get("payment_intent", params["payment_intent"])
            if intent["status"] != "succeeded":
                raise invalid(None, "This PaymentIntent does not have a successful charge to refund.")
            return self.get("charge", intent["latest_charge"])
        if "charge" not in params:
            raise invalid(
                "parameter_missing",
                "One of the following params should be provided: payment_intent or charge.",
            )
        return self.get("charge", params["charge"])

    # ---- webhook endpoints

    def create_endpoint(self, params: Params) -> Thing:
        made = shapes.webhook_endpoint(
            self._id("we"), self.now(), params["url"], params["enabled_events"], params.get("metadata", {})
        )
        secret = self.webhooks.secrets[made["id"]] = f"whsec_{secrets.token_hex(16)}"
        return self._keep(made) | {"secret": secret}  # told once, at the making, as Stripe does

    def delete_endpoint(self, ident: str) -> Thing:
        self.get("webhook_endpoint", ident)
        del self.all("webhook_endpoint")[ident]
        self.webhooks.waiting = [each for each in self.webhooks.waiting if each.endpoint != ident]
        return {"id": ident, "object": "webhook_endpoint", "deleted": True}
