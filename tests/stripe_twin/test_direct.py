"""The product's own client on a twin without a network: the same answers, and quick enough for thousands of calls."""

import pytest

from base import calls
from base.config import Config
from merchants import card_payments
from merchants.card_payments import Charge, Payment
from merchants.payouts.stripe import Refused, Unknown, Unreachable
from tests.stripe_twin import direct

INTENTS = "POST /v1/payment_intents"


@pytest.fixture
def on_twin(twin, config: Config, monkeypatch) -> Config:
    """A configuration whose Stripe is the twin."""
    monkeypatch.setattr(calls, "call", direct.call(twin))
    return config.at(stripe_secret_key="sk_test_twin", stripe_api_base="http://twin.test", stripe_timeout_s=1)


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("timeout_after", Unknown),
        ("timeout_before", Unknown),
        ("503", Unknown),
        ("429", Unreachable),
        ("500", Unknown),
    ],
)
def test_what_goes_wrong_looks_as_it_does_over_the_wire(twin, on_twin, mode, told):
    twin.fails(INTENTS, mode)

    assert isinstance(card_payments.ask(on_twin, Charge("red_1", 500, "CNY")), told)
    again = card_payments.ask(on_twin, Charge("red_1", 500, "CNY"))
    assert isinstance(again, Unknown if mode == "500" else Payment)  # a 500 is kept under its key


def test_no_answer_in_a_thousand_is_lost_for_good_and_nothing_is_asked_for_twice(twin, on_twin):
    twin.fails(INTENTS, "timeout_after", times=None, share=0.1)
    twin.fails(INTENTS, "503", times=None, share=0.05)
    for n in range(1000):
        while not isinstance(card_payments.ask(on_twin, Charge(f"red_{n}", 500, "CNY")), Payment):
            continue

    asked_for = [each["metadata"]["redemption"] for each in twin.all("payment_intent").values()]
    assert sorted(asked_for) == sorted(f"red_{n}" for n in range(1000))
    assert twin.calls[INTENTS] > 1100


def test_no_is_no(twin, on_twin):
    made = card_payments.ask(on_twin, Charge("red_1", 500, "CNY"))
    assert isinstance(made, Payment)

    told = card_payments.refund(on_twin, Charge("red_1", 500, "CNY"), made.intent, 1)
    assert isinstance(told, Refused)  # nothing was paid
