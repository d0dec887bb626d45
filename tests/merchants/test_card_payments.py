"""The module that talks to Stripe, with the real client, against the twin. Not a test against Stripe."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from base import clock
from base.config import Config
from merchants import card_payments
from merchants.card_payments import Charge, Payment, Repayment
from merchants.payouts.stripe import EventForged, EventTooOld, Refused, StripeOff, Unknown, Unreachable
from tests.stripe_twin.app import serving
from tests.stripe_twin.twin import Twin
from tests.stripe_twin.webhooks import signed

CHARGE = Charge("red_1", 1250, "CNY")
INTENTS, REFUNDS = "POST /v1/payment_intents", "POST /v1/refunds"
SECRET = "whsec_of_the_test"
EVENT = (
    b'{"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": '
    b'{"object": "payment_intent", "id": "pi_1", "metadata": {"redemption": "red_1"}}}}'
)


@pytest.fixture
def twin() -> Twin:
    return Twin()


@pytest.fixture
def stripe_on(twin: Twin) -> Iterator[Config]:
    with serving(twin) as url:
        yield Config.from_env().at(
            stripe_secret_key="sk_test_secret",
            stripe_api_base=url,
            stripe_webhook_secret=SECRET,
            stripe_timeout_s=2,
        )


def asked(config: Config) -> Payment:
    found = card_payments.ask(config, CHARGE)
    assert isinstance(found, Payment)
    return found


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [("timeout_after", Unknown), ("timeout_before", Unknown), ("slow", Unknown), ("429", Unreachable)],
)
def test_a_lost_answer_asked_for_again_with_the_same_key_is_one_payment_intent(
    twin, stripe_on, mode, outcome
):
    config = stripe_on.at(stripe_timeout_s=0.3)
    twin.fails(INTENTS, mode, seconds=0.6)

    first = card_payments.ask(config, CHARGE)
    second = card_payments.ask(stripe_on, CHARGE)
    while isinstance(second, Unknown):  # the slow one still runs under the key
        second = card_payments.ask(stripe_on, CHARGE)

    assert type(first) is outcome
    assert isinstance(second, Payment)
    assert second.is_of(CHARGE)
    assert list(twin.all("payment_intent")) == [second.intent]
    assert twin.calls[INTENTS] >= 2  # and each call of ours was one request: nothing is tried behind our back
    assert mode == "slow" or twin.calls[INTENTS] == 2


def test_what_an_answer_means(twin, stripe_on):
    twin.fails(INTENTS, "500")
    assert [type(card_payments.ask(stripe_on, CHARGE)) for _ in range(2)] == [Unknown, Unknown]
    other = Charge("red_1", 999, "CNY")
    assert isinstance(card_payments.ask(stripe_on, other), Unknown)  # same key, other amount: never "no"
    nobody = card_payments.look(stripe_on, "pi_nobody")
    assert isinstance(nobody, Refused)
    assert nobody.code == "resource_missing"
    assert isinstance(card_payments.ask(stripe_on.at(stripe_secret_key="wrong"), CHARGE), Unreachable)
    assert isinstance(
        card_payments.ask(stripe_on.at(stripe_api_base="http://127.0.0.1:9"), CHARGE), Unreachable
    )
    with pytest.raises(StripeOff):
        card_payments.ask(stripe_on.at(stripe_secret_key=""), CHARGE)


def test_cancel_tells_what_is_true_whoever_won(twin, stripe_on):
    lost, won = asked(stripe_on), card_payments.ask(stripe_on, Charge("red_2", 5, "CNY"))
    assert isinstance(won, Payment)
    twin.succeed(lost.intent)  # the member paid while we were about to cancel
    twin.fails(f"{INTENTS}/*/cancel", "timeout_after")

    told = card_payments.cancel(stripe_on, lost.intent), card_payments.cancel(stripe_on, won.intent)
    again = card_payments.cancel(stripe_on, lost.intent), card_payments.cancel(stripe_on, won.intent)

    assert isinstance(told[0], Unknown)  # the lost answer was of the first of these
    assert [each.state for each in (*again, told[1])] == ["succeeded", "canceled", "canceled"]


def test_a_refund_is_made_once_for_each_number_and_never_over_what_was_paid(twin, stripe_on):
    intent = asked(stripe_on).intent
    assert isinstance(card_payments.refund(stripe_on, CHARGE, intent, 1), Refused)
    twin.succeed(intent)
    twin.advance(86_401)  # Stripe's refusal is forgotten
    twin.fails(REFUNDS, "timeout_after")

    lost = card_payments.refund(stripe_on, CHARGE, intent, 1)
    found = card_payments.refund(stripe_on, CHARGE, intent, 1)
    over = card_payments.refund(stripe_on, Charge("red_2", 1250, "CNY"), intent, 1)
    twin.advance(86_401)  # the key is forgotten: what is there is found, and not made again
    late = card_payments.refund(stripe_on, CHARGE, intent, 1)

    assert isinstance(lost, Unknown)
    assert isinstance(found, Repayment)
    assert (found.state, found.amount_fen, found.currency) == ("succeeded", 1250, "CNY")
    assert isinstance(over, Refused)
    assert over.code == "charge_already_refunded"
    assert card_payments.look_refund(stripe_on, found.refund) == late == found
    assert len(twin.all("refund")) == 1


def test_only_a_fresh_signature_over_the_raw_body_is_believed(stripe_on):
    at = clock.now()
    now = int(at.timestamp())

    def told(body: bytes, header: str | None, late_s: int = 0) -> object:
        return card_payments.event_of(stripe_on, body, header, at + timedelta(seconds=late_s))

    event = told(EVENT, signed(SECRET, EVENT, now))
    assert event == card_payments.Event("evt_1", "payment_intent.succeeded", "pi_1", "red_1")
    for body, header in (
        (EVENT, None),
        (EVENT, ""),
        (EVENT, "t=1"),
        (EVENT, f"t={now},v1={'0' * 64}"),
        (EVENT, "t=x,v1=é"),
        (EVENT, signed("whsec_other", EVENT, now)),
        (EVENT + b" ", signed(SECRET, EVENT, now)),
        (b"\xff", signed(SECRET, b"\xff", now)),
        (b"[]", signed(SECRET, b"[]", now)),
    ):
        with pytest.raises(EventForged):
            told(body, header)
    for late_s in (302, -302):
        with pytest.raises(EventTooOld):
            told(EVENT, signed(SECRET, EVENT, now), late_s)
    with pytest.raises(StripeOff):
        card_payments.event_of(stripe_on.at(stripe_webhook_secret=""), EVENT, "", at)


def test_no_secret_is_shown_or_logged(twin, stripe_on, capfd):
    payment = asked(stripe_on)
    twin.fails(INTENTS, "500")
    card_payments.ask(stripe_on, Charge("red_9", 7, "CNY"))

    out, err = capfd.readouterr()
    seen = out + err + repr(payment) + repr(stripe_on)
    assert payment.client_secret
    assert not [s for s in ("sk_test_secret", SECRET, payment.client_secret) if s in seen]
