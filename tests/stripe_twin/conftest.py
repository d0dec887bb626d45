"""A twin on loopback, the real client of Stripe, and a merchant's account that may be paid."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.stripe_twin.app import serving
from tests.stripe_twin.twin import Twin

MONDAY = 1_780_272_000  # 2026-06-01 00:00 UTC


@pytest.fixture
def twin() -> Twin:
    """A twin whose clock stands at noon of a Monday until it is advanced."""
    return Twin(lambda: MONDAY + 43_200)


@pytest.fixture
def client(twin: Twin) -> Iterator[Any]:
    """The real client of Stripe, talking to the twin."""
    with serving(twin) as url:
        yield stripe.StripeClient("sk_test_twin", base_addresses={"api": url}, max_network_retries=0)


@pytest.fixture
def shop(twin: Twin, client: Any) -> str:
    """A connected account that is onboarded, paid out each day; the platform has 1,000.00."""
    twin.fund(100_000)
    made = client.v1.accounts.create(
        {"country": "HK", "default_currency": "cny", "capabilities": {"transfers": {"requested": True}}}
    )
    return str(twin.onboard(made.id)["id"])


def sent(client: Any, shop: str, amount: int = 1000, key: str = "k1", **more: Any) -> Any:
    """A transfer."""
    params = {"amount": amount, "currency": "cny", "destination": shop} | more
    return client.v1.transfers.create(params, {"idempotency_key": key})


def has(client: Any, account: str = "") -> int:
    """What is available on the platform, or on an account."""
    options = {"stripe_account": account} if account else {}
    (found,) = client.v1.balance.retrieve(options=options).available
    return int(found.amount)
