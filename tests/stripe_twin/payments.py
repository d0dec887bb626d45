"""PaymentIntents, their charges, and refunds."""

import copy

from tests.stripe_twin import disputes, shapes
from tests.stripe_twin.accounts import merged
from tests.stripe_twin.core import Call, Core, Params
from tests.stripe_twin.errors import Refusal, invalid
from tests.stripe_twin.params import positive
from tests.stripe_twin.shapes import Thing

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture")
CONFIRM, REFUND = "POST /v1/payment_intents/*/confirm", "POST /v1/refunds"
FEE_BP, FEE_FIXED = 290, 30


def create(twin: Core, call: Call) -> Thing:
    intent = create_intent(twin, call.params)
    if call.params.get("confirm"):
        return confirm_intent(twin, intent["id"], call.params)
    return intent


def create_intent(twin: Core, params: Params) -> Thing:
    intent = shapes.payment_intent(
        twin.ident("pi"),
        twin.now(),
        positive(params["amount"]),
        params["currency"].lower(),
        metadata=params.get("metadata") or {},
        description=params.get("description"),
        transfer_group=params.get("transfer_group"),
    )
    twin.keep(intent)
    twin.tell("payment_intent.created", intent)
    return intent


def confirm(twin: Core, call: Call) -> Thing:
    return confirm_intent(twin, call.ids[0], call.params)


def confirm_intent(twin: Core, ident: str, params: Params) -> Thing:
    intent = twin.get("payment_intent", ident)
    if intent["status"] not in OPEN:
        raise _unexpected("confirm", intent)
    method = params.get("payment_method", "pm_card_visa")
    twin.change(intent, payment_method=method)
    if method == "pm_card_chargeDeclined" or twin.fault(CONFIRM, "card_declined"):
        raise _declined(twin, intent)
    if method == "pm_card_authenticationRequired" or twin.fault(CONFIRM, "requires_action"):
        twin.change(intent, status="requires_action", next_action={"type": "use_stripe_sdk"})
        twin.tell("payment_intent.requires_action", intent)
        return intent
    return succeed(twin, ident)


def succeed(twin: Core, ident: str) -> Thing:
    """The money arrives: at once on a good card, or when the member has answered the bank."""
    intent = twin.get("payment_intent", ident)
    paid = _charge(twin, intent, paid=True)
    twin.change(intent, status="succeeded", amount_received=intent["amount"], next_action=None)
    fee = intent["amount"] * FEE_BP // 10_000 + FEE_FIXED
    days = 0 if intent["payment_method"] == "pm_card_bypassPending" else twin.card_days
    paid["balance_transaction"] = twin.move("", paid, intent["amount"], "charge", fee=fee, days=days)
    twin.tell("charge.succeeded", paid)
    twin.tell("payment_intent.succeeded", intent)
    if intent["payment_method"] == "pm_card_createDispute":
        disputes.open_dispute(twin, paid["id"])
    return intent


def cancel(twin: Core, call: Call) -> Thing:
    intent = twin.get("payment_intent", call.ids[0])
    if intent["status"] not in OPEN:
        raise _unexpected("cancel", intent)
    twin.change(
        intent,
        status="canceled",
        canceled_at=twin.now(),
        cancellation_reason=call.params.get("cancellation_reason"),
        next_action=None,
    )
    twin.tell("payment_intent.canceled", intent)
    return intent


def update(twin: Core, call: Call) -> Thing:
    intent = twin.get("payment_intent", call.ids[0])
    return twin.change(intent, metadata=merged(intent["metadata"], call.params))


def _charge(twin: Core, intent: Thing, *, paid: bool) -> Thing:
    made = twin.keep(shapes.charge(twin.ident("ch"), twin.now(), intent, paid=paid))
    twin.change(intent, latest_charge=made["id"])
    return made


def _declined(twin: Core, intent: Thing) -> Refusal:
    failed = _charge(twin, intent, paid=False)
    told = {"code": "card_declined", "decline_code": "generic_decline", "type": "card_error"}
    twin.change(intent, status="requires_payment_method", last_payment_error=told)
    twin.tell("payment_intent.payment_failed", intent)
    return Refusal(
        402,
        "card_error",
        "card_declined",
        "Your card was declined.",
        charge=failed["id"],
        decline_code="generic_decline",
        payment_intent=copy.deepcopy(intent),
    )


def _unexpected(deed: str, intent: Thing) -> Refusal:
    return Refusal(
        400,
        "invalid_request_error",
        "payment_intent_unexpected_state",
        f"You cannot {deed} this PaymentIntent because it has a status of {intent['status']}.",
        payment_intent=copy.deepcopy(intent),
    )


# ---- refunds


def refund(twin: Core, call: Call) -> Thing:
    """Money back. What the balance does not cover makes it negative, as where Stripe then debits the bank account."""
    params = call.params
    paid = _refundable(twin, params)
    rest = paid["amount_captured"] - paid["amount_refunded"]
    amount = params.get("amount", rest)
    if rest == 0:
        raise invalid("charge_already_refunded", f"Charge {paid['id']} has already been refunded.")
    if not 0 < amount <= rest:
        raise invalid(
            None, f"Refund amount ({amount}) is greater than unrefunded amount on charge ({rest})", "amount"
        )
    state = _state(twin)
    made = shapes.refund(
        twin.ident("re"),
        twin.now(),
        paid,
        amount,
        status=state,
        metadata=params.get("metadata") or {},
        reason=params.get("reason"),
    )
    twin.keep(made)
    if state != "failed":
        refunded = paid["amount_refunded"] + amount
        twin.change(paid, amount_refunded=refunded, refunded=refunded == paid["amount_captured"])
        made["balance_transaction"] = twin.move("", made, -amount, "refund")
    twin.tell("refund.created", made)
    if state != "failed":
        twin.tell("charge.refunded", paid)
    return made


def _state(twin: Core) -> str:
    if twin.fault(REFUND, "refund_failed"):
        return "failed"
    return "pending" if twin.fault(REFUND, "refund_pending", "insufficient_funds") else "succeeded"


def end_refund(twin: Core, ident: str, state: str) -> None:
    """A refund that was under way succeeds, or fails: then the money is back, to be refunded again."""
    made = twin.get("refund", ident)
    twin.change(made, status=state)
    if state == "failed":
        paid = twin.get("charge", made["charge"])
        twin.change(paid, amount_refunded=paid["amount_refunded"] - made["amount"], refunded=False)
        twin.move("", made, made["amount"], "refund_failure")
    twin.tell("refund.failed" if state == "failed" else "refund.updated", made)


def _refundable(twin: Core, params: Params) -> Thing:
    if "payment_intent" in params:
        intent = twin.get("payment_intent", params["payment_intent"])
        if intent["status"] != "succeeded":
            raise invalid(None, "This PaymentIntent does not have a successful charge to refund.")
        return twin.get("charge", intent["latest_charge"])
    if "charge" not in params:
        raise invalid("parameter_missing", "Say payment_intent or charge.", "payment_intent")
    return twin.get("charge", params["charge"])
