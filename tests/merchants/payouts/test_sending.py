"""One transfer for each statement, whatever gets lost: against a twin of Stripe, so no test against Stripe."""

import time

import pytest

from base import database
from merchants.payouts import sending
from merchants.payouts.stripe import Refused
from tests.merchants.payouts.paying import (
    TRANSFERS,
    given_account,
    given_merchant,
    given_statement,
    history,
    payout_of,
)


@pytest.fixture
def statement(paying):
    merchant = given_merchant()
    given_account(paying.config, paying.twin, merchant)
    return given_statement(merchant, 12_345)


def test_a_statement_is_planned_approved_by_two_and_sent_once(paying, statement):
    planned = payout_of(statement).state
    paying.run()

    paying.walk(3)

    (transfer,) = paying.twin.all("transfer").values()
    payout = payout_of(statement)
    assert (planned, payout.state, payout.transfer, payout.payment) == (
        "planned", "sent", transfer["id"], transfer["destination_payment"],
    )  # fmt: skip
    assert (transfer["amount"], transfer["currency"]) == (12_345, "cny")
    assert transfer["transfer_group"].startswith("stmt:stm_")
    assert transfer["metadata"]["sha256"] == statement.hash.hex()
    assert history(statement) == ["planned", "approved", "sending", "sent"]


@pytest.mark.parametrize("mode", ["timeout_before", "timeout_after", "500_after", "503", "slow"])
def test_an_answer_that_is_lost_leaves_it_unknown_and_a_list_finds_it(paying, statement, mode):
    paying.run()
    patient, paying.config = paying.config, paying.config.at(stripe_timeout_s=0.3)
    paying.twin.fails(TRANSFERS, mode, seconds=0.6)

    lost = paying.walk() and payout_of(statement).state
    paying.config = patient
    if mode == "slow":
        time.sleep(0.5)  # it is done after all
    paying.later(hours=1).walk()

    assert lost == "unknown"
    assert payout_of(statement).state == "sent"
    assert len(paying.twin.all("transfer")) == 1


def test_a_failure_that_its_key_keeps_waits_for_a_day_and_then_for_two_persons(paying, statement):
    paying.run()
    paying.twin.fails(TRANSFERS, "500")
    for _ in range(26):
        paying.walk().later(hours=1)
    old = payout_of(statement)
    asked = paying.twin.calls[TRANSFERS]

    paying.walk().later(hours=5).walk()
    paying.release(statement)
    again = payout_of(statement)
    paying.run()
    paying.walk()

    assert (old.state, old.reason, old.version) == ("unknown", "not-found", 1)
    assert paying.twin.calls[TRANSFERS] == asked + 1  # nothing was sent blindly
    assert (again.state, again.version) == ("planned", 2)
    assert payout_of(statement).state == "sent"
    assert len(paying.twin.all("transfer")) == 1


def test_money_that_is_not_there_leaves_it_approved_until_the_next_run(paying, statement):
    paying.twin.fails(TRANSFERS, "insufficient_funds")
    paying.run()

    paying.walk(3)
    short = payout_of(statement)
    other = given_merchant()
    given_account(paying.config, paying.twin, other)
    given_statement(other, 5)
    paying.later(minutes=5).run()
    paying.walk()

    assert (short.state, short.reason, short.version) == ("approved", "insufficient-funds", 2)
    assert payout_of(statement).state == "sent"
    assert sorted(paying.transfers.values()) == [1, 1]


def test_another_no_of_stripes_is_a_failure_that_two_persons_release(paying, statement):
    paying.run()
    paying.twin.fails(TRANSFERS, "account_restricted")

    paying.walk(3)
    failed = payout_of(statement)
    paying.release(statement)
    paying.later(minutes=1).run()
    paying.walk()

    assert (failed.state, failed.version) == ("failed", 1)
    assert "capabilit" in failed.reason
    assert (payout_of(statement).state, payout_of(statement).version) == ("sent", 2)
    assert len(paying.twin.all("transfer")) == 1


def test_an_account_that_stripe_restricts_holds_what_was_approved_until_it_is_free(paying, statement):
    paying.run()
    account = payout_of(statement).account
    paying.twin.restrict(account)

    paying.walk(3)
    held = payout_of(statement)
    paying.twin.onboard(account)
    paying.later(hours=21).walk()
    paying.looks_at_holds()

    assert (held.state, held.held) == ("on_hold", "account-restricted")
    assert payout_of(statement).state == "planned"
    assert paying.transfers == {}


def test_our_pace_or_our_key_leaves_it_approved(paying, statement):
    paying.run()
    paying.twin.fails(TRANSFERS, "429")

    waiting = paying.walk() and payout_of(statement)
    paying.later(minutes=2).walk()

    assert (waiting.state, waiting.version) == ("approved", 1)
    assert payout_of(statement).state == "sent"
    assert len(paying.twin.all("transfer")) == 1


def test_a_worker_that_stood_still_for_days_sends_nothing_more(paying, statement):
    paying.run()
    with paying.stopped(), database.begin() as session:
        noted = sending.note_try(session, statement.merchant_id, statement.statement_no, paying.now)
    paying.later(hours=1).walk()
    sent = payout_of(statement)

    with paying.later(days=3).stopped():  # by now the key is forgotten at Stripe
        outcome = sending.ask(paying.config, noted)
        with database.begin() as session:
            sending.record(session, noted, outcome, paying.now)

    assert (sent.state, payout_of(statement).transfer) == ("sent", sent.transfer)
    assert len(paying.twin.all("transfer")) == 1


def test_a_late_no_does_not_end_the_try_that_took_over(paying, statement):
    paying.run()
    place = (statement.merchant_id, statement.statement_no)
    with paying.stopped(), database.begin() as session:
        late = sending.note_try(session, *place, paying.now)
    with paying.later(minutes=6).stopped(), database.begin() as session:
        now = sending.note_try(session, *place, paying.now)

    with paying.stopped():
        with database.begin() as session:
            sending.record(session, late, Refused("transfers_not_allowed", ""), paying.now)
        outcome = sending.ask(paying.config, now)
        with database.begin() as session:
            sending.record(session, now, outcome, paying.now)

    assert payout_of(statement).state == "sent"
    assert history(statement) == ["planned", "approved", "sending", "unknown", "sent"]
