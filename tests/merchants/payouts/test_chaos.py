"""Lost answers, failures, events five times in whatever order: as many transfers as statements, and the same end.

Against a twin of Stripe: no test against Stripe.
"""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from base import database
from merchants.payouts.stripe_models import StripeEvent
from tests.merchants.payouts.chaos import given_many, loses, tells_wildly, until_sent
from tests.merchants.payouts.paying import history, payout_of, states
from tests.sparse import first_of


def run_all(paying):
    """As many runs as it takes."""
    while states().get("planned"):
        paying.run()


def send_all(paying, count):
    statements = given_many(paying, count)
    loses(paying)
    run_all(paying)
    until_sent(paying, statements)
    paying.twin.faults.clear()
    return statements


def to_the_banks(paying) -> None:
    paying.later(days=3).twin.advance(0)


def check_paid(paying, statements) -> None:
    assert states() == {"paid": len(statements)}
    assert len(paying.transfers) == len(statements)
    assert set(paying.transfers.values()) == {1}
    sent = sum(each["amount"] for each in paying.twin.all("transfer").values())
    assert sent == sum(one.payable_fen for one in statements)


def test_sixty_payouts_through_lost_answers_and_failures_are_sixty_transfers(paying):
    statements = send_all(paying, 60)
    to_the_banks(paying)

    told = tells_wildly(paying, 5)
    paying.walk(2)

    assert told >= 5 * 60
    check_paid(paying, statements)


@pytest.mark.torture
@pytest.mark.timeout(3_600)
def test_a_thousand_payouts_through_lost_answers_and_failures_are_a_thousand_transfers(paying):
    statements = send_all(paying, 1_000)
    to_the_banks(paying)

    told = tells_wildly(paying, 5)
    paying.walk(5)

    assert told >= 5_000
    check_paid(paying, statements)


class Post:
    """Events on their way for long: each doubled, a share of them told at each stage, the rest at the end."""

    def __init__(self, paying, seed: int) -> None:
        self.paying, self.dice, self.held, self.told = paying, random.Random(seed), [], 0

    def tells(self, share: float) -> None:
        webhooks = self.paying.twin.webhooks
        self.held += [one for one in webhooks.waiting for _ in range(2)]
        self.dice.shuffle(self.held)
        many = round(len(self.held) * share)
        webhooks.waiting, self.held = self.held[:many], self.held[many:]
        self.told += len(self.paying.tells())
        self.paying.walk(2)


def follows_wildly(paying, count, seed):
    """Payouts of which every fourth fails at the bank, and every eighth is not paid again; how many events were told."""
    statements, post = given_many(paying, count), Post(paying, seed)
    run_all(paying)
    paying.walk()
    to_the_banks(paying)
    post.tells(0.3)
    accounts = [payout_of(one).account for one in statements]
    for account in accounts[::4]:
        (bank_payout,) = paying.twin.all("payout", account)
        paying.twin.fail_payout(bank_payout, account)
    post.tells(0.3)
    for account in accounts[::8]:
        paying.twin.onboard(account)
    paying.later(days=4).twin.advance(0)
    post.tells(0.3)
    post.tells(1)
    return statements, accounts, post.told


def check_followed(paying, statements, accounts) -> None:
    """Each payout stands where the latest payout to its bank does, as the twin knows it."""
    for statement, account in zip(statements, accounts, strict=True):
        latest = list(paying.twin.all("payout", account).values())[-1]
        payout = payout_of(statement)
        expected = {"paid": "paid", "failed": "returned"}[latest["status"]]
        assert (payout.state, payout.bank_payout) == (expected, latest["id"])


@pytest.mark.parametrize("seed", first_of(1, 2))
def test_events_doubled_late_and_in_any_order_end_where_stripe_is(paying, seed):
    statements, accounts, told = follows_wildly(paying, 16, seed)

    assert told >= 150
    check_followed(paying, statements, accounts)
    assert states() == {"paid": 14, "returned": 2}


@pytest.mark.torture
@pytest.mark.timeout(3_600)
def test_ten_thousand_events_doubled_late_and_in_any_order_end_where_stripe_is(paying):
    statements, accounts, told = follows_wildly(paying, 850, 5)

    assert told >= 10_000
    check_followed(paying, statements, accounts)


def test_two_workers_at_once_send_each_statement_once(paying):
    statements = given_many(paying, 8)
    paying.run()

    with paying.stopped(), ThreadPoolExecutor(4) as pool:  # one clock for all of them
        list(pool.map(lambda _: paying.walk(), range(4)))
    paying.later(hours=1).walk()

    assert states() == {"sent": 8}
    assert set(paying.transfers.values()) == {1}
    assert {tuple(history(one)) for one in statements} <= {
        ("planned", "approved", "sending", "sent"), ("planned", "approved", "sending", "unknown", "sent"),
    }  # fmt: skip


def test_without_the_key_of_events_the_same_event_is_followed_again(paying, owner):
    """The control: what the tests above count as once is once because of that key."""
    given_many(paying, 1)
    paying.run()
    paying.walk()
    to_the_banks(paying)
    owner.execute(text("alter table stripe_event drop constraint stripe_event_pkey"))
    try:
        tells_wildly(paying, 5)
        with database.begin() as session:
            stored = session.query(StripeEvent.event_id).count()
            kinds = session.query(StripeEvent.event_id).distinct().count()
    finally:
        owner.execute(text("delete from stripe_event"))
        owner.execute(text("alter table stripe_event add primary key (event_id)"))

    assert stored == 5 * kinds
