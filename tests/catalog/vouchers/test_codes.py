"""Voucher codes: read however they are written, a single wrong symbol or a swap is always seen."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.ids import ALPHABET
from catalog.vouchers import codes
from catalog.vouchers.codes import CodeMisread, Keys, Shown
from catalog.vouchers.models import Voucher

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
@pytest.mark.attack("A3")
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


@pytest.mark.attack("A3")
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


@pytest.mark.parametrize(
    ("at", "digits"),
    [
        (59, "46119246"), (1_111_111_109, "68084774"), (1_111_111_111, "67062674"), (1_234_567_890, "91819424"),
        (2_000_000_000, "90698825"), (20_000_000_000, "77737706"),
    ],
)  # fmt: skip
def test_the_digits_are_those_of_rfc_6238_with_sha_256(at, digits):
    assert codes.one_time(b"12345678901234567890123456789012", at // codes.STEP_S) == digits


def test_known_answers_of_a_vouchers_own_digits():
    assert codes.digits(KEYS, 1, 7, 59_377_440) == "69836130"
    assert codes.digits(KEYS, 2, 7, 59_377_440) == "06407305"
    assert codes.picture_text(KEYS, 2, 7, "7M4P8KQ2XZ3T", 59_377_440) == "V1:7M4P8KQ2XZ3T8:06407305"


moments = st.integers(0, 80 * 365 * 86_400).map(
    lambda s: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)


@given(moments, st.integers(1, 2**63 - 1), st.sampled_from([1, 2]), st.integers(-4, 4))
def test_the_digits_of_this_step_and_the_one_before_are_good_under_every_live_pepper(
    at, voucher_id, pepper_id, away
):
    now = codes.step_at(at)
    shown = codes.digits(KEYS, pepper_id, voucher_id, now + away)

    found = codes.step_of(KEYS, voucher_id, shown, at)

    assert found == (now + away if away in (0, -1) else None)


@settings(deadline=None)
@given(moments, symbols)
def test_a_page_gets_ten_pictures_that_follow_each_other_and_the_first_is_of_now(at, code):
    made = codes.pictures(KEYS, Voucher(voucher_id=7, pepper_id=1), code, at)

    assert len(made) == 10
    assert made[0].from_at <= at < made[1].from_at
    assert {b.from_at - a.from_at for a, b in pairwise(made)} == {timedelta(seconds=30)}
    for one in made:
        assert len(one.text) == 25
        assert codes.read(one.text) == Shown(code, one.digits)


def test_a_picture_does_not_need_the_pepper_that_was_dropped():
    without = Keys({2: KEYS.peppers[2]}, KEYS.seal_key)
    at = datetime(2026, 6, 1, tzinfo=UTC)

    made = codes.pictures(without, Voucher(voucher_id=7, pepper_id=1), "7M4P8KQ2XZ3T", at, steps=1)

    assert codes.step_of(without, 7, made[0].digits, at) == codes.step_at(at)
