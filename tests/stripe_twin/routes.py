"""What may be asked for: each row the deed, the parameters it takes, those it needs.

The parameters are a part of Stripe's; a test compares them with those of Stripe's own client. What is not here is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.stripe_twin import accounts, balances, disputes, endpoints, payments, payouts, transfers
from tests.stripe_twin.core import Call, Core
from tests.stripe_twin.listing import PAGE, listed, of
from tests.stripe_twin.params import BOOL, INT, MAP, SPAN, TEXT, Spec
from tests.stripe_twin.shapes import EVIDENCE, Thing


@dataclass(frozen=True)
class Route:
    """A row: `platform` where the header Stripe-Account makes no sense."""

    deed: Callable[[Any, Call], Thing]
    takes: Spec = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    platform: bool = False


def _retrieve(kind: str) -> Route:
    return Route(lambda twin, call: twin.get(kind, call.ids[0], call.account))


def _list(kind: str, *filters: str) -> Route:
    return Route(of(kind, *filters), PAGE | dict.fromkeys(filters, TEXT))


def _reversals(twin: Core, call: Call) -> Thing:
    twin.get("transfer", call.ids[0])
    return listed(call, transfers.reversals(twin, call.ids[0]))


_SCHEDULE = {
    "interval": TEXT,
    "weekly_payout_days": [TEXT],
    "monthly_payout_days": [INT],
}
_ACCOUNT = {
    "business_profile": {
        **dict.fromkeys(("mcc", "name", "product_description", "support_email"), TEXT),
        **dict.fromkeys(("support_phone", "support_url", "url"), TEXT),
    },
    "business_type": TEXT,
    "capabilities": {name: {"requested": BOOL} for name in ("card_payments", "transfers")},
    "email": TEXT,
    "external_account": MAP,
    "metadata": MAP,
    "settings": {
        "payouts": {"schedule": _SCHEDULE | {"delay_days": INT, "weekly_anchor": TEXT, "monthly_anchor": INT}}
    },
    "tos_acceptance": {"date": INT, "ip": TEXT, "user_agent": TEXT},
}
_CONTROLLER = {
    "fees": {"payer": TEXT},
    "losses": {"payments": TEXT},
    "requirement_collection": TEXT,
    "stripe_dashboard": {"type": TEXT},
}
_NEW_ACCOUNT = _ACCOUNT | {
    "controller": _CONTROLLER,
    "country": TEXT,
    "default_currency": TEXT,
    "type": TEXT,
}
_INTENT = {
    "allowed_payment_method_types": [TEXT],
    "amount": INT,
    "automatic_payment_methods": {"enabled": BOOL, "allow_redirects": TEXT},
    "confirm": BOOL,
    "currency": TEXT,
    "description": TEXT,
    "metadata": MAP,
    "payment_method": TEXT,
    "return_url": TEXT,
    "transfer_group": TEXT,
}
_TRANSFER = {
    "amount": INT,
    "currency": TEXT,
    "description": TEXT,
    "destination": TEXT,
    "metadata": MAP,
    "transfer_group": TEXT,
}
_LINK = {"account": TEXT, "refresh_url": TEXT, "return_url": TEXT, "type": TEXT}
_ENDPOINT = {"description": TEXT, "enabled_events": [TEXT], "metadata": MAP, "url": TEXT}
_SETTINGS = {
    "payments": {
        "debit_negative_balances": BOOL,
        "payouts": {"schedule": _SCHEDULE, "statement_descriptor": TEXT},
    }
}
_ANSWER = {"evidence": dict.fromkeys(EVIDENCE, TEXT), "metadata": MAP, "submit": BOOL}
_REFUND = {"payment_intent": TEXT, "charge": TEXT, "amount": INT, "reason": TEXT, "metadata": MAP}
_CONFIRM = {"payment_method": TEXT, "return_url": TEXT}
_UNDATED = {name: kind for name, kind in PAGE.items() if name != "created"}
_EVENTS = PAGE | {"type": TEXT, "types": [TEXT]}
_TXNS = PAGE | dict.fromkeys(("currency", "payout", "source", "type"), TEXT)
_PAYOUTS = PAGE | {"arrival_date": SPAN, "destination": TEXT, "status": TEXT}

ROUTES = {
    # payments
    "POST /v1/payment_intents": Route(payments.create, _INTENT, ("amount", "currency")),
    "GET /v1/payment_intents": _list("payment_intent"),
    "GET /v1/payment_intents/*": _retrieve("payment_intent"),
    "POST /v1/payment_intents/*": Route(payments.update, {"metadata": MAP}),
    "POST /v1/payment_intents/*/confirm": Route(payments.confirm, _CONFIRM),
    "POST /v1/payment_intents/*/cancel": Route(payments.cancel, {"cancellation_reason": TEXT}),
    "POST /v1/refunds": Route(payments.refund, _REFUND),
    "GET /v1/refunds": _list("refund", "payment_intent", "charge"),
    "GET /v1/refunds/*": _retrieve("refund"),
    "GET /v1/charges": _list("charge", "payment_intent", "transfer_group"),
    "GET /v1/charges/*": _retrieve("charge"),
    "GET /v1/disputes": _list("dispute", "charge", "payment_intent"),
    "GET /v1/disputes/*": _retrieve("dispute"),
    "POST /v1/disputes/*": Route(disputes.answer, _ANSWER),
    "POST /v1/disputes/*/close": Route(disputes.close),
    # connected accounts
    "GET /v1/account": Route(accounts.own),
    "POST /v1/accounts": Route(accounts.create, _NEW_ACCOUNT, platform=True),
    "GET /v1/accounts": Route(of("account"), PAGE, platform=True),
    "GET /v1/accounts/*": Route(lambda twin, call: twin.get("account", call.ids[0]), platform=True),
    "POST /v1/accounts/*": Route(accounts.update, _ACCOUNT, platform=True),
    "POST /v1/account_links": Route(accounts.link, _LINK, ("account", "type"), platform=True),
    # transfers
    "POST /v1/transfers": Route(
        transfers.create, _TRANSFER, ("amount", "currency", "destination"), platform=True
    ),
    "GET /v1/transfers": _list("transfer", "destination", "transfer_group"),
    "GET /v1/transfers/*": _retrieve("transfer"),
    "POST /v1/transfers/*": Route(transfers.update, {"description": TEXT, "metadata": MAP}, platform=True),
    "POST /v1/transfers/*/reversals": Route(
        transfers.reverse, {"amount": INT, "metadata": MAP}, platform=True
    ),
    "GET /v1/transfers/*/reversals": Route(_reversals, _UNDATED, platform=True),
    "GET /v1/transfers/*/reversals/*": Route(transfers.reversal, platform=True),
    # balances and payouts
    "GET /v1/balance": Route(balances.balance),
    "GET /v1/balance_settings": Route(payouts.retrieve_settings),
    "POST /v1/balance_settings": Route(payouts.update_settings, _SETTINGS),
    "GET /v1/balance_transactions": Route(balances.transactions, _TXNS),
    "GET /v1/balance_transactions/*": _retrieve("balance_transaction"),
    "GET /v1/payouts": Route(of("payout", "arrival_date", "destination", "status"), _PAYOUTS),
    "GET /v1/payouts/*": _retrieve("payout"),
    # events
    "GET /v1/events": Route(endpoints.events, _EVENTS),
    "GET /v1/events/*": _retrieve("event"),
    "POST /v1/webhook_endpoints": Route(
        endpoints.create, _ENDPOINT | {"connect": BOOL}, ("url", "enabled_events"), platform=True
    ),
    "GET /v1/webhook_endpoints": Route(of("webhook_endpoint"), _UNDATED, platform=True),
    "GET /v1/webhook_endpoints/*": _retrieve("webhook_endpoint"),
    "POST /v1/webhook_endpoints/*": Route(endpoints.update, _ENDPOINT | {"disabled": BOOL}, platform=True),
    "DELETE /v1/webhook_endpoints/*": Route(endpoints.delete, platform=True),
}
