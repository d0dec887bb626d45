"""The worked example of docs/settlement.md, number by number."""

from pathlib import Path

from tests.admin.books.ledger import booked, shown

PAGE = Path(__file__).parents[3] / "docs" / "settlement.md"


def test_a_use_moves_exactly_what_the_example_says(trade):
    redemption = trade.issued()

    acceptance = trade.accepted(redemption)

    assert booked("voucher-issued") == [("points_liability", "voucher_liability", 2_000)]
    assert booked("voucher-accepted") == [
        ("voucher_liability", "payable_open:tea", 1_800),
        ("voucher_liability", "programme_margin", 200),
        ("brand_due:leaf", "payable_open:tea", 300),
        ("payable_open:tea", "fee_income", 42),
        ("payable_open:tea", "output_vat", 3),
    ]
    assert acceptance["owed_fen"] == 2_100
    assert shown() == {
        "reward_cost": 5_000, "points_liability": -3_000, "brand_due:leaf": 300, "payable_open:tea": -2_055,
        "programme_margin": -200, "fee_income": -42, "output_vat": -3,
    }  # fmt: skip


def test_undone_it_is_its_exact_mirror(trade):
    before = trade.issued()
    without = shown()

    trade.voided(trade.accepted(before))

    accepted, voided = booked("voucher-accepted"), booked("acceptance-voided")
    assert voided == [(credit, debit, fen) for debit, credit, fen in accepted]
    assert shown() == without
