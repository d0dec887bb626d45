"""What an account has, and the balance transactions that made it so."""

from typing import Any

from tests.stripe_twin.core import PLATFORM, Call, Core
from tests.stripe_twin.errors import invalid
from tests.stripe_twin.listing import listed
from tests.stripe_twin.shapes import Thing


def balance(twin: Core, call: Call) -> Thing:
    pending: dict[str, int] = {}
    for account, txn in twin.maturing.values():
        if account == call.account:
            pending[txn["currency"]] = pending.get(txn["currency"], 0) + txn["net"]
    has = {currency: n for (account, currency), n in twin.available.items() if account == call.account}
    currencies = sorted(has | pending) or [_own_currency(twin, call.account)]
    return {
        "object": "balance",
        "available": [_amount(has, each) for each in currencies],
        "connect_reserved": [{"amount": 0, "currency": each} for each in currencies],
        "livemode": False,
        "pending": [_amount(pending, each) for each in currencies],
    }


def _own_currency(twin: Core, account: str) -> str:
    return "cny" if account == PLATFORM else str(twin.get("account", account)["default_currency"])


def _amount(by_currency: dict[str, int], currency: str) -> Thing:
    amount = by_currency.get(currency, 0)
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def transactions(twin: Core, call: Call) -> Thing:
    """The newest first; of a payout, what it holds and the payout itself."""
    kept = twin.all("balance_transaction", call.account)
    if "payout" not in call.params:
        return listed(call, kept, ("currency", "source", "type"))
    payout = twin.named("payout", "payout", call.params["payout"], call.account)
    if not payout["automatic"]:
        raise invalid(None, "Only of an automatic payout is it known which transactions it holds.", "payout")
    held = {ident: kept[ident] for ident in twin.settled[payout["id"]]}
    return listed(call, held, ("currency", "source", "type"))


def fund(twin: Core, amount: int, currency: str, account: str = PLATFORM) -> str:
    """Money from outside, as a top-up of the platform or (for tests) of a connected account."""
    return twin.move(account, _source(currency), amount, "topup")


def _source(currency: str) -> dict[str, Any]:
    return {"currency": currency, "description": "top-up of the twin"}
