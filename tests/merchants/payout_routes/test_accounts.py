"""A merchant's account at Stripe: asked for once, onboarded on Stripe's page, kept as Stripe told it last. Against a twin."""

import pytest

from base.http import settings
from tests.given import caller, given_colleague, given_shop, merchant_token
from tests.merchants.payouts.conftest import paying as _paying
from tests.merchants.payouts.paying import given_statement, payout_of

paying = _paying


@pytest.fixture
def owner(app, paying):
    shop = given_shop()
    before = app.extensions["jifen_config"]
    settings.keep(app, paying.config)
    yield caller(app, merchant_token(given_colleague(shop, "owner", "00", secret="a long password 7"))), shop
    settings.keep(app, before)


def test_an_account_is_made_onboarded_and_paid_to(paying, owner):
    person, shop = owner
    asked = [person.post("/v1/merchant/stripe-account", {"country": "HK"}).json for _ in range(2)]
    early = person.get("/v1/merchant/stripe-account/link")
    paying.walk()
    made = person.get("/v1/merchant/stripe-account").json
    link = person.get("/v1/merchant/stripe-account/link").json["url"]
    (account,) = paying.twin.all("account")
    with paying.stopped():
        statement = given_statement(shop.merchant, 4_200)
    held = payout_of(statement).held

    paying.twin.onboard(account)
    paying.tells()
    paying.later(minutes=1).walk()
    paying.looks_at_holds()
    paying.run()
    paying.walk()

    assert [one["state"] for one in asked] == ["asked", "asked"]
    assert (early.status_code, made["state"], held) == (409, "onboarding", "account-restricted")
    assert "onboarding" in link
    assert person.get("/v1/merchant/stripe-account").json["state"] == "enabled"
    assert person.get("/v1/merchant/payout-routes").json["data"][0]["kind"] == "stripe"
    assert payout_of(statement).state == "sent"


def test_an_answer_lost_at_the_making_is_one_account(paying, owner):
    person, _ = owner
    person.post("/v1/merchant/stripe-account", {"country": "HK"})
    paying.twin.fails("POST /v1/accounts", "timeout_after")

    paying.walk()
    paying.later(hours=1).walk()

    assert len(paying.twin.all("account")) == 1
    assert person.get("/v1/merchant/stripe-account").json["state"] == "onboarding"


def test_a_country_is_two_letters(owner):
    person, _ = owner

    assert (
        person.post("/v1/merchant/stripe-account", {"country": "hk"}).json["type"]
        == "/problems/country-wrong"
    )
