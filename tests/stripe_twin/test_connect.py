"""Connected accounts, transfers and reversals: what may be paid, from which balance, how far back."""

import random
import threading

import pytest
import stripe

from tests.stripe_twin.conftest import has, sent
from tests.stripe_twin.core import DAY_S

TRANSFERS, REVERSALS = "POST /v1/transfers", "POST /v1/transfers/*/reversals"


def refused(call) -> tuple[int, str | None]:
    """Status and code of Stripe's no."""
    with pytest.raises(stripe.StripeError) as error:
        call()
    return error.value.http_status, error.value.json_body["error"].get("code")


# ---- accounts


def test_an_account_is_onboarded_over_a_link_before_it_can_be_paid(twin, client):
    twin.fund(5000)
    made = client.v1.accounts.create(
        {
            "default_currency": "cny",
            "capabilities": {"transfers": {"requested": True}},
            "metadata": {"m": "1"},
        }
    )
    assert (made.payouts_enabled, made.capabilities.transfers) == (False, "inactive")
    assert set(made.requirements.currently_due) > {"external_account", "business_profile.url"}
    told = client.v1.accounts.update(made.id, {"business_profile": {"url": "https://shop.test"}})
    assert "business_profile.url" not in told.requirements.currently_due
    assert refused(lambda: sent(client, made.id)) == (400, "insufficient_capabilities_for_transfer")
    link = client.v1.account_links.create(
        {"account": made.id, "type": "account_onboarding", "return_url": "http://shop.test/back"}
    )

    twin.onboard(made.id, verified=False)
    looked_at = client.v1.accounts.retrieve(made.id)
    assert looked_at.details_submitted
    assert (looked_at.payouts_enabled, looked_at.capabilities.transfers) == (False, "pending")
    assert looked_at.requirements.disabled_reason == "requirements.pending_verification"
    assert refused(lambda: sent(client, made.id)) == (400, "insufficient_capabilities_for_transfer")

    twin.onboard(made.id)
    whole = client.v1.accounts.retrieve(made.id)
    assert (whole.payouts_enabled, whole.capabilities.transfers, whole.metadata["m"]) == (True, "active", "1")
    assert sent(client, made.id, key="k2").amount == 1000
    assert link.url.startswith(twin.address)
    assert link.expires_at > twin.now()


def test_a_restricted_account_takes_nothing_until_it_is_in_order_again(twin, client, shop):
    twin.restrict(shop)
    told = client.v1.accounts.retrieve(shop)

    assert (told.payouts_enabled, told.requirements.disabled_reason) == (False, "requirements.past_due")
    assert refused(lambda: sent(client, shop)) == (400, "insufficient_capabilities_for_transfer")
    twin.onboard(shop)
    assert sent(client, shop, key="k2").destination == shop


def test_metadata_is_added_to_and_taken_out_key_by_key(client, shop):
    client.v1.accounts.update(shop, {"metadata": {"a": "1", "b": "2"}, "email": "till@shop.test"})
    told = client.v1.accounts.update(shop, {"metadata": {"a": "", "c": "3"}})

    assert (told.metadata.to_dict(), told.email) == ({"b": "2", "c": "3"}, "till@shop.test")
    assert client.v1.accounts.update(shop, {"metadata": ""}).metadata.to_dict() == {}


def test_a_header_that_names_no_account_of_ours_is_refused(client, shop):
    def at(account):
        return lambda: client.v1.balance.retrieve(options={"stripe_account": account})

    assert refused(at("acct_of_somebody")) == (403, "account_invalid")
    assert at(shop)().available[0].amount == 0


# ---- transfers


def test_a_transfer_moves_the_balance_of_both_and_is_found_by_its_group(client, shop):
    made = sent(client, shop, 700, transfer_group="stmt:1", metadata={"statement": "1"})
    sent(client, shop, 300, key="k2", transfer_group="stmt:2")

    (found,) = client.v1.transfers.list({"transfer_group": "stmt:1"}).data
    assert (found.id, found.metadata["statement"]) == (made.id, "1")
    assert client.v1.transfers.list({"transfer_group": "stmt:3"}).data == []
    assert (has(client), has(client, shop)) == (99_000, 1000)
    payment = client.v1.charges.retrieve(made.destination_payment, options={"stripe_account": shop})
    assert (payment.source_transfer, payment.amount) == (made.id, 700)
    moved = client.v1.balance_transactions.retrieve(made.balance_transaction)
    assert (moved.type, moved.net, moved.source) == ("transfer", -700, made.id)


def test_no_more_is_sent_than_there_is_and_the_no_is_kept_under_its_key(twin, client, shop):
    assert refused(lambda: sent(client, shop, 100_001)) == (400, "balance_insufficient")
    assert refused(lambda: sent(client, shop, 5, "k2", currency="usd")) == (400, "balance_insufficient")
    assert refused(lambda: sent(client, "acct_of_somebody", key="k3")) == (400, "resource_missing")
    assert refused(lambda: sent(client, shop, 0, "k4")) == (400, "parameter_invalid_integer")
    twin.fund(1)

    assert refused(lambda: sent(client, shop, 100_001)) == (400, "balance_insufficient")
    twin.advance(DAY_S)
    assert sent(client, shop, 100_001).amount == 100_001
    assert has(client) == 0


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ("insufficient_funds", "balance_insufficient"),
        ("account_restricted", "insufficient_capabilities_for_transfer"),
    ],
)
def test_a_switch_refuses_what_would_be_possible_for_the_account_it_names(twin, client, shop, mode, code):
    twin.fails(TRANSFERS, mode, account="acct_of_somebody")
    assert sent(client, shop).amount == 1000
    twin.fails(TRANSFERS, mode, account=shop)

    assert refused(lambda: sent(client, shop, key="k2")) == (400, code)
    assert sent(client, shop, key="k3").amount == 1000


def test_whatever_is_lost_or_fails_the_same_key_makes_one_transfer(twin, client, shop):
    twin.fails(TRANSFERS, "timeout_after", times=None, share=0.3)
    twin.fails(TRANSFERS, "timeout_before", times=None, share=0.1)
    twin.fails(TRANSFERS, "503", times=None, share=0.2)
    tries = 0
    for n in range(60):
        while True:
            tries += 1
            try:
                sent(client, shop, 10, f"k{n}", transfer_group=f"stmt:{n}")
                break
            except (stripe.APIConnectionError, stripe.APIError):  # no answer, or 503
                continue

    groups = [each["transfer_group"] for each in twin.all("transfer").values()]
    assert sorted(groups) == sorted(f"stmt:{n}" for n in range(60))
    assert tries > 60
    assert (has(client), has(client, shop)) == (100_000 - 600, 600)


def test_threads_that_send_under_one_key_make_one_transfer(twin, client, shop):
    outcomes: list[str] = []

    def send() -> None:
        try:
            outcomes.append(sent(client, shop, 10, "same").id)
        except stripe.StripeError as error:
            outcomes.append(str(error.code))

    threads = [threading.Thread(target=send) for _ in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    (made,) = twin.all("transfer")
    assert len(outcomes) == 12
    assert set(outcomes) <= {made, "idempotency_key_in_use"}
    assert has(client, shop) == 10


# ---- reversals


def test_a_transfer_goes_back_in_parts_and_never_more_than_it_was(client, shop):
    made = sent(client, shop, 1000)
    first = client.v1.transfers.reversals.create(made.id, {"amount": 400, "metadata": {"why": "clawback"}})
    assert refused(lambda: client.v1.transfers.reversals.create(made.id, {"amount": 601})) == (400, None)
    client.v1.transfers.reversals.create(made.id)
    told = client.v1.transfers.retrieve(made.id)

    assert (told.amount_reversed, told.reversed, len(told.reversals.data)) == (1000, True, 2)
    assert client.v1.transfers.reversals.retrieve(made.id, first.id).metadata["why"] == "clawback"
    assert [each.amount for each in client.v1.transfers.reversals.list(made.id).data] == [600, 400]
    assert refused(lambda: client.v1.transfers.reversals.create(made.id)) == (400, None)
    assert (has(client), has(client, shop)) == (100_000, 0)


def test_no_more_goes_back_than_the_account_still_has(twin, client, shop):
    made = sent(client, shop, 1000)
    twin.advance(DAY_S)  # paid out: the money has left Stripe
    sent(client, shop, 200, "k2")

    assert refused(lambda: client.v1.transfers.reversals.create(made.id, {"amount": 201})) == (
        400,
        "balance_insufficient",
    )
    assert client.v1.transfers.reversals.create(made.id, {"amount": 200}).amount == 200
    twin.fails(REVERSALS, "insufficient_funds")
    assert refused(lambda: client.v1.transfers.reversals.create(made.id, {"amount": 1})) == (
        400,
        "balance_insufficient",
    )


def test_money_is_neither_made_nor_lost_whatever_is_done_in_whatever_order(twin, client, shop):
    dice = random.Random(11)
    other = twin.onboard(client.v1.accounts.create({"default_currency": "cny"}).id)["id"]
    sent_ones = []
    for n in range(80):
        deed = dice.random()
        try:
            if deed < 0.5 or not sent_ones:
                sent_ones.append(sent(client, dice.choice((shop, other)), dice.randint(1, 5000), f"k{n}").id)
            elif deed < 0.8:
                client.v1.transfers.reversals.create(
                    dice.choice(sent_ones), {"amount": dice.randint(1, 3000)}
                )
            else:
                twin.fails("payouts", "payout_failed") if dice.random() < 0.3 else None
                twin.advance(dice.randint(1, 2) * DAY_S)
        except stripe.InvalidRequestError:
            continue

    out = 0
    for account in ("", shop, other):
        txns = twin.all("balance_transaction", account).values()
        assert sum(txn["net"] for txn in txns) == has(client, account)
        assert has(client, account) >= 0
        payouts = twin.all("payout", account).values()
        out += sum(each["amount"] for each in payouts if each["status"] != "failed")
    assert sum(has(client, account) for account in ("", shop, other)) + out == 100_000
    assert out > 0
