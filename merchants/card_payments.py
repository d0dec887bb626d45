"""Payments by card at Stripe: PaymentIntents, refunds, and what its webhooks tell of them.

Nothing here touches the database: a job calls between two transactions and records the outcome.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from base.config import Config
from base.money import MAX_FEN
from merchants.payouts.stripe import NotDone, Refused, Told, asked, client, sure, text, told_of, whole

SUCCEEDED, CANCELED, FAILED = "succeeded", "canceled", "failed"


@dataclass(frozen=True)
class Charge:
    """Money to ask of a member. `reference` is our redemption's public id."""

    reference: str
    amount_fen: int
    currency: str  # ISO 4217

    def __post_init__(self) -> None:
        if not 0 < self.amount_fen <= MAX_FEN:
            raise ValueError(f"a charge of {self.amount_fen} fen")
        if not self.reference or len(self.currency) != 3:
            raise ValueError("a charge needs a reference and a currency")


@dataclass(frozen=True)
class Payment:
    """A PaymentIntent as Stripe tells it; `state` is Stripe's own word for its status."""

    intent: str
    state: str
    reference: str | None
    amount_fen: int
    received_fen: int
    currency: str
    client_secret: str | None = field(repr=False)

    def is_of(self, charge: Charge) -> bool:
        """Whether it is the one that we asked for."""
        told = (self.reference, self.amount_fen, self.currency)
        return told == (charge.reference, charge.amount_fen, charge.currency)


@dataclass(frozen=True)
class Proceeds:
    """What a payment brings: the amount, Stripe's fee out of it, and from when on the rest is in our balance."""

    transaction: str
    amount_fen: int
    fee_fen: int
    currency: str
    available_at: datetime


@dataclass(frozen=True)
class Repayment:
    """A refund as Stripe tells it: succeeded, failed, canceled, or under way."""

    refund: str
    state: str
    amount_fen: int
    currency: str


@dataclass(frozen=True)
class Event:
    """What a webhook tells: a hint that something changed. Only what is fetched afterwards is believed."""

    event_id: str
    kind: str
    intent: str | None
    reference: str | None


# ---- PaymentIntents and refunds


def ask(config: Config, charge: Charge) -> Payment | NotDone:
    """A PaymentIntent for this charge: the first call makes it, each later one of 24 hours finds the same."""
    params: Any = {
        "amount": charge.amount_fen,
        "currency": charge.currency.lower(),
        "allowed_payment_method_types": ["card"],
        "metadata": {"redemption": charge.reference},
    }
    key: Any = {"idempotency_key": f"rdm:{charge.reference}:pi"}
    return asked(
        "ask", charge.reference, lambda: _payment(client(config).v1.payment_intents.create(params, key))
    )


def look(config: Config, intent: str) -> Payment | NotDone:
    """The PaymentIntent as it is now."""
    return asked("look", intent, lambda: _payment(client(config).v1.payment_intents.retrieve(intent)))


def cancel(config: Config, intent: str) -> Payment | NotDone:
    """Cancel the PaymentIntent, so that it can never be paid; where Stripe refuses, as it is now: paid or cancelled already."""
    # No key of ours: cancelling twice is cancelling, and a key would bring back a failed answer for a day.
    found = asked("cancel", intent, lambda: _payment(client(config).v1.payment_intents.cancel(intent)))
    return look(config, intent) if isinstance(found, Refused) else found


def refund(config: Config, charge: Charge, intent: str, nth: int) -> Repayment | NotDone:
    """Pay all of it back; `nth` grows only after a refund has failed for certain."""
    params: Any = {
        "payment_intent": intent,
        "amount": charge.amount_fen,
        "metadata": {"redemption": charge.reference},
    }
    key: Any = {"idempotency_key": f"rdm:{charge.reference}:refund:{nth}"}
    made = asked(
        "refund", charge.reference, lambda: _repayment(client(config).v1.refunds.create(params, key))
    )
    if isinstance(made, Refused) and made.code == "charge_already_refunded":
        # Maybe by us, under a key that Stripe has forgotten after a day.
        found = asked("look_refunds", charge.reference, lambda: _ours(config, charge, intent))
        return made if found is None else found
    return made


def proceeds(config: Config, intent: str) -> Proceeds | NotDone:
    """What the money of a PaymentIntent that succeeded brings: of its charge the balance transaction."""

    def call() -> Proceeds:
        v1 = client(config).v1
        charge = v1.charges.retrieve(
            sure(v1.payment_intents.retrieve(intent).to_dict()["latest_charge"])
        ).to_dict()
        values = v1.balance_transactions.retrieve(sure(charge["balance_transaction"])).to_dict()
        return Proceeds(
            transaction=sure(values["id"]),
            amount_fen=whole(values["amount"]),
            fee_fen=whole(values["fee"]),
            currency=sure(values["currency"]).upper(),
            available_at=datetime.fromtimestamp(whole(values["available_on"]), UTC),
        )

    return asked("proceeds", intent, call)


def look_refund(config: Config, refund_id: str) -> Repayment | NotDone:
    """The refund as it is now."""
    return asked("look_refund", refund_id, lambda: _repayment(client(config).v1.refunds.retrieve(refund_id)))


# ---- webhooks


def event_of(config: Config, raw: bytes, signature: str | None, at: datetime) -> Event:
    """What a webhook tells of a payment; StripeOff, EventForged, EventTooOld."""
    return of_told(told_of(config.stripe_webhook_secret, raw, signature, at))


def of_told(told: Told) -> Event:
    """The payment and the redemption that a checked webhook names, if it does."""
    thing = told.thing
    intent = thing.get("id") if thing.get("object") == "payment_intent" else thing.get("payment_intent")
    metadata = thing.get("metadata")
    reference = metadata.get("redemption") if isinstance(metadata, dict) else None
    return Event(told.event_id, told.kind, text(intent), text(reference))


# ---- what an answer tells


def _payment(told: Any) -> Payment:
    values = told.to_dict()
    return Payment(
        intent=sure(values["id"]),
        state=sure(values["status"]),
        reference=text(values["metadata"].get("redemption")),
        amount_fen=whole(values["amount"]),
        received_fen=whole(values["amount_received"]),
        currency=sure(values["currency"]).upper(),
        client_secret=text(values.get("client_secret")),
    )


def _ours(config: Config, charge: Charge, intent: str) -> Repayment | None:
    """The standing refund of a payment that carries our reference and amount."""
    query: Any = {"payment_intent": intent, "limit": 100}
    for each in client(config).v1.refunds.list(query).data:
        told = _repayment(each)
        named = each.to_dict()["metadata"].get("redemption") == charge.reference
        if named and told.amount_fen == charge.amount_fen and told.state not in (FAILED, CANCELED):
            return told
    return None


def _repayment(told: Any) -> Repayment:
    values = told.to_dict()
    return Repayment(
        sure(values["id"]),
        sure(values["status"]),
        whole(values["amount"]),
        sure(values["currency"]).upper(),
    )
