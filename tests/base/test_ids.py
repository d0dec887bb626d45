"""Ids grow, and their public form leads back to exactly one key or to nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base import ids
from base.errors import NotFound

numbers = st.integers(0, 2**63 - 1)


def test_ids_grow_and_are_not_given_twice():
    made = [ids.new_id() for _ in range(20_000)]

    assert made == sorted(set(made))
    assert 0 < made[0] < made[-1] < 2**63


def test_ids_grow_even_when_the_clock_goes_back(monkeypatch):
    first = ids.new_id()
    monkeypatch.setattr(ids.time, "time", lambda: 1_600_000_000.0)

    assert first < ids.new_id() < ids.new_id()


@given(st.lists(numbers, min_size=1, max_size=3))
def test_a_public_id_leads_back_to_its_numbers(key):
    name = ids.public("red", *key)

    assert ids.parse("red", name, parts=len(key)) == tuple(key)
    assert ids.parse("red", "red_" + name[4:].lower(), parts=len(key)) == tuple(key)
    assert name.isascii()
    assert len(name) == 4 + 13 * len(key)


@given(numbers, numbers)
def test_the_order_of_public_ids_is_the_order_of_their_numbers(a, b):
    assert (ids.public("x", a) < ids.public("x", b)) == (a < b)


@given(st.text(max_size=40))
def test_any_other_text_is_unknown(text):
    with pytest.raises(NotFound):
        ids.parse("red", text)


GOOD = ids.public("red", 1, 2)


@pytest.mark.parametrize(
    "text",
    [
        "", "red", "red_", GOOD[:-1], GOOD + "0", GOOD[1:], "RED" + GOOD[3:], "vch" + GOOD[3:], "red_" + GOOD, " " + GOOD,
        GOOD + "\n", "red_" + "I" * 26, "red_" + "Z" * 26, "red_8" + "0" * 25, "red_" + "０" * 26, "red_" + "0" * 24 + "ß",
        "red_" + "0" * 25 + "ſ", "red_" + "0" * 24 + "ﬅ"[:1] + "0", GOOD.replace("0", "O"),
    ],
)  # fmt: skip
def test_what_only_looks_like_an_id_is_unknown(text):
    with pytest.raises(NotFound):
        ids.parse("red", text)


def test_the_largest_key_fits_and_the_next_does_not():
    assert ids.parse("red", ids.public("red", 2**63 - 1), parts=1) == (2**63 - 1,)
    with pytest.raises(NotFound):
        ids.parse("red", ids.public("red", 2**63), parts=1)
