"""A voucher of points and money in the books: issued, handed back, refunded, lapsed."""

from datetime import timedelta

from base import clock, database
from catalog.cash import proceeds
from catalog.vouchers import lapsing
from tests.admin.books.ledger import booked, shown
from tests.catalog.cash.conftest import paying

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
