"""One request to the twin, whoever carries it: the row of the routes, the key, the parameters, the answer in bytes."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from tests.stripe_twin import params
from tests.stripe_twin.core import PLATFORM, Call, Core
from tests.stripe_twin.errors import Refusal, invalid
from tests.stripe_twin.routes import ROUTES, Route

MOST_KEY = 255


@dataclass(frozen=True)
class Asked:
    """A request, its query and its form still as text. `headers` by their names in small letters."""

    method: str
    path: str
    query: str
    form: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Told:
    """The answer."""

    status: int
    body: str
    headers: dict[str, str]


def answer(twin: Core, asked: Asked) -> Told:
    """What the twin says; HangUp where it says nothing."""
    headers = {
        "Content-Type": "application/json",
        "Request-Id": f"req_twin{secrets.token_hex(6)}",
        "X-Twin": "not Stripe",
    }
    try:
        call, route = _read(twin, asked)
        reply = twin.run(call, route.deed)
    except Refusal as refusal:
        return Told(refusal.status, refusal.text, headers)
    if reply.replayed:
        headers["Idempotent-Replayed"] = "true"
    return Told(reply.status, reply.body, headers)


def _read(twin: Core, asked: Asked) -> tuple[Call, Route]:
    name, ids = _route(asked)
    route = ROUTES[name]
    if not re.fullmatch(r"Bearer [sr]k_test_\w+", asked.headers.get("authorization", "")):
        raise Refusal(401, "invalid_request_error", None, "Invalid API Key provided")
    account = _account(twin, asked.headers.get("stripe-account", ""), route)
    text = asked.form if asked.method == "POST" else asked.query
    given = params.read(parse_qsl(text, keep_blank_values=True), route.takes, route.needs)
    key = asked.headers.get("idempotency-key") if asked.method == "POST" else None
    if key and len(key) > MOST_KEY:
        raise Refusal(
            400, "idempotency_error", None, f"An idempotency key has at most {MOST_KEY} characters."
        )
    return Call(name, asked.path, given, account, ids, key), route


def _route(asked: Asked) -> tuple[str, tuple[str, ...]]:
    """The row of ROUTES, and the ids in the path: its third and fifth part."""
    parts = asked.path.strip("/").split("/")
    steps = ["*" if place in (2, 4) else part for place, part in enumerate(parts)]
    name = f"{asked.method} /" + "/".join(steps)
    if name not in ROUTES:
        told = f"Unrecognized request URL ({asked.method}: {asked.path})."
        raise invalid("url_invalid", told, status=404)
    return name, tuple(parts[2::2])


def _account(twin: Core, named: str, route: Route) -> str:
    if not named:
        return PLATFORM
    if named not in twin.all("account"):
        raise Refusal(
            403,
            "invalid_request_error",
            "account_invalid",
            f"This key has no access to the account '{named}', or there is none.",
        )
    if route.platform:
        raise invalid(None, "The twin does this for the platform alone, without the header Stripe-Account.")
    return named
