"""Areas: codes that contain each other, and what they are called."""

import pytest

from base import database
from points.members import areas
from points.members.areas import BadArea


def name(code, **named):
    with database.begin() as session:
        for area, (zh, en) in named.items():
            areas.add(session, area.removeprefix("a"), {"zh-CN": zh, "en": en})
        return areas.full_name(session, code)


def test_a_county_is_called_from_the_province_down(db):
    named = {"a33": ("浙江省", "Zhejiang"), "a3301": ("杭州市", "Hangzhou"), "a330106": ("西湖区", "Xihu")}

    assert name("330106", **named) == {"zh-CN": "浙江省杭州市西湖区", "en": "Xihu, Hangzhou, Zhejiang"}
    assert name("3301") == {"zh-CN": "浙江省杭州市", "en": "Hangzhou, Zhejiang"}
    assert name("330199") == {"zh-CN": "浙江省杭州市", "en": "Hangzhou, Zhejiang"}
    assert (name("44"), name("")) == (None, None)


def test_another_name_takes_the_place_of_the_first(db):
    name("33", a33=("浙江", "Zhejiang"))

    assert name("33", a33=("浙江省", "Zhejiang province")) == {"zh-CN": "浙江省", "en": "Zhejiang province"}


@pytest.mark.parametrize("code", ["", "3", "333", "33010", "3301067", "ab", "３３"])
def test_what_is_no_code_is_refused(db, code):
    with pytest.raises(BadArea), database.begin() as session:
        areas.add(session, code, {"zh-CN": "x", "en": "x"})


def test_the_length_of_a_code_says_what_it_is():
    assert [areas.level(code) for code in ("", "33", "3301", "330106")] == [
        "hq",
        "province",
        "city",
        "county",
    ]
