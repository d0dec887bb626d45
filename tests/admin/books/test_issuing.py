"""Points that members earn at merchants, owed or paid by packs; debts of merchants that are invoiced, paid, written off."""

from datetime import timedelta

import pytest

from base import clock, database
from base.approvals import approvals
from merchants import items, merchants
from merchants.items import Amounts
from merchants.models import ADJUSTMENT
from merchants.recoveries import recoveries, write_offs
from tests.admin.books.ledger import ZONE, booked, shown
from tests.given import closed, given_pack, given_person, given_shop
from tests.merchants.earnings.test_earnings import (  # noqa: F401  # the same till and member
    buy,
    member,
    programme,
    shop,
    till,
    undo,
)


def test_points_without_a_pack_are_owed_by_the_merchant_at_its_price(till, member):  # noqa: F811
    buy(till, 36)

    assert booked("merchant-points-issued") == [
        ("payable_open:tea", "points_liability", 36),
        ("issuing_income", "payable_open:tea", 7),  # 29 for what is worth 36
    ]
    assert shown() == {"payable_open:tea": 29, "points_liability": -36, "issuing_income": 7}


def test_points_out_of_a_pack_take_their_share_of_its_price_and_undone_bring_it_back(till, member, shop):  # noqa: F811
    pack = given_pack(shop, 30)
    bought = shown()
    earned = buy(till, 50)

    assert bought == {"bank": pack.price_fen, "pack:tea": -pack.price_fen}
    assert shown()["points_liability"] == -50
    assert "pack:tea" not in shown()
    undo(till, earned)

    assert shown() == bought
    assert booked("merchant-points-reversed") == [
        (credit, debit, fen) for debit, credit, fen in booked("merchant-points-issued")
    ]


def test_a_pack_that_is_used_up_has_no_fen_left_whatever_was_undone_in_between(till, member, shop):  # noqa: F811
    given_pack(shop, 30, price_fen=100)
    first, _ = buy(till, 7), buy(till, 7)
    undo(till, first)
    in_between = shown()
    buy(till, 7), buy(till, 16)

    assert in_between["pack:tea"] == -(100 - 7 * 100 // 30)
    assert "pack:tea" not in shown()


@pytest.fixture
def invoice(db):
    """What a merchant owes by two statements, invoiced."""
    shop = given_shop()  # noqa: F811
    for days, fen in ((0, -700), (1, -1)):
        with database.begin() as session:
            items.add(
                session, shop.merchant.merchant_id, ADJUSTMENT, Amounts(fen), at=clock.now(), reason="r", actor="staff:1"
            )  # fmt: skip
        closed(shop, clock.day(clock.now(), ZONE) + timedelta(days=days))
    with database.begin() as session:
        merchant = merchants.by_id(session, shop.merchant.merchant_id)
        return recoveries.take(session, merchant, "invoice", "no more trade", "staff:1", clock.now())


def test_an_invoiced_debt_stands_until_it_is_paid(invoice):
    standing = shown()

    with database.begin() as session:
        recoveries.paid(session, invoice, "B-1", "staff:1", clock.now())

    assert (standing["receivable:tea"], standing["payable_open:tea"]) == (1_402, -701)
    assert booked("debt-invoiced") == [("receivable:tea", "payable_open:tea", 701)]
    assert booked("debt-paid") == [("bank", "receivable:tea", 701)]


def test_what_nobody_paid_is_written_off_by_two(invoice):
    maker, checker = given_person("finance"), given_person("finance")

    with database.begin() as session:
        case = write_offs.propose(session, maker, invoice, "gone", clock.now())
        approvals.approve(
            session, checker, case.proposal.proposal_id, case.proposal.content_hash.hex(), clock.now()
        )

    assert booked("debt-written-off") == [("bad_debt", "receivable:tea", 701)]
