"""A PIN is six digits that nobody guesses first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchants.people import choosing
from merchants.people.choosing import BadPin, ObviousPin, ShortPassword


@given(st.integers(min_value=0, max_value=999_999))
def test_a_pin_is_taken_or_called_obvious_never_anything_else(number):
    pin = f"{number:06d}"
    try:
        choosing.check("clerk", "07", pin)
        obvious = False
    except ObviousPin:
        obvious = True

    assert obvious == choosing.is_obvious(pin, "07")
    if len(set(pin)) < 3:
        assert obvious


def test_few_of_all_pins_are_obvious():
    obvious = sum(choosing.is_obvious(f"{number:06d}") for number in range(1_000_000))

    assert 1_000 < obvious < 40_000


@pytest.mark.parametrize("pin", ["012345", "987654", "369369", "147258", "110011", "123321"])
def test_what_many_choose_is_obvious(pin):
    with pytest.raises(ObviousPin):
        choosing.check("manager", "07", pin)


def test_the_own_number_is_obvious_where_it_is_long_enough_to_tell():
    assert choosing.is_obvious("480719", "4807")
    assert not choosing.is_obvious("480719", "07")


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "１２３４５６", "80275a"])
def test_anything_but_six_digits_is_no_pin(pin):
    with pytest.raises(BadPin):
        choosing.check("clerk", "07", pin)


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "x" * 201])
def test_a_password_is_long_enough_and_has_different_signs(password):
    with pytest.raises(ShortPassword):
        choosing.check("owner", "00", password)
