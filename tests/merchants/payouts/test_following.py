"""From Stripe to the merchant's bank: by webhooks in any order and number, or by none. Against a twin: no test against Stripe."""

import itertools

import pytest

from base import database
from merchants.payouts.stripe_models import StripeEvent
from tests.merchants.payouts.paying import (
    given_account,
    given_merchant,
    given_statement,
    history,
    payout_of,
    states,
)


@pytest.fixture
def sent(paying):
    """A statement whose money is at Stripe."""
    merchant = given_merchant()
    given_account(paying.config, paying.twin, merchant)
    statement = given_statement(merchant, 5_000)
    paying.run()
    paying.walk()
    return statement


def events() -> dict[str, int]:
    with database.begin() as session:
        found: dict[str, int] = {}
        for one in session.query(StripeEvent):
            found[one.kind] = found.get(one.kind, 0) + 1
        return found


def test_a_payout_to_the_bank_makes_its_statements_paid(paying, sent):
    paying.later(days=3).twin.advance(0)
    paying.tells()

    paying.walk()

    payout = payout_of(sent)
    (bank_payout,) = paying.twin.all("payout", payout.account).values()
    assert (payout.state, payout.bank_payout) == ("paid", bank_payout["id"])
    assert history(sent)[-2:] == ["sent", "paid"]


def test_an_event_told_five_times_backwards_is_stored_once(paying, sent):
    paying.twin.webhooks.copies, paying.twin.webhooks.backwards = 5, True
    paying.later(days=3).twin.advance(0)

    assert len(paying.tells()) >= 15
    paying.walk()

    assert events()["payout.paid"] == events()["payout.reconciliation_completed"] == 1
    assert payout_of(sent).state == "paid"


def test_what_no_event_told_a_poll_finds(paying, sent):
    paying.later(days=3).twin.advance(0)

    paying.polls()

    assert payout_of(sent).state == "paid"
    assert events() == {}


def test_a_webhook_finds_a_transfer_whose_answer_was_lost(paying):
    from merchants.payouts import events as incoming
    from merchants.payouts.stripe import Told

    merchant = given_merchant()
    given_account(paying.config, paying.twin, merchant)
    statement = given_statement(merchant, 700)
    paying.twin.fails("POST /v1/transfers", "timeout_after")
    paying.run()
    paying.walk()
    (transfer,) = paying.twin.all("transfer")

    with database.begin() as session:
        incoming.take(session, Told("evt_1", "transfer.created", "", {"id": transfer}), paying.now)
    lost = payout_of(statement).state
    paying.walk()

    assert (lost, payout_of(statement).state) == ("unknown", "sent")


def test_what_the_bank_sends_back_is_returned_and_paid_by_the_payout_that_takes_it_along(paying, sent):
    account = payout_of(sent).account
    paying.later(days=3).twin.advance(0)
    paying.tells()
    paying.walk()
    (first,) = paying.twin.all("payout", account)
    paying.twin.fail_payout(first, account)
    paying.tells()
    paying.walk()
    back = payout_of(sent).state

    paying.twin.onboard(account)
    paying.later(days=4).twin.advance(0)
    paying.tells()
    paying.walk()

    second = payout_of(sent).bank_payout
    assert (back, payout_of(sent).state) == ("returned", "paid")
    assert second != first
    assert history(sent)[-3:] == ["paid", "returned", "paid"]


def test_whatever_order_a_failure_and_what_follows_it_are_told_in_the_end_is_the_same(paying):
    told = ("payout.paid", "payout.failed", "payout.paid 2")
    ends = []
    for order in itertools.permutations(range(len(told))):
        merchant = given_merchant()
        account = given_account(paying.config, paying.twin, merchant)
        statement = given_statement(merchant, 900)
        paying.run()
        paying.walk()
        paying.later(days=3).twin.advance(0)
        (first,) = paying.twin.all("payout", account)
        paying.twin.fail_payout(first, account)
        paying.twin.onboard(account)
        paying.later(days=4).twin.advance(0)
        mine = [one for one in paying.twin.webhooks.waiting if one.event.get("account") == account]
        paying.twin.webhooks.waiting = []
        by_payout = sorted(mine, key=lambda one: (one.event["type"], one.event["created"]))
        chosen = [one for one in by_payout if one.event["type"] in ("payout.paid", "payout.failed")]
        for place in order:
            paying.twin.webhooks.waiting = [chosen[place]]
            paying.tells()
            paying.walk()
        ends.append((payout_of(statement).state, payout_of(statement).bank_payout != first))

    assert set(ends) == {("paid", True)}
    assert states() == {"paid": 6}
