"""A voucher of points and money in the books: issued, handed back, refunded, lapsed."""

from datetime import timedelta

import pytest

from admin.books import journal
from admin.books.facts import Span
from base import clock, database, jobs
from catalog.cash import parts, proceeds
from catalog.redemptions import course, quotes, redemptions
from catalog.vouchers import lapsing
from tests.admin.books.ledger import ZONE, booked, shown
from tests.catalog import stand_ins
from tests.catalog.cash.conftest import paying
from tests.given import ELECTRONIC, given_member, given_offer, given_programme

__all__ = ["paying"]  # a fixture


def test_money_stands_beside_points_and_goes_back_by_itself(paying):
    paying.at()
    paying.pays()
    paying.at(minutes=1)
    issued = shown()

    paying.hands_back()
    due = shown()
    paying.at(minutes=5)

    assert booked("voucher-issued") == [
        ("points_liability", "voucher_liability", 500),
        ("stripe_clearing", "voucher_liability", 1_250),
    ]
    assert (issued["voucher_liability"], issued["stripe_clearing"]) == (-1_750, 1_250)
    assert (due.get("voucher_liability"), due["refund_due"], due["points_liability"]) == (
        None,
        -1_250,
        -1_000,
    )
    assert booked("refund-sent") == [("refund_due", "stripe_balance", 1_250)]
    assert (shown().get("refund_due"), shown()["stripe_balance"]) == (None, -1_250)


def test_what_stripe_keeps_is_booked_once_when_the_money_is_available(paying):
    paying.at()
    paying.pays()
    paying.at(minutes=1)
    (moved,) = (one for one in paying.twin.all("balance_transaction").values() if one["type"] == "charge")

    early = shown()
    for _ in range(2):
        with clock.stopped(clock.now() + timedelta(days=30)):
            proceeds.walk(paying.config)

    assert early["stripe_clearing"] == 1_250
    assert booked("payment-available") == [
        ("stripe_balance", "stripe_clearing", 1_250 - moved["fee"]),
        ("psp_fee", "stripe_clearing", moved["fee"]),
    ]
    assert moved["fee"] > 0
    assert "stripe_clearing" not in shown()


def test_proceeds_in_another_currency_than_was_paid_are_not_booked_as_if_they_were_the_same(paying):
    paying.at()
    paying.pays()
    paying.at(minutes=1)
    (moved,) = (one for one in paying.twin.all("balance_transaction").values() if one["type"] == "charge")
    moved["currency"] = "hkd"

    with clock.stopped(clock.now() + timedelta(days=30)):
        proceeds.walk(paying.config)

    assert booked("payment-available") == []
    assert shown()["stripe_clearing"] == 1_250


def test_what_lapses_is_breakage_for_points_and_owed_back_for_money(paying):
    paying.at()
    paying.pays()
    paying.at(minutes=1)

    with database.begin() as session:
        assert lapsing.step(session, clock.now() + timedelta(days=40)) == 1

    assert booked("voucher-expired") == [
        ("voucher_liability", "breakage_income", 500),
        ("voucher_liability", "refund_due", 1_250),
    ]


@pytest.fixture(scope="module")
def stand_in():
    with stand_ins.serving() as there:
        yield there


@pytest.mark.parametrize(("case", "event"), [("fulfil", "benefit-paid"), ("fail", "payment-refundable")])
def test_what_money_was_for_is_booked_on_the_day_on_which_it_is_known(db, stand_in, case, event):
    """Paid on one day, given or refused two days later: the books of the first day stay as they were."""
    config, programme = stand_ins.wired(db, stand_in), given_programme()
    member_id, paid_at = given_member(db, programme, points=1000), clock.now()
    offer = given_offer(programme, "goods", value_fen=500, form=ELECTRONIC, cash_choices=[200])
    with database.begin() as session:
        quote = quotes.make(session, member_id, offer.offer_id, 1, paid_at, 600, cash_fen=200).quote
        row = redemptions.redeem(session, member_id, quote.quote_id, course.JOB, paid_at)
        part = parts.locked(session, member_id, row.redemption_id)
        parts.to(part, "paid", paid_at)
        part.paid_at, part.payment_intent = paid_at, "pi_1"
        parts.forget(session, part)
        redemptions.paid(session, member_id, row.redemption_id, paid_at)
    state = stand_in.does("goods", case)

    with clock.stopped(paid_at + timedelta(days=2)):
        jobs.drain(config.database_url or "")
    stand_in.behaves()

    with database.begin() as session:
        assert redemptions.find(session, member_id, row.redemption_id).state == state
        found = {one.event: one.at for one in journal.documents(session, Span(None, None, ZONE))}
    assert found[event] == paid_at + timedelta(days=2)
