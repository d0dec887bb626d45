"""Automatic payouts by the twin's clock, what they hold, and how they fail."""

import pytest
import stripe

from tests.stripe_twin.conftest import MONDAY, has, sent
from tests.stripe_twin.core import DAY_S
from tests.stripe_twin.payouts import is_day


def payouts(client, shop):
    """The oldest first."""
    found = client.v1.payouts.list({"limit": 100}, {"stripe_account": shop}).data
    return list(reversed(found))


def plan(client, shop, **schedule):
    settings = {"payments": {"payouts": {"schedule": schedule}}}
    return client.v1.balance_settings.update(settings, {"stripe_account": shop})


def test_what_is_there_at_midnight_is_paid_out_and_arrives_a_day_later(twin, client, shop):
    sent(client, shop, 700)
    sent(client, shop, 300, "k2")
    twin.advance(DAY_S)
    (made,) = payouts(client, shop)
    assert (made.amount, made.status, made.reconciliation_status) == (1000, "in_transit", "in_progress")
    assert has(client, shop) == 0
    sent(client, shop, 50, "k3")  # the next one's
    twin.advance(DAY_S)

    first, second = payouts(client, shop)
    assert (first.id, first.status, first.reconciliation_status) == (made.id, "paid", "completed")
    assert (second.amount, second.status) == (50, "in_transit")
    kinds = [
        e.type for e in client.v1.events.list(options={"stripe_account": shop}).data if "payout" in e.type
    ]
    assert kinds[::-1] == [
        "payout.created", "payout.paid", "payout.reconciliation_completed", "payout.created",
    ]  # fmt: skip


def test_a_payout_tells_the_transfers_it_holds(twin, client, shop):
    of_shop = {"stripe_account": shop}
    one, other = sent(client, shop, 700), sent(client, shop, 300, "k2")
    client.v1.transfers.reversals.create(one.id, {"amount": 100})
    twin.advance(DAY_S)
    later = sent(client, shop, 50, "k3")
    twin.advance(DAY_S)
    first, second = payouts(client, shop)

    held = client.v1.balance_transactions.list({"payout": first.id}, of_shop).data
    assert [(each.type, each.net) for each in held] == [
        ("payout", -900), ("payment_refund", -100), ("payment", 300), ("payment", 700),
    ]  # fmt: skip
    sources = [each.source for each in held if each.type == "payment"]
    assert sources == [other.destination_payment, one.destination_payment]
    (only,) = client.v1.balance_transactions.list({"payout": second.id, "type": "payment"}, of_shop).data
    assert only.source == later.destination_payment
    with pytest.raises(stripe.InvalidRequestError, match="payout"):
        client.v1.balance_transactions.list({"payout": first.id})  # not the platform's


@pytest.mark.parametrize(
    ("schedule", "days"),
    [
        ({"interval": "daily"}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"interval": "weekly", "weekly_payout_days": ["wednesday", "friday"]}, [2, 4, 9]),
        ({"interval": "monthly", "monthly_payout_days": [1, 31]}, [29, 30, 60]),
        ({"interval": "manual"}, []),
    ],
)
def test_a_payout_is_made_on_the_days_of_its_schedule(schedule, days):
    until = max(days or [70]) + (0 if days else 1)
    assert [day for day in range(1, until + 1) if is_day(schedule, MONDAY + day * DAY_S)] == days


def test_a_schedule_is_set_by_balance_settings_or_by_the_account_and_both_show_it(twin, client, shop):
    told = plan(client, shop, interval="weekly", weekly_payout_days=["friday"])
    assert told.payments.payouts.schedule.weekly_payout_days == ["friday"]
    assert client.v1.accounts.retrieve(shop).settings.payouts.schedule.weekly_anchor == "friday"
    sent(client, shop)
    twin.advance(3 * DAY_S)
    assert payouts(client, shop) == []
    twin.advance(DAY_S)
    assert len(payouts(client, shop)) == 1

    monthly = {"interval": "monthly", "monthly_anchor": 15}
    client.v1.accounts.update(shop, {"settings": {"payouts": {"schedule": monthly}}})
    told = client.v1.balance_settings.retrieve(options={"stripe_account": shop})
    assert told.payments.payouts.schedule.to_dict() == {"interval": "monthly", "monthly_payout_days": [15]}
    with pytest.raises(stripe.InvalidRequestError) as error:
        plan(client, shop, interval="weekly", weekly_payout_days=["someday"])
    assert error.value.param == "weekly_payout_days"


def test_the_platform_keeps_its_money(twin, client, shop):
    twin.advance(40 * DAY_S)

    assert has(client) == 100_000
    assert client.v1.payouts.list().data == []


def test_a_failed_payout_is_back_in_the_balance_and_payouts_stop_until_there_is_another_bank(
    twin, client, shop
):
    sent(client, shop)
    twin.fails("payouts", "payout_failed", account=shop)
    twin.advance(2 * DAY_S)
    (failed,) = payouts(client, shop)
    account = client.v1.accounts.retrieve(shop)

    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    assert failed.failure_balance_transaction
    assert (has(client, shop), account.payouts_enabled) == (1000, False)
    assert account.requirements.currently_due == ["external_account"]
    twin.advance(3 * DAY_S)
    assert len(payouts(client, shop)) == 1

    bank = {"object": "bank_account", "country": "HK", "currency": "cny", "account_number": "000999"}
    client.v1.accounts.update(shop, {"external_account": bank})
    twin.advance(2 * DAY_S)
    assert [(each.status, each.amount) for each in payouts(client, shop)] == [
        ("failed", 1000),
        ("paid", 1000),
    ]


def test_a_payout_may_come_back_after_it_was_paid_and_once(twin, client, shop):
    sent(client, shop)
    twin.advance(2 * DAY_S)
    (paid,) = payouts(client, shop)
    assert paid.status == "paid"
    twin.fail_payout(paid.id, shop)

    assert has(client, shop) == 1000
    with pytest.raises(Exception, match="failed"):
        twin.fail_payout(paid.id, shop)


def test_the_money_of_a_card_is_available_after_some_days_where_the_twin_is_told_so(twin, client):
    twin.card_days = 2
    told = {"amount": 1000, "currency": "cny", "confirm": True, "payment_method": "pm_card_visa"}
    client.v1.payment_intents.create(told)
    client.v1.payment_intents.create(told | {"payment_method": "pm_card_bypassPending"})
    before = client.v1.balance.retrieve()
    twin.advance(2 * DAY_S)
    after = client.v1.balance.retrieve()

    net = 1000 - 29 - 30
    assert (before.available[0].amount, before.pending[0].amount) == (net, net)
    assert (after.available[0].amount, after.pending[0].amount) == (2 * net, 0)


def test_a_disputed_payment_is_taken_at_once_and_comes_back_when_it_is_won(twin, client):
    told = {"amount": 5000, "currency": "cny", "confirm": True, "payment_method": "pm_card_visa"}
    charges = [client.v1.payment_intents.create(told).latest_charge for _ in range(2)]
    before = has(client)
    won, lost = (twin.dispute(each)["id"] for each in charges)
    assert has(client) == before - 2 * (5000 + 1500)
    client.v1.disputes.update(won, {"evidence": {"product_description": "a voucher, used on 3 May"}})
    assert client.v1.disputes.retrieve(won).status == "under_review"
    twin.end_dispute(won, "won")
    client.v1.disputes.close(lost)

    assert {each.id: each.status for each in client.v1.disputes.list().data} == {won: "won", lost: "lost"}
    assert has(client) == before - 5000 - 2 * 1500
    assert client.v1.charges.retrieve(charges[0]).disputed
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.disputes.close(lost)
