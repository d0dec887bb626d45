"""Voucher codes: read however they are written, a single wrong symbol or a swap is always seen."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.ids import ALPHABET
from catalog.vouchers import codes
from catalog.vouchers.codes import CodeMisread, Keys, Shown

symbols = st.text(st.sampled_from(ALPHABET), min_size=12, max_size=12)
KEYS = Keys({1: "o" * 32, 2: "n" * 32}, "s" * 32)


@given(symbols)
def test_a_code_is_read_as_it_is_shown_and_as_its_picture_says(code):
    shown = codes.shown(code)
    blank, wide = shown.replace("-", " "), shown.replace("-", "\u3000")

    for text in (
        shown,
        shown.lower(),
        blank,
        wide,
        shown.replace("-", ""),
        f"V1:{code}{codes.check_symbol(code)}",
        f" {shown} ",
        f"\t{shown}",
        shown.replace("-", "\u2013"),
        shown.replace("0", "O").replace("1", "l"),
        shown.replace("0", "o").replace("1", "I"),
    ):
        assert codes.read(text) == Shown(code)  # fmt: skip


@given(symbols, st.integers(0, 12), st.sampled_from(ALPHABET))
def test_every_single_wrong_symbol_is_seen(code, place, wrong):
    whole = code + codes.check_symbol(code)
    changed = whole[:place] + wrong + whole[place + 1 :]

    if changed == whole:
        assert codes.read(changed).symbols == code
    else:
        with pytest.raises(CodeMisread):
            codes.read(changed)


@given(symbols, st.integers(0, 12), st.integers(0, 12))
def test_every_swap_of_two_symbols_is_seen(code, first, second):
    whole = list(code + codes.check_symbol(code))
    whole[first], whole[second] = whole[second], whole[first]

    if "".join(whole) == code + codes.check_symbol(code):
        return
    with pytest.raises(CodeMisread):
        codes.read("".join(whole))


def test_the_weights_of_the_check_symbol_are_the_powers_of_two_in_its_field():
    weights = [codes.check_symbol("0" * place + "1" + "0" * (11 - place)) for place in range(12)]

    assert [codes.ALPHABET.index(symbol) for symbol in weights] == [2, 4, 8, 16, 5, 10, 20, 13, 26, 17, 7, 14]


@pytest.mark.parametrize(
    "text",
    ["", "-", "V1:", "V1:V1:", "0" * 12, "0" * 14, "U" * 13, "０" * 13, "ß" * 13, "\x00" * 13, "V2:" + "0" * 13, "0" * 80, "ＡＢＣ", "🎫" * 13,
     "ſ" * 13, "ﬁ" * 6 + "0", "0000_0000_00000", "0000.0000.00000"],
)  # fmt: skip
def test_what_is_no_code_is_misread(text):
    with pytest.raises(CodeMisread):
        codes.read(text)


def test_fresh_codes_use_every_symbol_and_do_not_repeat():
    made = [codes.fresh() for _ in range(5000)]
    seen = Counter("".join(made))

    assert len(set(made)) == 5000
    assert set(seen) == set(ALPHABET)
    assert max(seen.values()) < 1.25 * min(seen.values())


def test_a_digest_depends_on_the_pepper_and_all_live_peppers_are_tried():
    code = codes.fresh()
    both = codes.digests(KEYS, code)

    assert len(set(both)) == 2
    assert codes.digest(KEYS, KEYS.newest, code) in both
    assert KEYS.newest == 2
    assert codes.digests(KEYS, codes.fresh()) != both


def test_a_sealed_code_opens_for_its_voucher_alone():
    code = codes.fresh()
    sealed = codes.sealed(KEYS, 7, code)

    assert codes.opened(KEYS, 7, sealed) == code
    assert code.encode() not in sealed
    assert codes.sealed(KEYS, 7, code) != sealed
    for keys, voucher_id, text in (
        (KEYS, 8, sealed),
        (Keys(KEYS.peppers, "x" * 32), 7, sealed),
        (KEYS, 7, sealed[:-1] + bytes([sealed[-1] ^ 1])),
    ):
        with pytest.raises(Exception, match=r"^$"):
            codes.opened(keys, voucher_id, text)
