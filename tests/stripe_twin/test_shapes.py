"""Every answer has the keys that Stripe's own fixtures have, and no parameter is taken that Stripe's client does not know."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.stripe_twin.conftest import sent
from tests.stripe_twin.routes import ROUTES

DATA = Path(__file__).resolve().parent.parent / "data" / "stripe"
FIXTURES: dict[str, Any] = json.loads((DATA / "fixtures3-extract.json").read_text("utf-8"))["resources"]
SINGLE = {
    "balance",
    "balance_settings",
    "account_link",
    "bank_account",
    "transfer_reversal",
}  # asked for in other ways
# What Stripe leaves open: maps of its customers, and hashes that are there only under conditions.
OPEN = {
    "metadata",
    "payment_method_details",
    "outcome",
    "capabilities",
    "controller",
    "source",
    "billing_details",
}
PARAMS = {
    "POST /v1/payment_intents": "payment_intent_create",
    "POST /v1/payment_intents/*": "payment_intent_update",
    "POST /v1/payment_intents/*/confirm": "payment_intent_confirm",
    "POST /v1/payment_intents/*/cancel": "payment_intent_cancel",
    "POST /v1/refunds": "refund_create",
    "GET /v1/refunds": "refund_list",
    "GET /v1/charges": "charge_list",
    "GET /v1/disputes": "dispute_list",
    "POST /v1/disputes/*": "dispute_update",
    "POST /v1/accounts": "account_create",
    "GET /v1/accounts": "account_list",
    "POST /v1/accounts/*": "account_update",
    "POST /v1/account_links": "account_link_create",
    "POST /v1/transfers": "transfer_create",
    "GET /v1/transfers": "transfer_list",
    "POST /v1/transfers/*": "transfer_update",
    "POST /v1/transfers/*/reversals": "transfer_reversal_create",
    "GET /v1/transfers/*/reversals": "transfer_reversal_list",
    "POST /v1/balance_settings": "balance_settings_update",
    "GET /v1/balance_transactions": "balance_transaction_list",
    "GET /v1/payouts": "payout_list",
    "GET /v1/events": "event_list",
    "POST /v1/webhook_endpoints": "webhook_endpoint_create",
    "POST /v1/webhook_endpoints/*": "webhook_endpoint_update",
    "GET /v1/webhook_endpoints": "webhook_endpoint_list",
    "GET /v1/payment_intents": "payment_intent_list",
}


@pytest.fixture
def busy(twin, client, shop) -> dict[str, list[dict[str, Any]]]:
    """One of each type, as the API tells it."""
    v1, of_shop = client.v1, {"stripe_account": shop}
    v1.webhook_endpoints.create({"url": "http://127.0.0.1:1/", "enabled_events": ["*"]})
    told = {"amount": 1000, "currency": "cny", "confirm": True, "payment_method": "pm_card_createDispute"}
    paid = v1.payment_intents.create(told)
    refund = v1.refunds.create({"payment_intent": paid.id, "amount": 300})
    (dispute,) = v1.disputes.list().data
    link = v1.account_links.create({"account": shop, "type": "account_onboarding"})
    transfer = sent(client, shop)
    reversal = v1.transfers.reversals.create(transfer.id, {"amount": 300})
    twin.advance(3 * 86_400)
    (payout,) = v1.payouts.list(options=of_shop).data
    account = v1.accounts.retrieve(shop)
    found = [
        paid, refund, dispute, link, account, account.external_accounts.data[0], payout, reversal,
        v1.transfers.retrieve(transfer.id), v1.transfers.reversals.retrieve(transfer.id, reversal.id),
        v1.charges.retrieve(paid.latest_charge), v1.charges.retrieve(transfer.destination_payment, options=of_shop),
        v1.balance.retrieve(), v1.balance.retrieve(options=of_shop), v1.accounts.retrieve_current(),
        v1.balance_settings.retrieve(), v1.balance_settings.retrieve(options=of_shop), v1.payouts.retrieve(payout.id, options=of_shop),
        *v1.events.list({"limit": 100}).data, *v1.webhook_endpoints.list().data, *v1.balance_transactions.list().data,
        *v1.balance_transactions.list({"payout": payout.id}, of_shop).data,
    ]  # fmt: skip
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for each in found:
        by_kind.setdefault(each.object, []).append(each.to_dict())
    return by_kind


@pytest.mark.parametrize("kind", sorted(FIXTURES))
def test_every_type_has_the_keys_of_stripes_fixtures(busy, kind):
    assert busy[kind]
    for told in busy[kind]:
        assert list(departures(told, FIXTURES[kind], kind)) == []


def departures(told: dict[str, Any], wanted: dict[str, Any], path: str) -> Any:
    """Where the keys are others, hashes within hashes too."""
    if set(told) != set(wanted):
        yield f"{path}: {sorted(set(told) ^ set(wanted))}"
    for name in set(told) & set(wanted) - OPEN:
        here, there = told[name], wanted[name]
        if isinstance(here, list) and isinstance(there, list):
            here, there = (each[0] if each else None for each in (here, there))
        if isinstance(here, dict) and isinstance(there, dict) and there and name != "object":
            if path == "event" and name == "data":
                yield from departures(here["object"], FIXTURES[here["object"]["object"]], "event of")
            else:
                yield from departures(here, there, f"{path}.{name}")


def test_an_event_of_a_connected_account_names_it_and_is_read_as_that_account(client, shop):
    sent(client, shop)
    of_shop = {"stripe_account": shop}
    told = client.v1.events.list(options=of_shop).data[0].to_dict()

    assert set(told) == set(FIXTURES["event"]) | {"account"}
    assert (told["type"], told["account"]) == ("account.updated", shop)
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        client.v1.events.retrieve(told["id"])
    assert client.v1.events.retrieve(told["id"], options=of_shop).id == told["id"]


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_what_the_twin_takes_stripes_client_knows(route):
    takes = ROUTES[route].takes
    if route not in PARAMS:
        assert takes == {}
        return
    module = importlib.import_module(f"stripe.params._{PARAMS[route]}_params")
    top = "".join(part.title() for part in PARAMS[route].split("_")) + "Params"
    assert list(unknown(takes, module, top)) == []
    required = {
        name for name, kind in vars(module)[top].__annotations__.items() if "NotRequired" not in str(kind)
    }
    # Stripe may ask for amounts and types in other ways than the twin, which asks for them always.
    assert required <= set(ROUTES[route].needs)


def unknown(takes: Any, module: Any, name: str) -> Any:
    """Parameters, within hashes too, that the class of the client's module lacks."""
    known = vars(module)[name].__annotations__
    for each, kind in takes.items():
        if each not in known:
            yield f"{name}.{each}"
        elif isinstance(kind, dict):
            (inner,) = set(re.findall(r"\b[A-Z]\w+Params\w+", str(known[each]))) & set(vars(module))
            yield from unknown(kind, module, inner)


def test_the_check_of_parameters_finds_one_that_is_not_stripes():
    module = importlib.import_module("stripe.params._transfer_create_params")

    assert list(unknown({"amount": "int", "colour": "text"}, module, "TransferCreateParams")) == [
        "TransferCreateParams.colour"
    ]
