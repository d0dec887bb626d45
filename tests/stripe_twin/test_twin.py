"""The Stripe twin keeps what it promises: shapes, idempotency, faults, webhooks. None of this is a test against Stripe."""

import threading
from typing import Any

import pytest
import stripe

from tests.stripe_twin.app import create_twin
from tests.stripe_twin.webhooks import THREE_DAYS_S

INTENTS, REFUNDS = "POST /v1/payment_intents", "POST /v1/refunds"


def asked(client: Any, key: str = "k1", amount: int = 1000) -> Any:
    return client.v1.payment_intents.create(
        {"amount": amount, "currency": "cny", "metadata": {"redemption": "red_1"}}, {"idempotency_key": key}
    )


def paid(client: Any, key: str = "k1") -> Any:
    return client.v1.payment_intents.confirm(asked(client, key).id, {"payment_method": "pm_card_visa"})


def test_what_stripe_does_not_know_is_refused_in_its_shape(client):
    with pytest.raises(stripe.InvalidRequestError) as nowhere:
        client.raw_request("get", "/v1/accounts_of_mine")
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        client.v1.payment_intents.create({"amount": 5, "currency": "cny", "colour": "red"})
    with pytest.raises(stripe.InvalidRequestError) as nested:
        client.v1.balance_settings.update({"payments": {"payouts": {"colour": "red"}}})
    with pytest.raises(stripe.InvalidRequestError) as gone:
        client.v1.payment_intents.create({"amount": 5, "currency": "cny", "payment_method_types": ["card"]})
    with pytest.raises(stripe.InvalidRequestError) as no_number:
        client.v1.payment_intents.create({"amount": "five", "currency": "cny"})
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.payment_intents.create({"amount": 5})
    with pytest.raises(stripe.InvalidRequestError) as absent:
        client.v1.payment_intents.retrieve("pi_nobody")

    told = [
        (each.value.http_status, each.value.code, each.value.param)
        for each in (nowhere, unknown, nested, gone, no_number, missing, absent)
    ]
    assert told == [
        (404, "url_invalid", None),
        (400, "parameter_unknown", "colour"),
        (400, "parameter_unknown", "payments[payouts][colour]"),
        (400, "payment_method_types_no_longer_supported", "payment_method_types"),
        (400, "parameter_invalid_integer", "amount"),
        (400, "parameter_missing", "currency"),
        (404, "resource_missing", "payment_intent"),
    ]


def test_a_key_gives_its_first_answer_for_a_day_failures_too(twin, client):
    first, again = asked(client), asked(client)
    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        asked(client, amount=999)

    twin.fails(INTENTS, "500_after")
    for _ in range(2):  # the second is the kept answer of the first
        with pytest.raises(stripe.APIError) as failed:
            asked(client, "k2")
        assert failed.value.http_status == 500
    assert len(twin.all("payment_intent")) == 2

    twin.advance(86_401)
    assert asked(client).id != first.id
    assert asked(client, "k2").status == "requires_payment_method"


def test_a_key_that_is_under_way_is_in_use(twin, client):
    twin.fails(INTENTS, "slow", seconds=0.6)
    slow = threading.Thread(target=asked, args=(client,))
    slow.start()
    while "k1" not in twin.running:
        pass

    with pytest.raises(stripe.APIError) as refused:
        asked(client)
    slow.join()

    assert (refused.value.http_status, refused.value.json_body["error"]["code"]) == (
        409,
        "idempotency_key_in_use",
    )
    assert asked(client).id in twin.all("payment_intent")
    assert len(twin.all("payment_intent")) == 1


@pytest.mark.parametrize(
    ("mode", "error", "made"),
    [
        ("timeout_before", stripe.APIConnectionError, 0),
        ("timeout_after", stripe.APIConnectionError, 1),
        ("429", stripe.RateLimitError, 0),
        ("500", stripe.APIError, 0),
        ("500_after", stripe.APIError, 1),
    ],
)
def test_a_fault_does_what_its_name_says_once(twin, client, mode, error, made):
    twin.fails(INTENTS, mode)

    with pytest.raises(error):
        asked(client)

    assert len(twin.all("payment_intent")) == made
    assert asked(client, "another key").status == "requires_payment_method"


def test_the_demo_throws_the_switches_over_http(twin):
    face = create_twin(twin).test_client()
    before = twin.now()

    face.post("/twin/faults", json=[{"on": INTENTS, "mode": "429", "times": 1}])
    face.post("/twin/clock", json={"advance_s": 3600})
    face.post("/twin/deliver", json={"copies": 2, "delay_s": 5})
    answers = [
        face.post(
            "/v1/payment_intents",
            data={"amount": "5", "currency": "cny"},
            headers={"Authorization": f"Bearer {key}"},
        )
        for key in ("sk_live_no", "sk_test_yes", "sk_test_yes")
    ]

    assert [answer.status_code for answer in answers] == [401, 429, 200]
    assert twin.now() >= before + 3600
    assert (twin.webhooks.copies, twin.webhooks.delay_s) == (2, 5)
    assert face.post("/twin/deliver").json["statuses"] == []
    assert {answer.headers["X-Twin"] for answer in answers} == {"not Stripe"}


def test_cards_may_be_declined_or_need_the_members_answer(twin, client):
    intent = asked(client)
    twin.fails(f"{INTENTS}/*/confirm", "card_declined")
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.confirm(intent.id)
    twin.fails(f"{INTENTS}/*/confirm", "requires_action")
    waiting = client.v1.payment_intents.confirm(intent.id)
    twin.succeed(intent.id)
    done = client.v1.payment_intents.retrieve(intent.id)

    assert declined.value.code == "card_declined"
    assert (waiting.status, done.status, done.amount_received) == ("requires_action", "succeeded", 1000)
    with pytest.raises(stripe.InvalidRequestError) as late:
        client.v1.payment_intents.cancel(intent.id)
    assert late.value.code == "payment_intent_unexpected_state"


def test_no_more_is_refunded_than_was_paid(twin, client):
    intent = paid(client)
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 700})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 301})
    client.v1.refunds.create({"charge": intent.latest_charge})
    with pytest.raises(stripe.InvalidRequestError) as over:
        client.v1.refunds.create({"payment_intent": intent.id})
    charge = client.v1.charges.retrieve(intent.latest_charge)

    assert over.value.code == "charge_already_refunded"
    assert (charge.amount_refunded, charge.refunded) == (1000, True)
    net = sum(each["amount"] for each in twin.all("balance_transaction").values())
    assert net == 0


def test_events_are_signed_doubled_turned_round_and_tried_for_three_days(twin, client):
    taken: list[tuple[str, int]] = []
    endpoint = client.v1.webhook_endpoints.create(
        {"url": "http://shop.test/hook", "enabled_events": ["payment_intent.succeeded", "charge.succeeded"]}
    )
    status = 500

    def post(url: str, body: bytes, headers: dict[str, str]) -> int:
        event = stripe.Webhook.construct_event(
            body, headers["Stripe-Signature"], endpoint.secret, tolerance=10**9
        )
        taken.append((event.type, twin.now()))
        return status

    twin.webhooks.post, twin.webhooks.copies, twin.webhooks.backwards = post, 2, True
    twin.webhooks.delay_s = 60
    paid(client)
    assert twin.deliver() == []
    twin.advance(60)
    assert twin.deliver() == [500] * 4
    assert [kind for kind, _ in taken] == ["payment_intent.succeeded"] * 2 + ["charge.succeeded"] * 2

    began = twin.now()
    while twin.webhooks.waiting:
        twin.advance(300)
        twin.deliver()

    tries = [at for kind, at in taken if kind == "charge.succeeded"]
    assert 2 * 8 <= len(tries) <= 2 * 14
    assert 2 * 86_400 < max(tries) - began <= THREE_DAYS_S
