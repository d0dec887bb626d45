"""JSON of the cash part."""

import marshmallow as ma

from base.http.api import MoneyView, View


class PaymentView(View):
    """What a member is to pay for a redemption, and what the page needs for it."""

    redemption = ma.fields.String(required=True)
    state = ma.fields.String(
        required=True,
        metadata={"enum": ["due", "asked", "paid", "cancelling", "cancelled", "refund_due", "refunded"]},
    )
    amount = ma.fields.Nested(MoneyView, required=True)
    ends_at = ma.fields.DateTime(required=True, metadata={"description": "until when it can be paid"})
    client_secret = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "for Stripe's own field on the page; only while it can be paid, never to be kept"
        },
    )


class StripeEventView(View):
    """Stripe's webhook was taken; what it tells is looked at afterwards."""

    received = ma.fields.Boolean(required=True)
