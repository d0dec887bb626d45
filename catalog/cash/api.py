"""HTTP: what a member is to pay, and Stripe's webhooks."""

from typing import Any

from flask import request

from base import clock, database, ids
from base.auth.guard import current, needs, open_to_all
from base.auth.principals import Member
from base.http.api import NO_SIGN_IN, Blueprint
from base.http.settings import config
from catalog.cash import events, parts
from catalog.cash.models import ASKED, CashPart
from catalog.cash.schemas import PaymentView, StripeEventView
from catalog.redemptions import redemptions
from merchants import card_payments
from merchants.card_payments import Payment
from merchants.payouts import events as payout_events
from merchants.payouts import stripe

PATIENCE_S = 3  # somebody waits at the page, and asks again
blueprint = Blueprint("cash", __name__, description="The part of a redemption that is paid in money")


@blueprint.route("/redemptions/<redemption>/payment")
@blueprint.response(200, PaymentView)
@needs("redemptions:own")
def payment(redemption: str) -> dict[str, Any]:
    """What is to be paid in money, where that stands, and the client secret to pay it with. Ask again while `due`."""
    member_id, redemption_id = ids.parse("red", redemption)
    me = current()
    assert isinstance(me, Member)
    with database.begin() as session:
        redemptions.seen_by(session, me.member_id, member_id, redemption_id)
        part = parts.find(session, member_id, redemption_id)
    return {
        "redemption": redemption,
        "state": part.state,
        "amount": {"amount_fen": part.amount_fen, "currency": part.currency},
        "ends_at": part.ends_at,
        "client_secret": _client_secret(part),
    }


@blueprint.route("/stripe/events", methods=["POST"])
@blueprint.response(200, StripeEventView)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def stripe_event() -> dict[str, Any]:
    """Stripe's webhook endpoint: the signature over the raw body says who asks. Safe to repeat, in any order."""
    at = clock.now()
    raw, signature = request.get_data(cache=False), request.headers.get("Stripe-Signature")
    told = stripe.told_of(config().stripe_webhook_secret, raw, signature, at)
    with database.begin() as session:
        events.on_event(session, card_payments.of_told(told), at)
        payout_events.take(session, told, at)  # of transfers our own account hears
    return {"received": True}


def _client_secret(part: CashPart) -> str | None:
    """Asked of Stripe each time, after the transaction: it is kept nowhere."""
    if part.state != ASKED or part.payment_intent is None or clock.now() >= part.ends_at:
        return None
    patience_s = min(PATIENCE_S, config().stripe_timeout_s)
    found = card_payments.look(config().at(stripe_timeout_s=patience_s), part.payment_intent)
    return found.client_secret if isinstance(found, Payment) else None
