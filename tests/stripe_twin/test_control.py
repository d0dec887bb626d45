"""The switches beside the API, the page in words, and events on their way to the product."""

import random

import pytest
import stripe

from tests.stripe_twin.app import create_twin
from tests.stripe_twin.conftest import has, sent
from tests.stripe_twin.core import DAY_S


@pytest.fixture
def face(twin):
    """The twin without a network."""
    return create_twin(twin).test_client()


def test_the_page_says_in_words_what_it_is_and_shows_what_it_holds(face, client, shop):
    client.v1.accounts.update(shop, {"business_profile": {"name": "Tea & <Noodles>"}})
    sent(client, shop, 1234)
    client.v1.payment_intents.create({"amount": 500, "currency": "cny"})
    page = face.get("/").text

    assert "This is not Stripe." in page
    assert "no live Stripe call" in page.replace("\n", " ")
    assert "Tea &amp; &lt;Noodles&gt;" in page
    assert {"12.34 CNY", "987.66 CNY", "5.00 CNY"} <= {text.split("<")[0] for text in page.split(">")}
    assert "<script" not in page


def test_a_person_presses_the_buttons_of_the_page(twin, face, client, shop):
    intent = client.v1.payment_intents.create({"amount": 500, "currency": "cny"})
    sent(client, shop)
    paid = face.post(f"/twin/payments/{intent.id}/pay", data={"of": "page"})
    face.post("/twin/clock", data={"of": "page", "advance_s": str(2 * DAY_S)})
    (payout,) = client.v1.payouts.list(options={"stripe_account": shop}).data
    face.post(f"/twin/payouts/{payout.id}/fail", data={"of": "page", "account": shop})
    face.post(f"/twin/accounts/{shop}/restrict", data={"of": "page"})

    assert (paid.status_code, paid.location) == (303, "/")
    assert face.post(f"/twin/payments/{intent.id}/pay").status_code == 400  # once
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"
    assert client.v1.payouts.retrieve(payout.id, options={"stripe_account": shop}).status == "failed"
    assert client.v1.accounts.retrieve(shop).requirements.disabled_reason == "requirements.past_due"


def test_a_merchant_is_onboarded_on_the_page_of_its_link_once_and_only_in_time(twin, face, client):
    account = client.v1.accounts.create({}).id
    told = {"account": account, "type": "account_onboarding"} | {
        f"{name}_url": f"http://shop.test/{name}" for name in ("return", "refresh")
    }
    paths = [client.v1.account_links.create(told).url.removeprefix(twin.address) for _ in range(2)]
    shown = face.get(paths[0])
    done = face.post(paths[0], data={"outcome": "verified"})
    again = face.post(paths[0])
    twin.advance(301)
    late = face.get(paths[1])

    assert "This is not Stripe." in shown.text
    assert (done.status_code, done.location) == (303, "http://shop.test/return")
    assert client.v1.accounts.retrieve(account).payouts_enabled
    assert (again.location, late.location) == ("/", "http://shop.test/refresh")


def test_programs_throw_the_same_switches(twin, face, client, shop):
    face.post("/twin/funds", json={"amount": 500})
    assert has(client) == 100_500
    charge = client.v1.payment_intents.create(
        {"amount": 500, "currency": "cny", "confirm": True, "payment_method": "pm_card_visa"}
    ).latest_charge
    dispute = face.post("/twin/disputes", json={"charge": charge}).json
    face.post(f"/twin/disputes/{dispute['id']}/lost", json={})
    assert client.v1.disputes.retrieve(dispute["id"]).status == "lost"

    fault = {"on": "*", "mode": "503", "times": None, "share": 0.5}
    assert face.post("/twin/faults", json=[fault]).json[0]["share"] == 0.5
    assert face.get("/twin/faults").json[0]["mode"] == "503"
    assert face.delete("/twin/faults").json == []
    assert face.post("/twin/faults", json=[{"on": "*", "mode": "bad luck"}]).status_code == 400
    assert face.post("/twin/clock", json={}).status_code == 400
    assert face.post("/twin/accounts/acct_of_somebody/onboard", json={}).status_code == 404
    assert face.get("/twin/health").json == {"twin": "not Stripe"}


def test_the_clock_goes_back_only_before_there_is_an_account(twin, face, client):
    began = twin.now()
    assert face.post("/twin/clock", json={"advance_s": -40 * DAY_S}).json["now"] == began - 40 * DAY_S
    client.v1.accounts.create({})

    assert face.post("/twin/clock", json={"advance_s": -1}).status_code == 400
    assert face.post("/twin/clock", json={"advance_s": 40 * DAY_S}).json["now"] == began


def test_each_event_five_times_in_any_order_and_some_late(twin, client, shop):
    taken = []
    endpoint = twin.create_endpoint({"url": "/hook", "enabled_events": ["transfer.created"]})
    twin.webhooks.copies, twin.webhooks.shuffled, dice = 5, True, random.Random(3)

    def post(url, body, headers):
        event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], endpoint["secret"], 10**9)
        if dice.random() < 0.2:
            return 500
        taken.append(event.data.object.id)
        return 200

    twin.webhooks.post = post
    made = [sent(client, shop, 10, f"k{n}").id for n in range(20)]
    statuses = twin.deliver()
    assert (len(statuses), set(statuses)) == (100, {200, 500})
    assert taken != sorted(taken)
    while twin.webhooks.waiting:
        twin.advance(3600)
        twin.deliver()

    assert {ident: taken.count(ident) for ident in taken} == dict.fromkeys(made, 5)
    told = [
        each["pending_webhooks"] for each in twin.all("event").values() if each["type"] == "transfer.created"
    ]
    assert told == [0] * 20


def test_events_of_connected_accounts_go_to_the_endpoints_that_ask_for_them(twin, client, shop):
    taken = []
    for url, connect in (("/ours", False), ("/theirs", True)):
        client.v1.webhook_endpoints.create({"url": url, "enabled_events": ["*"], "connect": connect})
    twin.webhooks.post = lambda url, body, headers: (
        taken.append(url + (" account" if b'"account": ' in body else "")) or 200
    )
    sent(client, shop)
    twin.restrict(shop)
    twin.deliver()
    assert sorted(taken) == ["/ours", "/theirs account"]

    theirs, _ = client.v1.webhook_endpoints.list().data
    client.v1.webhook_endpoints.update(theirs.id, {"disabled": True})
    twin.onboard(shop)
    assert twin.deliver() == []
    client.v1.webhook_endpoints.delete(theirs.id)
    assert len(client.v1.webhook_endpoints.list().data) == 1
