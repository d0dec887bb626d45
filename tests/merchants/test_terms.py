"""Terms: what is owed, what is kept and the tax on it, each rounded once, by the version of the day."""

import random
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base import database
from merchants import terms
from merchants.models import Terms
from merchants.terms import NoTermsInForce
from tests.given import LONG_AGO, given_shop

basis_points = st.integers(0, 10_000)


def version(price_bp: int, fee_bp: int, vat_bp: int, **more: object) -> Terms:
    usual: dict[str, object] = {
        "prices": {},
        "fee_fixed_fen": 0,
        "fee_cap_fen": None,
        "merchant_bp": 0,
        "brand_bp": 0,
    }
    return Terms(
        terms_id=1,
        merchant_id=1,
        from_day=LONG_AGO,
        price_bp=price_bp,
        fee_bp=fee_bp,
        vat_bp=vat_bp,
        void_window_s=0,
        **usual | more,
    )


@given(st.integers(0, 10**12), basis_points, basis_points, basis_points)
def test_each_share_is_rounded_once_and_nobody_owes_more_than_there_is(face, price_bp, fee_bp, vat_bp):
    due = terms.due(version(price_bp, fee_bp, vat_bp), face)

    assert due.owed_fen == round(Fraction(face * price_bp, 10_000))
    assert due.fee_fen == round(Fraction(due.owed_fen * fee_bp, 10_000))
    assert due.vat_fen == round(Fraction(due.fee_fen * vat_bp, 10_000))
    assert 0 <= due.fee_fen <= due.owed_fen <= face
    assert due.net_fen == due.owed_fen - due.fee_fen - due.vat_fen


@pytest.mark.parametrize(
    ("face", "owed", "fee", "vat"),
    [(3000, 2700, 54, 3), (1, 1, 0, 0), (0, 0, 0, 0), (5, 4, 0, 0), (9999, 8999, 180, 11)],
)
def test_amounts_as_a_person_would_reckon_them(face, owed, fee, vat):
    assert terms.due(version(9000, 200, 600), face) == terms.Due(owed, fee, vat)


@given(st.integers(0, 10**12), st.integers(0, 10_000), st.data())
def test_a_price_is_split_to_the_fen_and_the_operator_bears_the_rest(face, merchant_bp, data):
    brand_bp = data.draw(st.integers(0, 10_000 - merchant_bp))

    due = terms.due(version(10_000, 0, 0, merchant_bp=merchant_bp, brand_bp=brand_bp), face)

    merchants_own, operators = face - due.owed_fen, due.owed_fen - due.brand_fen
    assert merchants_own == face * merchant_bp // 10_000
    assert due.brand_fen == face * brand_bp // 10_000
    assert operators * 10_000 >= face * (10_000 - merchant_bp - brand_bp)


def test_ten_thousand_random_splits_add_up_to_the_price_exactly():
    """Seeded, so the same ones each time: merchant's own share, brand's part and operator's part, and net, fee and tax."""
    dice = random.Random(7)
    for _ in range(10_000):
        price, merchant_bp = dice.randrange(10**9), dice.randrange(10_001)
        shares = {"merchant_bp": merchant_bp, "brand_bp": dice.randrange(10_001 - merchant_bp)}
        fee = {
            "fee_fixed_fen": dice.randrange(500),
            "fee_cap_fen": dice.choice([None, dice.randrange(10_000)]),
        }
        due = terms.due(
            version(10_000, dice.randrange(10_001), dice.randrange(2_001), **shares, **fee), price
        )

        own = price - due.owed_fen
        operators = due.owed_fen - due.brand_fen
        assert own + due.brand_fen + operators == price
        assert min(own, due.brand_fen, operators) >= 0
        assert own <= Fraction(price * merchant_bp, 10_000) < own + 1
        assert due.brand_fen <= Fraction(price * shares["brand_bp"], 10_000) < due.brand_fen + 1
        assert due.net_fen + due.fee_fen + due.vat_fen == due.owed_fen


@pytest.mark.parametrize(
    ("more", "due"),
    [
        ({"merchant_bp": 3_000, "brand_bp": 1_000, "brand": "tea"}, terms.Due(2_100, 42, 3, 300)),
        ({"prices": {"7": {"bp": 5_000}}}, terms.Due(1_500, 30, 2)),
        ({"prices": {"7": {"fen": 800}}}, terms.Due(1_600, 32, 2)),
        ({"prices": {"8": {"fen": 800}}}, terms.Due(3_000, 60, 4)),
        ({"fee_fixed_fen": 25}, terms.Due(3_000, 85, 5)),
        ({"fee_fixed_fen": 25, "fee_cap_fen": 70}, terms.Due(3_000, 70, 4)),
        ({"fee_fixed_fen": 9_999}, terms.Due(3_000, 3_000, 180)),
    ],
)
def test_prices_by_offer_a_fixed_fee_a_cap_and_who_bears_it(more, due):
    """Two units of offer 7, 30 yuan in all, fee 2 %, tax 6 % of it."""
    assert terms.due(version(10_000, 200, 600, **more), 3_000, offer_id=7, units=2) == due


def test_the_version_of_the_day_counts(db):
    shop = given_shop()
    merchant_id = shop.merchant.merchant_id
    with database.begin() as session:
        terms.add(session, merchant_id, date(2026, 7, 1), price_bp=8000, fee_bp=0, vat_bp=0, void_window_s=60)

        prices = [
            terms.in_force(session, merchant_id, day).price_bp
            for day in (LONG_AGO, date(2026, 6, 30), date(2026, 7, 1), date(2030, 1, 1))
        ]
        with pytest.raises(NoTermsInForce):
            terms.in_force(session, merchant_id, LONG_AGO - timedelta(days=1))

    assert prices == [9000, 9000, 8000, 8000]


def test_another_merchants_terms_say_nothing_here(db):
    with database.begin() as session, pytest.raises(NoTermsInForce):
        terms.in_force(session, 12345, date(2026, 1, 1))


@pytest.mark.parametrize(
    "wrong", [{"price_bp": 10_001}, {"fee_bp": -1}, {"vat_bp": 10_001}, {"void_window_s": -1}]
)
def test_shares_beyond_the_whole_are_refused_by_the_database(db, wrong):
    shop = given_shop()
    values = {"price_bp": 9000, "fee_bp": 0, "vat_bp": 0, "void_window_s": 0} | wrong

    with database.begin() as session, pytest.raises(Exception, match="check constraint"):
        terms.add(session, shop.merchant.merchant_id, date(2026, 7, 1), **values)
