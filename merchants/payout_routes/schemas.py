"""JSON of routes, their changes, and accounts at Stripe."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import Request, Text, View
from merchants.payout_routes.changes import Asked
from merchants.payout_routes.models import BANK, STRIPE, PayoutRoute, StripeAccount
from merchants.payout_routes.routes import Contact, Details


class RouteChangeRequest(Request):
    """Where the merchant wants to be paid; the own password once more. `contact_phone`: who is asked and told next time."""

    kind = ma.fields.String(required=True, validate=ma.validate.OneOf([BANK, STRIPE]))
    holder = Text(load_default=None, allow_none=True, most=120)
    bank = Text(load_default=None, allow_none=True, most=120)
    number = Text(
        load_default=None,
        allow_none=True,
        most=40,
        metadata={"description": "of the bank account, without spaces"},
    )
    contact_name = Text(load_default=None, allow_none=True, most=80)
    contact_phone = Text(load_default=None, allow_none=True, most=20)
    password = Text(required=True, most=200)


class RouteCodeRequest(Request):
    """The code that the old contact got."""

    code = Text(required=True, most=10)


class StripeAccountRequest(Request):
    """In which country the merchant's account is to be."""

    country = Text(required=True, most=2, metadata={"description": "two capital letters (ISO 3166)"})


class RouteChangeView(View):
    """A change that waits for its code."""

    id = ma.fields.String()
    shown = ma.fields.String(metadata={"description": "where to, masked"})
    sent_to = ma.fields.String(metadata={"description": "who got the code, masked"})
    ends_at = ma.fields.AwareDateTime()


class PayoutRouteView(View):
    """A route, masked."""

    number = ma.fields.Integer()
    kind = ma.fields.String()
    shown = ma.fields.String()
    at = ma.fields.AwareDateTime()
    holds_until = ma.fields.AwareDateTime(metadata={"description": "until then no payout goes there"})
    actor = ma.fields.String()


class PayoutRoutesView(View):
    """A merchant's routes, the one that counts first."""

    data = ma.fields.List(ma.fields.Nested(PayoutRouteView))


class StripeAccountView(View):
    """A merchant's account at Stripe."""

    state = ma.fields.String(
        metadata={"enum": ["asked", "onboarding", "enabled", "restricted"]},
    )
    country = ma.fields.String()
    payouts_on = ma.fields.Boolean()
    needs = ma.fields.String(metadata={"description": "what Stripe wants to be told"})


class OnboardingLinkView(View):
    """Stripe's own page for the merchant, good for minutes."""

    url = ma.fields.String(required=True)


def details_of(asked: dict[str, Any], account: str) -> tuple[Details, Contact]:
    """RouteChangeRequest as the rules take it; `account`: the merchant's at Stripe."""
    said = {name: value or "" for name, value in asked.items()}
    contact = Contact(said["contact_name"], said["contact_phone"])
    if said["kind"] == STRIPE:
        return Details(STRIPE, account=account), contact
    return Details(BANK, holder=said["holder"], bank=said["bank"], number=said["number"]), contact


def change_view(asked: Asked) -> dict[str, Any]:
    """A change as RouteChangeView."""
    return {
        "id": change_id(asked.change.merchant_id, asked.change.change_id),
        "shown": asked.change.masked,
        "sent_to": asked.sent_to,
        "ends_at": asked.change.ends_at,
    }


def change_id(merchant_id: int, number: int) -> str:
    """The public id of a change."""
    return ids.public("prc", merchant_id, number)


def route_view(row: PayoutRoute) -> dict[str, Any]:
    """A route as PayoutRouteView."""
    names = ("kind", "at", "holds_until", "actor")
    return {name: getattr(row, name) for name in names} | {"number": row.route_no, "shown": row.masked}


def account_view(row: StripeAccount) -> dict[str, Any]:
    """An account as StripeAccountView; plain JSON, for it is stored with the idempotency key."""
    return {name: getattr(row, name) for name in ("state", "country", "payouts_on", "needs")}
