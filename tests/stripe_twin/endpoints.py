"""Webhook endpoints, and the events that are looked up rather than sent."""

import secrets

from tests.stripe_twin import shapes
from tests.stripe_twin.accounts import merged
from tests.stripe_twin.core import Call, Core, Params
from tests.stripe_twin.listing import listed
from tests.stripe_twin.shapes import Thing


def create(twin: Core, call: Call) -> Thing:
    return make(twin, call.params)


def make(twin: Core, params: Params, secret: str = "") -> Thing:
    """An endpoint. With `connect` it hears of connected accounts, else of the platform, never of both."""
    made = shapes.webhook_endpoint(
        twin.ident("we"),
        twin.now(),
        params["url"],
        params["enabled_events"],
        metadata=params.get("metadata") or {},
        description=params.get("description"),
    )
    secret = secret or f"whsec_{secrets.token_hex(16)}"
    register(twin, made["id"], secret, connect=params.get("connect", False))
    return twin.keep(made) | {"secret": secret}  # told once, at the making, as Stripe does


def register(twin: Core, ident: str, secret: str, *, connect: bool) -> None:
    twin.webhooks.secrets[ident] = secret
    if connect:
        twin.webhooks.connect.add(ident)
    twin.note({"endpoint": ident, "secret": secret, "connect": connect})


def update(twin: Core, call: Call) -> Thing:
    found, params = twin.get("webhook_endpoint", call.ids[0]), call.params
    changes: Params = {
        name: params[name] for name in ("url", "enabled_events", "description") if name in params
    }
    if "disabled" in params:
        changes["status"] = "disabled" if params["disabled"] else "enabled"
    return twin.change(found, metadata=merged(found["metadata"], params), **changes)


def delete(twin: Core, call: Call) -> Thing:
    ident = call.ids[0]
    twin.get("webhook_endpoint", ident)
    del twin.all("webhook_endpoint")[ident]
    twin.touched.pop(("", "webhook_endpoint", ident), None)
    twin.note({"gone": ident})
    twin.webhooks.forget(ident)
    return {"id": ident, "object": "webhook_endpoint", "deleted": True}


def events(twin: Core, call: Call) -> Thing:
    kept, types = twin.all("event", call.account), call.params.get("types")
    if types:
        kept = {ident: each for ident, each in kept.items() if each["type"] in types}
    return listed(call, kept, ("type",))
