"""The only module that talks to Stripe: its client, what its answers mean, and the signature of its webhooks.

Every creating call carries an idempotency key of ours, so that whoever does not know whether it arrived asks again with
the same key. Nothing here touches the database: a job calls between two transactions and records the outcome. The real
`stripe` client makes and reads the requests; they travel over `base/calls.py`, one each, never tried again behind
our back, cut off after `stripe_timeout_s`. No live Stripe call has been made so far: the tests talk to `tests/stripe_twin/`.
What is asked: `merchants/card_payments.py` (payments by card), `merchants/payouts/connect.py` (accounts, transfers, payouts).
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import stripe
import structlog

from base import calls
from base.config import Config
from base.errors import Malformed, NotFound

SIGNED_WITHIN = timedelta(seconds=300)

log = structlog.get_logger()
stripe.enable_telemetry = False
logging.getLogger("stripe").setLevel(logging.WARNING)  # below, the client logs whole bodies, secrets and all
T = TypeVar("T")


class StripeOff(NotFound):
    """Stripe is not switched on here."""

    zh = "此处未开通 Stripe。"
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
class Told:
    """What a webhook whose signature is right tells: a hint that `thing` changed. Only what is fetched is believed."""

    event_id: str
    kind: str
    account: str
    thing: dict[str, Any]


def is_on(config: Config) -> bool:
    """Whether this installation has a Stripe account."""
    return bool(config.stripe_secret_key)


# ---- webhooks


def told_of(secret: str, raw: bytes, signature: str | None, at: datetime) -> Told:
    """What a webhook's body tells; StripeOff, EventForged, EventTooOld (`t=,v1=` over the raw body, 300 seconds)."""
    if not secret:
        raise StripeOff()
    try:
        stripe.WebhookSignature.verify_header(raw, signature, secret)
    except (stripe.SignatureVerificationError, ValueError):
        raise EventForged() from None
    if abs(int(at.timestamp()) - _signed_at(signature or "")) > SIGNED_WITHIN.total_seconds():
        raise EventTooOld()
    try:
        told = json.loads(raw)
        thing = dict(told["data"]["object"])
        return Told(str(told["id"]), str(told["type"]), text(told.get("account")) or "", thing)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise EventForged("signed, but not an event") from None


def _signed_at(signature: str) -> int:
    """The moment that the checked signature names: the first `t`, as Stripe's own client takes it."""
    parts = (part.split("=", 1) for part in signature.split(","))
    return next(int(part[1]) for part in parts if part[0] == "t" and len(part) == 2)


# ---- what an answer means


def asked(deed: str, about: str, call: Callable[[], T]) -> T | NotDone:
    """Make one call of the client, and say what came of it."""
    outcome = _outcome(call)
    log.info("stripe", deed=deed, about=about, outcome=type(outcome).__name__)
    return outcome


def _outcome(call: Callable[[], T]) -> T | NotDone:
    try:
        return call()
    except _NotSent as error:
        return Unreachable(str(error))
    except (stripe.RateLimitError, stripe.AuthenticationError, stripe.PermissionError) as error:
        return Unreachable(type(error).__name__)  # our pace, our key: nothing about what was asked
    except stripe.IdempotencyError:
        return Unknown("the key was used for something else")
    except (stripe.CardError, stripe.InvalidRequestError) as error:
        return Refused(error.code or "", str(error.user_message or "")[:300])
    except stripe.StripeError as error:  # no answer, 409, 5xx, and what a gateway in between may say
        return Unknown(f"{type(error).__name__} {error.http_status or ''}".strip())
    except (KeyError, TypeError, AttributeError) as error:
        return Unknown(f"the answer is not readable: {type(error).__name__}")


def text(value: object) -> str | None:
    """A text of an answer, None for anything else."""
    return value if isinstance(value, str) else None


def sure(value: object) -> str:
    """A text that must be there; TypeError, which makes the answer unknown."""
    if not isinstance(value, str) or not value:
        raise TypeError
    return value


def whole(value: object) -> int:
    """A whole number that must be there; TypeError."""
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


def client(config: Config) -> Any:
    """Stripe's client for one question; StripeOff."""
    if not is_on(config):
        raise StripeOff()
    return stripe.StripeClient(
        config.stripe_secret_key,
        base_addresses={"api": config.stripe_api_base.rstrip("/")},
        max_network_retries=0,
        http_client=_Wire(float(config.stripe_timeout_s)),
    )
