"""The resources of Connect with the keys that Stripe's API gives them, and what becomes of an account's requirements."""

from typing import Any

from tests.stripe_twin.shapes import Thing


def requirements(**given: Any) -> Thing:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": [],
        "disabled_reason": None,
        "errors": [],
        "eventually_due": [],
        "past_due": [],
        "pending_verification": [],
    } | given


def due(lacking: list[str]) -> Thing:
    """Of an account that has yet to tell these."""
    return requirements(
        currently_due=lacking,
        eventually_due=lacking,
        past_due=lacking,
        disabled_reason="requirements.past_due",
    )


def empty_list(url: str) -> Thing:
    return {"object": "list", "data": [], "has_more": False, "url": url}


def account(ident: str, at: int, **given: Any) -> Thing:
    return {
        "id": ident,
        "object": "account",
        "business_profile": _business_profile(),
        "business_type": None,
        "capabilities": {},
        "charges_enabled": False,
        "controller": {"type": "application"},
        "country": "HK",
        "created": at,
        "default_currency": "hkd",
        "details_submitted": False,
        "email": None,
        "external_accounts": empty_list(f"/v1/accounts/{ident}/external_accounts"),
        "future_requirements": requirements(),
        "metadata": {},
        "payouts_enabled": False,
        "requirements": requirements(),
        "settings": _account_settings(),
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": "express",
    } | given


def _business_profile() -> Thing:
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    names = ("mcc", "name", "product_description", "support_email", "support_phone", "support_url", "url")
    return {
        "annual_revenue": {"amount": None, "currency": None, "fiscal_year_end": None},
        "estimated_worker_count": None,
        "minority_owned_business_designation": None,
        "support_address": address,
        **dict.fromkeys(names),
    }


def _account_settings() -> Thing:
    kana = ("kana", "kanji")
    return {
        "bacs_debit_payments": {"display_name": None, "service_user_number": None},
        "branding": dict.fromkeys(("icon", "logo", "primary_color", "secondary_color")),
        "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            "statement_descriptor_prefix": None,
            **{f"statement_descriptor_prefix_{each}": None for each in kana},
        },
        "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
        "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": None},
        "payments": {
            "statement_descriptor": None,
            **{f"statement_descriptor_{each}": None for each in kana},
            **{f"statement_descriptor_prefix_{each}": None for each in kana},
        },
        "payouts": {
            "debit_negative_balances": True,
            "schedule": {"delay_days": 2, "interval": "daily"},
            "statement_descriptor": None,
        },
        "sepa_debit_payments": {},
    }


def bank_account(ident: str, country: str, currency: str, number: str, holder: str | None) -> Thing:
    return {
        "id": ident,
        "object": "bank_account",
        "account_holder_name": holder,
        "account_holder_type": "company",
        "account_type": None,
        "bank_name": "TWIN TEST BANK",
        "country": country,
        "currency": currency,
        "customer": None,
        "fingerprint": f"twin{number[-4:]}",
        "last4": number[-4:],
        "metadata": {},
        "routing_number": None,
        "status": "new",
    }


def account_link(at: int, expires_at: int, url: str) -> Thing:
    return {"object": "account_link", "created": at, "expires_at": expires_at, "url": url}


def transfer(ident: str, at: int, amount: int, currency: str, destination: str, **given: Any) -> Thing:
    return {
        "id": ident,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": at,
        "currency": currency,
        "description": None,
        "destination": destination,
        "destination_payment": None,
        "livemode": False,
        "metadata": {},
        "reversals": empty_list(f"/v1/transfers/{ident}/reversals"),
        "reversed": False,
        "source_transaction": None,
        "source_type": "card",
        "transfer_group": None,
    } | given


def transfer_reversal(ident: str, at: int, amount: int, of: Thing, **given: Any) -> Thing:
    return {
        "id": ident,
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": None,
        "created": at,
        "currency": of["currency"],
        "destination_payment_refund": None,
        "metadata": {},
        "source_refund": None,
        "transfer": of["id"],
    } | given


def payout(ident: str, at: int, amount: int, currency: str, bank: str, arrival: int) -> Thing:
    return {
        "id": ident,
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": arrival,
        "automatic": True,
        "balance_transaction": None,
        "created": at,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": bank,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "in_transit",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }


def balance_settings(interval: str) -> Thing:
    return {
        "object": "balance_settings",
        "payments": {
            "debit_negative_balances": True,
            "payouts": {
                "automatic_transfer_rules_by_currency": {},  # null in the fixtures, which the client cannot read
                "minimum_balance_by_currency": None,
                "schedule": {"interval": interval},
                "statement_descriptor": None,
                "status": "disabled",
            },
            "settlement_timing": {
                "delay_days": 2,
                "start_of_day": {"hour": 0, "minutes": 0, "timezone": "Etc/UTC"},
            },
        },
    }
