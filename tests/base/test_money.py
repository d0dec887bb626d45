"""Money is whole fen, exactly, and shares of it add up."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base import money

fen = st.integers(-money.MAX_FEN, money.MAX_FEN)


@given(fen)
def test_what_is_written_is_read_again(amount):
    assert money.parse_yuan(money.yuan_text(amount)) == amount


@pytest.mark.parametrize(
    ("text", "amount"), [("0", 0), ("12.5", 1250), ("12.50", 1250), (" 3 ", 300), ("-0.01", -1), ("0.10", 10)]
)
def test_plain_decimals_are_amounts(text, amount):
    assert money.parse_yuan(text) == amount


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ".", "-", "--1", "1-", "1.2.3", "0.001", "1e3", "1E3", "1,000", "+1", "NaN", "Infinity", "-Infinity", "１２",
        "1_000", "0x10", "1 2", "¥1", "1.0000000000000000000000000000001", "0.0000000000000000000000000000001",
        "99999999999999.001", str(money.MAX_FEN), "9" * 5000, "1\x00", "二",
    ],
)  # fmt: skip
def test_anything_else_is_no_amount(text):
    with pytest.raises(ValueError, match="not"):
        money.parse_yuan(text)


@given(fen, st.integers(0, 10_000))
def test_a_share_is_rounded_once_half_to_even(amount, basis_points):
    exact = Fraction(amount * basis_points, 10_000)

    assert money.share(amount, basis_points) == round(exact)


def test_halves_go_to_the_even_side():
    assert [money.share(amount, 5000) for amount in (1, 3, 5, -1, -3)] == [0, 2, 2, 0, -2]


@given(st.integers(0, 10**12), st.integers(1, 1000), st.data())
def test_the_parts_of_an_amount_add_up_to_it(amount, units, data):
    cuts = sorted({0, units, *data.draw(st.lists(st.integers(0, units), max_size=6))}, reverse=True)

    parts = [money.part_of(amount, before, after, units) for before, after in pairwise(cuts)]

    assert sum(parts) == amount
    assert all(part >= 0 for part in parts)
