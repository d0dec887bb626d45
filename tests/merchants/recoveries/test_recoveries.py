"""What a merchant owes comes back rung by rung, none left out, and each fen of it once. Stripe here is a twin of ours."""

from datetime import timedelta

import pytest
from sqlalchemy import text, update

from base import clock, database
from merchants import merchants
from merchants.models import LEAVING, Merchant
from merchants.payouts import verify
from merchants.payouts.stripe import Refused, Unreachable
from merchants.recoveries import recoveries, reversals
from merchants.recoveries.recoveries import AnotherRung, InvoiceNotOpen, NextStatementFirst, NoDebt
from tests.given import caller, staff_token
from tests.merchants.payouts.conftest import paying as _paying
from tests.merchants.payouts.dying import dies
from tests.merchants.payouts.paying import (
    given_account,
    given_debt,
    given_merchant,
    given_statement,
    sealed,
)
from tests.owner import forget_everything
from tests.stripe_twin import payouts as stripe_payouts

paying = _paying
REVERSALS = "POST /v1/transfers/*/reversals"


def take(paying, merchant, step):
    with paying.stopped(), database.begin() as session:
        found = merchants.by_id(session, merchant.merchant_id)
        return recoveries.take(session, found, step, "a debt", "staff:1", paying.now)


def debt(merchant):
    with database.begin() as session:
        found = recoveries.debt_of(session, merchants.by_id(session, merchant.merchant_id))
        return found.left_fen, found.rung


def rows(merchant):
    with database.begin() as session:
        found = recoveries.all_of(session, merchant.merchant_id)
        return [(row.step, row.state, row.amount_fen) for row in reversed(found)]


def not_proven():
    with database.begin() as session:
        return [one.rule for one in verify.findings(session)]


def next_statement(paying, merchant):
    with paying.later(days=1).stopped(), database.begin() as session:
        return sealed(session, merchant.merchant_id, paying.now)


@pytest.fixture
def merchant(paying):
    """A merchant whose statement over 10,000 fen was paid through Stripe."""
    made = given_merchant(reserve_bp=0)
    given_account(paying.config, paying.twin, made)
    given_statement(made, 10_000)
    paying.run()
    paying.walk()
    return made


def test_a_debt_that_the_next_statement_nets_is_nobodys_business(paying, merchant):
    with paying.stopped():
        given_statement(merchant, -500)
    with pytest.raises(NextStatementFirst):
        debt(merchant)

    with paying.later(days=1).stopped():
        statement = given_statement(merchant, 800)

    assert (statement.payable_fen, statement.carried_fen) == (300, 0)
    with pytest.raises(NoDebt):
        debt(merchant)


def test_the_reserve_comes_first_and_is_taken_as_far_as_it_is_needed(paying):
    made = given_merchant(reserve_bp=1000, reserve_days=90)
    given_account(paying.config, paying.twin, made)
    given_statement(made, 10_000)  # of which 1,000 stay
    with paying.stopped():
        given_debt(made, 400)

    with pytest.raises(AnotherRung):
        take(paying, made, "invoice")
    take(paying, made, "reserve")

    assert rows(made) == [("reserve", "done", 401)]
    statement = next_statement(paying, made)
    assert (statement.opening_fen, statement.net_fen, statement.reserve_fen) == (-401, 0, 599)


def test_a_reversal_takes_back_what_lies_at_stripe_and_the_next_statement_owes_so_much_less(paying, merchant):
    with paying.stopped():
        given_debt(merchant, 3_000)

    take(paying, merchant, "reversal")
    waiting = debt(merchant)
    paying.walk(2)

    (transfer,) = paying.twin.all("transfer").values()
    statement = next_statement(paying, merchant)
    assert waiting == (3_001, None)
    assert rows(merchant) == [("reversal", "done", 3_001)]
    assert transfer["amount_reversed"] == 3_001
    assert (statement.opening_fen, statement.net_fen) == (-3_001, 0)


@pytest.mark.parametrize("mode", ["timeout_before", "timeout_after", "500_after", "503"])
def test_a_reversal_whose_answer_is_lost_is_done_once(paying, merchant, mode):
    with paying.stopped():
        given_debt(merchant, 3_000)
    paying.twin.fails(REVERSALS, mode)
    take(paying, merchant, "reversal")

    paying.walk()
    lost = rows(merchant)[0][1]
    paying.later(hours=1).walk()

    assert lost == "unknown"
    assert rows(merchant) == [("reversal", "done", 3_001)]
    assert len(paying.twin.all("transfer_reversal")) == 1


def test_a_death_at_any_border_of_a_reversal_takes_it_back_once(paying, merchant):
    (account,) = paying.twin.all("account")
    stripe_payouts.schedule(paying.twin, account, {"interval": "manual"})  # the money stays there
    with paying.stopped():
        given_debt(merchant, 100)
    take(paying, merchant, "reversal")
    borders = dies(paying.walk, None)

    for border in range(1, borders + 1):
        with paying.later(days=2).stopped():
            given_debt(merchant, 100)
        take(paying, merchant, "reversal")
        dies(paying.walk, border)
        paying.later(hours=1).walk()

    assert borders >= 6
    assert {state for _, state, _ in rows(merchant)} == {"done"}
    reversed_fen = sum(one["amount"] for one in paying.twin.all("transfer_reversal").values())
    assert reversed_fen == sum(fen for _, _, fen in rows(merchant))


def test_what_has_gone_to_the_bank_is_not_reversed_but_invoiced_and_paid(paying, merchant):
    paying.later(days=4).twin.advance(0)  # the balance at Stripe went to the bank
    with paying.stopped():
        given_debt(merchant, 3_000)
    take(paying, merchant, "reversal")
    paying.walk()

    invoice = take(paying, merchant, "invoice")
    with database.begin() as session:
        row = recoveries.find(session, invoice.merchant_id, invoice.recovery_id)
        recoveries.paid(session, row, "transfer 77", "staff:1", paying.now)

    assert rows(merchant) == [("reversal", "refused", 3_001), ("invoice", "done", 3_001)]
    assert invoice.number == f"{merchant.code}-0001"
    assert next_statement(paying, merchant).net_fen == 0
    with database.begin() as session:
        row = recoveries.find(session, invoice.merchant_id, invoice.recovery_id)
        with pytest.raises(InvoiceNotOpen):
            recoveries.paid(session, row, "again", "staff:1", paying.now)


def test_an_invoice_that_nobody_pays_is_written_off_by_two(app, paying):
    made = given_merchant("gone")
    with paying.stopped():
        given_debt(made, 900)
    maker, checker = (caller(app, staff_token(*roles)) for roles in (("finance",), ("checker",)))
    owed = maker.get("/v1/merchants/gone/recoveries").json
    refused = maker.post("/v1/merchants/gone/recoveries", {"step": "reversal", "reason": "first"})
    invoice = maker.post("/v1/merchants/gone/recoveries", {"step": "invoice", "reason": "no transfer"}).json

    case = maker.post("/v1/write-off-proposals", {"invoice": invoice["id"], "reason": "insolvent"}).json
    own = maker.post(f"/v1/write-off-proposals/{case['id']}/approve", {"content_hash": case["content_hash"]})
    done = checker.post(
        f"/v1/write-off-proposals/{case['id']}/approve", {"content_hash": case["content_hash"]}
    )
    late = maker.post(f"/v1/recoveries/{invoice['id']}/paid", {"reference": "too late"})

    assert (owed["owed_fen"], owed["next_step"], refused.json["type"]) == (
        901, "invoice", "/problems/another-rung",
    )  # fmt: skip
    assert (case["amount_fen"], case["number"]) == (901, "gone-0001")
    assert (own.json["type"], done.status_code) == ("/problems/own-proposal", 200)
    assert late.json["type"] == "/problems/invoice-not-open"
    assert rows(made) == [("invoice", "cancelled", 901), ("write-off", "done", 901)]
    assert maker.get("/v1/merchants/gone/recoveries").json["owed_fen"] == 0
    assert not_proven() == []


def test_an_invoice_that_is_given_up_without_a_write_off_is_found(db, paying, owner):
    made = given_merchant()
    with paying.stopped():
        given_debt(made, 900)
    take(paying, made, "invoice")
    owner.execute(text("update recovery set state = 'cancelled', reference = 'apr_nobody'"))

    found = not_proven()
    forget_everything(db)

    assert found == ["recovery"]


def test_a_debt_that_is_carried_on_while_a_rung_is_under_way_is_not_brought_back_twice(paying, merchant):
    (account,) = paying.twin.all("account")
    stripe_payouts.schedule(paying.twin, account, {"interval": "manual"})  # the money stays there
    with paying.stopped():
        given_debt(merchant, 3_000)
    take(paying.later(days=1), merchant, "reversal")

    with paying.later(hours=1).stopped():
        carried = given_statement(merchant, -1).carried_fen
    waiting = debt(merchant)
    with pytest.raises(AnotherRung):
        take(paying, merchant, "invoice")
    paying.walk()

    assert (carried, waiting) == (-3_002, (3_002, None))
    assert rows(merchant) == [("reversal", "done", 3_001)]
    assert debt(merchant)[0] == 1


def test_what_was_brought_back_between_the_end_of_a_period_and_its_sealing_is_not_owed_again(paying):
    made = given_merchant()
    with paying.stopped():
        given_debt(made, 900)
    take(paying.later(days=2), made, "invoice")

    with clock.stopped(paying.now - timedelta(hours=12)):  # its period ended before the invoice was made
        carried = given_statement(made, -1).carried_fen

    assert carried == -902
    assert debt(made)[0] == 1
    assert next_statement(paying, made).carried_fen == -1


def test_a_try_of_a_reversal_that_stood_still_sends_and_says_nothing(paying, merchant):
    with paying.stopped():
        given_debt(merchant, 3_000)
    place = (merchant.merchant_id, take(paying, merchant, "reversal").recovery_id)
    with paying.stopped(), database.begin() as session:
        slow = reversals._note(session, *place, paying.now)

    with paying.later(minutes=6).stopped():
        outcome = reversals._ask(paying.config, slow)
        with database.begin() as session:
            reversals._note(session, *place, paying.now)  # another one is at it
        with database.begin() as session:
            reversals._record(session, slow, Refused("late", ""), paying.now)

    assert isinstance(outcome, Unreachable)
    assert paying.twin.all("transfer_reversal") == {}
    assert rows(merchant) == [("reversal", "unknown", 3_001)]


def test_a_leaving_merchant_is_taken_up_at_once(paying, merchant):
    with paying.stopped():
        given_statement(merchant, -500)
    with database.begin() as session:
        session.execute(update(Merchant).values(state=LEAVING))

    assert debt(merchant) == (500, "reversal")


def test_two_who_take_the_same_rung_at_once_take_it_once(paying, merchant):
    from concurrent.futures import ThreadPoolExecutor

    with paying.stopped():
        given_debt(merchant, 3_000)

    def one(_):
        try:
            with database.begin() as session:
                recoveries.take(
                    session, merchants.by_id(session, merchant.merchant_id), "reversal", "x", "staff:1", paying.now
                )  # fmt: skip
        except AnotherRung:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(one, range(4)))

    assert won.count(True) == 1
    assert len(rows(merchant)) == 1
