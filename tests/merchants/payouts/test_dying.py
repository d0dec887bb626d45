"""Killed at every border between two steps, taken up by another: one transfer for each statement, none lost.

Against a twin of Stripe: no test against Stripe.
"""

import pytest

from merchants.payouts import connect
from merchants.payouts.connect import Order
from tests.merchants.payouts.dying import dies
from tests.merchants.payouts.paying import TRANSFERS, given_account, given_merchant, given_statement, states


@pytest.fixture
def merchant(paying):
    made = given_merchant()
    given_account(paying.config, paying.twin, made)
    return made


def until_sent(paying) -> None:
    for _ in range(2):
        paying.later(hours=2).walk()


def approves_and_sends(paying, merchant, fen):
    """One statement more, its run approved, and what two workers' rounds make of it; a death is at some border of that."""
    given_statement(merchant, fen)
    proposal = paying.later(days=1).proposed()

    def deed() -> None:
        paying.approve(proposal)
        paying.walk(2)

    return proposal, deed


def test_a_death_at_any_border_of_the_transfer_leaves_one_transfer_for_each_statement(paying, merchant):
    _, deed = approves_and_sends(paying, merchant, 100)
    borders = dies(deed, None)

    for border in range(1, borders + 1):
        proposal, deed = approves_and_sends(paying, merchant, 100 + border)
        assert dies(deed, border) == border
        if states().get("planned"):
            paying.approve(proposal)  # the approval itself was lost
        until_sent(paying)

    assert borders >= 12
    assert states() == {"sent": borders + 1}
    assert set(paying.transfers.values()) == {1}
    assert len(paying.transfers) == borders + 1


def test_a_second_death_while_the_first_is_looked_after_changes_nothing(paying, merchant):
    _, deed = approves_and_sends(paying, merchant, 100)
    sending = dies(deed, None)
    paying.twin.fails(TRANSFERS, "timeout_after")
    _, deed = approves_and_sends(paying, merchant, 200)
    deed()
    looking = dies(paying.later(hours=1).walk, None)

    count = 2
    for border in range(1, looking + 1):
        paying.twin.fails(TRANSFERS, "timeout_after")
        _, deed = approves_and_sends(paying, merchant, 300 + border)
        deed()
        dies(paying.later(hours=1).walk, border)
        until_sent(paying)
        count += 1

    assert sending >= looking >= 6
    assert states() == {"sent": count}
    assert set(paying.transfers.values()) == {1}


def test_with_a_fresh_key_for_each_try_and_no_look_the_twin_shows_doubled_transfers(
    paying, merchant, monkeypatch
):
    """The control: the tests above can see a doubled transfer."""
    numbers = iter(range(1_000))
    monkeypatch.setattr(Order, "key", property(lambda order: f"{order.statement}:{next(numbers)}"))
    monkeypatch.setattr(connect, "of_group", lambda config, group: [])
    paying.twin.fails(TRANSFERS, "timeout_after")
    _, deed = approves_and_sends(paying, merchant, 100)
    deed()
    until_sent(paying)

    assert set(paying.transfers.values()) == {2}
