"""A mask never shows more than its line says, whatever it is given."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points.members import masks

ANYTHING = st.text(max_size=60)
NUMBERS = st.from_regex(r"\+?[0-9]{1,15}", fullmatch=True)


def shown(mask: str | None) -> str:
    """What a mask lets through."""
    return (mask or "").replace("*", "").replace("@", "")


@pytest.mark.parametrize(
    ("mask", "text", "expected"),
    [
        (masks.phone, "13812341234", "138****1234"),
        (masks.phone, "+8613812341234", "+86****1234"),
        (masks.phone, "05718888", "****88"),
        (masks.phone, "10086", "****"),
        (masks.phone, None, "****"),
        (masks.name, "张三", "张*"),
        (masks.name, "欧阳小明", "欧*"),
        (masks.name, "张", "*"),
        (masks.mail, "alice@example.test", "a***@***"),
        (masks.mail, "a@example.test", "***@***"),
        (masks.mail, "no mail", "***@***"),
        (masks.id_number, "110101199003071234", "1101**********1234"),
        (masks.id_number, "11010119900307123X", "1101**********123X"),
        (masks.id_number, "E1234567", "****"),
        (masks.address, "浙江省杭州市滨江区江南大道 1 号", "浙江省杭州市***"),
        (masks.address, "杭州市滨江区江南大道 1 号", "杭州市***"),
        (masks.address, "江南大道 1 号", "***"),
        (masks.address, "7 Canary Road", "***"),
        (masks.name, "", None),
    ],
)
def test_the_masks_are_as_stated(mask, text, expected):
    assert mask(text) == expected


@given(ANYTHING | NUMBERS)
def test_of_a_number_at_most_three_and_four_digits_are_seen_and_four_are_not(text):
    told = shown(masks.phone(text))

    assert len(told) <= 7
    assert told == "" or len(text) - len(told) >= 4
    assert told == "" or (text.startswith(told[: len(told) - 4]) and text.endswith(told[-2:]))


@given(ANYTHING)
def test_of_a_name_the_first_character_at_most_and_never_all_of_it(text):
    mask = masks.name(text)

    assert mask is None or mask in ("*", f"{text[0]}*")
    assert mask is None or text not in (mask.replace("*", ""),) or text == ""


@given(ANYTHING | st.emails())
def test_of_an_address_of_mail_one_character_at_most(text):
    assert len(shown(masks.mail(text)).replace("@", "")) <= 1


@given(ANYTHING | st.from_regex(r"[0-9]{17}[0-9X]", fullmatch=True))
def test_of_an_identity_number_eight_characters_at_most_and_seven_are_hidden(text):
    mask = masks.id_number(text)

    assert len(shown(mask)) <= 8
    assert shown(mask) == "" or len(text) - len(shown(mask)) >= 7


def addresses() -> Iterator[str]:
    yield from ("浙江省", "杭州市", "市", "新疆维吾尔自治区", "西湖区", "文三路", "18号", "3幢", "市场路")


@given(ANYTHING | st.lists(st.sampled_from(list(addresses())), max_size=6).map("".join))
def test_of_an_address_six_characters_at_most_and_no_house(text):
    mask = masks.address(text)
    told = (mask or "").replace("*", "")

    assert len(told) <= 6
    assert not any(one.isdigit() for one in told)
    assert told == "" or told.endswith(("市", "省", "自治区"))
