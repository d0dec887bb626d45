"""Resources with the keys that Stripe's API gives them; the tests compare the key sets with Stripe's public fixtures."""

from typing import Any

Thing = dict[str, Any]


def payment_intent(ident: str, at: int, amount: int, currency: str, **given: Any) -> Thing:
    return {
        "id": ident,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{ident}_secret_twin",
        "confirmation_method": "automatic",
        "created": at,
        "currency": currency,
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "managed_payments": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    } | given


def charge(ident: str, at: int, intent: Thing, *, paid: bool, **given: Any) -> Thing:
    return {
        "id": ident,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
        "calculated_statement_descriptor": None,
        "captured": paid,
        "created": at,
        "currency": intent["currency"],
        "customer": None,
        "description": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None if paid else "card_declined",
        "failure_message": None if paid else "Your card was declined.",
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": {"type": "authorized" if paid else "issuer_declined"},
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": {"card": {"brand": "visa", "last4": "4242"}, "type": "card"},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "refunds": {"object": "list", "data": [], "has_more": False, "url": f"/v1/charges/{ident}/refunds"},
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded" if paid else "failed",
        "transfer_data": None,
        "transfer_group": None,
    } | given


def refund(ident: str, at: int, of: Thing, amount: int, **given: Any) -> Thing:
    return {
        "id": ident,
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": of["id"],
        "created": at,
        "currency": of["currency"],
        "customer": None,
        "customer_account": None,
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": {},
        "payment_intent": of["payment_intent"],
        "payment_method": of["payment_method"],
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    } | given


def balance_transaction(ident: str, at: int, source: Thing, amount: int, fee: int) -> Thing:
    return {
        "id": ident,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": at,
        "balance_type": "payments",
        "created": at,
        "currency": source["currency"],
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [],
        "net": amount - fee,
        "reporting_category": source["object"],
        "source": source["id"],
        "status": "available",
        "type": source["object"],
    }


def event(ident: str, at: int, kind: str, thing: Thing, key: str | None) -> Thing:
    return {
        "id": ident,
        "object": "event",
        "api_version": None,
        "created": at,
        "data": {"object": thing},
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": None, "idempotency_key": key},
        "type": kind,
    }


def webhook_endpoint(ident: str, at: int, url: str, kinds: list[str], metadata: Thing) -> Thing:
    return {
        "id": ident,
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": at,
        "description": None,
        "enabled_events": kinds,
        "livemode": False,
        "metadata": metadata,
        "status": "enabled",
        "url": url,
    }
