"""The only module that talks to Stripe: PaymentIntents, refunds, and the signature of its webhooks.

Every creating call carries an idempotency key of ours, so that whoever does not know whether it arrived asks again with
the same key. Nothing here touches the database: a job calls between two transactions and records the outcome. The real
`stripe` client makes and reads the requests; they travel over `base/calls.py`, one each, never tried again behind
our back, cut off after `stripe_timeout_s`. No live Stripe call has been made so far: the tests talk to `tests/stripe_twin/`.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import stripe
import structlog

from base import calls
from base.config import Config
from base.errors import Malformed, NotFound
from base.money import MAX_FEN

SUCCEEDED, CANCELED, FAILED = "succeeded", "canceled", "failed"
SIGNED_WITHIN = timedelta(seconds=300)

log = structlog.get_logger()
stripe.enable_telemetry = False
logging.getLogger("stripe").setLevel(logging.WARNING)  # below, the client logs whole bodies, secrets and all
T = TypeVar("T")


class StripeOff(NotFound):
    """Card payments are not switched on here."""

    zh = "此处未开通银行卡支付。"
    next_en, next_zh = "The operator sets the keys of its Stripe account.", "请运营方配置 Stripe 密钥。"


class EventForged(Malformed):
    """This event does not carry Stripe's signature."""

    zh = "该事件没有有效的 Stripe 签名。"
    next_en = "Check the signing secret of the webhook endpoint."
    next_zh = "请核对 webhook 端点的签名密钥。"


class EventTooOld(Malformed):
    """This event was signed more than five minutes ago, or in the future."""

    zh = "该事件的签名时间相差超过五分钟。"
    next_en, next_zh = (
        "Stripe signs anew each time it sends; check the clocks.",
        "Stripe 每次发送都会重新签名；请核对时钟。",
    )


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
class Repayment:
    """A refund as Stripe tells it: succeeded, failed, canceled, or under way."""

    refund: str
    state: str
    amount_fen: int
    currency: str


@dataclass(frozen=True)
class Refused:
    """Stripe said no, in its own words: nothing was done, and asking again changes nothing."""

    code: str
    reason: str


@dataclass(frozen=True)
class Unknown:
    """It may have been done or not: ask again with the same key, or look."""

    reason: str


@dataclass(frozen=True)
class Unreachable:
    """This try did not get through the door: it did nothing, a later one may."""

    reason: str


NotDone = Refused | Unknown | Unreachable


@dataclass(frozen=True)
class Event:
    """What a webhook tells: a hint that something changed. Only what is fetched afterwards is believed."""

    event_id: str
    kind: str
    intent: str | None
    reference: str | None


def is_on(config: Config) -> bool:
    """Whether this installation has a Stripe account."""
    return bool(config.stripe_secret_key)


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
    return _asked(
        "ask", charge.reference, lambda: _payment(_client(config).v1.payment_intents.create(params, key))
    )


def look(config: Config, intent: str) -> Payment | NotDone:
    """The PaymentIntent as it is now."""
    return _asked("look", intent, lambda: _payment(_client(config).v1.payment_intents.retrieve(intent)))


def cancel(config: Config, intent: str) -> Payment | NotDone:
    """Cancel the PaymentIntent, so that it can never be paid; where Stripe refuses, as it is now: paid or cancelled already."""
    # No key of ours: cancelling twice is cancelling, and a key would bring back a failed answer for a day.
    found = _asked("cancel", intent, lambda: _payment(_client(config).v1.payment_intents.cancel(intent)))
    return look(config, intent) if isinstance(found, Refused) else found


def refund(config: Config, charge: Charge, intent: str, nth: int) -> Repayment | NotDone:
    """Pay all of it back; `nth` grows only after a refund has failed for certain."""
    params: Any = {
        "payment_intent": intent,
        "amount": charge.amount_fen,
        "metadata": {"redemption": charge.reference},
    }
    key: Any = {"idempotency_key": f"rdm:{charge.reference}:refund:{nth}"}
    made = _asked(
        "refund", charge.reference, lambda: _repayment(_client(config).v1.refunds.create(params, key))
    )
    if isinstance(made, Refused) and made.code == "charge_already_refunded":
        # Maybe by us, under a key that Stripe has forgotten after a day.
        found = _asked("look_refunds", charge.reference, lambda: _ours(config, charge, intent))
        return made if found is None else found
    return made


def look_refund(config: Config, refund_id: str) -> Repayment | NotDone:
    """The refund as it is now."""
    return _asked(
        "look_refund", refund_id, lambda: _repayment(_client(config).v1.refunds.retrieve(refund_id))
    )


# ---- webhooks


def event_of(config: Config, raw: bytes, signature: str | None, at: datetime) -> Event:
    """What a webhook's body tells; StripeOff, EventForged, EventTooOld (`t=,v1=` over the raw body, 300 seconds)."""
    if not config.stripe_webhook_secret:
        raise StripeOff()
    try:
        stripe.WebhookSignature.verify_header(raw, signature, config.stripe_webhook_secret)
    except (stripe.SignatureVerificationError, ValueError):
        raise EventForged() from None
    if abs(int(at.timestamp()) - _signed_at(signature or "")) > SIGNED_WITHIN.total_seconds():
        raise EventTooOld()
    try:
        told = json.loads(raw)
        thing = told["data"]["object"]
        kind, event_id = str(told["type"]), str(told["id"])
        intent = thing.get("id") if thing.get("object") == "payment_intent" else thing.get("payment_intent")
        reference = (thing.get("metadata") or {}).get("redemption")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise EventForged("signed, but not an event") from None
    return Event(event_id, kind, _text(intent), _text(reference))


def _signed_at(signature: str) -> int:
    """The moment that the checked signature names: the first `t`, as Stripe's own client takes it."""
    parts = (part.split("=", 1) for part in signature.split(","))
    return next(int(part[1]) for part in parts if part[0] == "t" and len(part) == 2)


# ---- what an answer means


def _asked(deed: str, about: str, call: Callable[[], T]) -> T | NotDone:
    outcome = _outcome(call)
    log.info("stripe", deed=deed, about=about, outcome=type(outcome).__name__)
    return outcome


def _outcome(call: Callable[[], T]) -> T | NotDone:
    try:
        return call()
    except _NotSent as error:
        return Unreachable(str(error))
    except (stripe.RateLimitError, stripe.AuthenticationError, stripe.PermissionError) as error:
        return Unreachable(type(error).__name__)  # our pace, our key: nothing about this payment
    except stripe.IdempotencyError:
        return Unknown("the key was used for something else")
    except (stripe.CardError, stripe.InvalidRequestError) as error:
        return Refused(error.code or "", str(error.user_message or "")[:300])
    except stripe.StripeError as error:  # no answer, 409, 5xx, and what a gateway in between may say
        return Unknown(f"{type(error).__name__} {error.http_status or ''}".strip())
    except (KeyError, TypeError, AttributeError) as error:
        return Unknown(f"the answer is not readable: {type(error).__name__}")


def _payment(told: Any) -> Payment:
    values = told.to_dict()
    return Payment(
        intent=_sure(values["id"]),
        state=_sure(values["status"]),
        reference=_text(values["metadata"].get("redemption")),
        amount_fen=_whole(values["amount"]),
        received_fen=_whole(values["amount_received"]),
        currency=_sure(values["currency"]).upper(),
        client_secret=_text(values.get("client_secret")),
    )


def _ours(config: Config, charge: Charge, intent: str) -> Repayment | None:
    """The standing refund of a payment that carries our reference and amount."""
    query: Any = {"payment_intent": intent, "limit": 100}
    for each in _client(config).v1.refunds.list(query).data:
        told = _repayment(each)
        named = each.to_dict()["metadata"].get("redemption") == charge.reference
        if named and told.amount_fen == charge.amount_fen and told.state not in (FAILED, CANCELED):
            return told
    return None


def _repayment(told: Any) -> Repayment:
    values = told.to_dict()
    return Repayment(
        _sure(values["id"]),
        _sure(values["status"]),
        _whole(values["amount"]),
        _sure(values["currency"]).upper(),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _sure(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    return value


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


# ---- the client, and the wire under it


class _Lost(stripe.APIConnectionError):
    """Sent, but without a whole answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, should_retry=False)  # type: ignore[no-untyped-call]


class _NotSent(_Lost):
    """The request did not get through the door."""


class _Wire(stripe.HTTPClient):
    """One request of the client over `base/calls.py`: a deadline for all of it, and no second HTTP library."""

    name = "jifen"

    def __init__(self, timeout_s: float) -> None:
        super().__init__()
        self._timeout_s = timeout_s

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        site = urlsplit(url)
        target = site.path + (f"?{site.query}" if site.query else "")
        body = post_data.encode() if isinstance(post_data, str) else post_data
        found = calls.call(
            method.upper(),
            f"{site.scheme}://{site.netloc}",
            target,
            body or None,
            dict(headers or {}),
            self._timeout_s,
        )
        if isinstance(found, calls.NotSent):
            raise _NotSent(found.reason)
        if isinstance(found, calls.Lost):
            raise _Lost(found.reason)
        return found.body.decode("utf-8", "replace"), found.status, dict(found.headers.items())

    def close(self) -> None:
        """Nothing to close: each request has a connection of its own."""


def _client(config: Config) -> Any:
    if not is_on(config):
        raise StripeOff()
    return stripe.StripeClient(
        config.stripe_secret_key,
        base_addresses={"api": config.stripe_api_base.rstrip("/")},
        max_network_retries=0,
        http_client=_Wire(float(config.stripe_timeout_s)),
    )
