"""What a merchant writes comes back as it was written, and says what an offer needs."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.campaigns import wanted
from catalog.campaigns.models import KINDS
from catalog.campaigns.wanted import Wanted
from catalog.offers import eligibility, limits
from catalog.offers.models import Offer
from catalog.vouchers import forms

ZONE = "Asia/Shanghai"
TEXT = {"zh-CN": "券", "en": "voucher"}
days = st.dates(date(2026, 1, 1), date(2030, 12, 31))
weekdays = st.lists(st.integers(1, 7), unique=True).map(sorted).map(tuple)


@st.composite
def campaigns(draw):
    first = draw(st.none() | days)
    last = draw(
        st.none() | (days if first is None else st.integers(0, 90).map(lambda n: first + timedelta(n)))
    )
    kind = draw(st.sampled_from(KINDS))
    member_days = kind == "member_day"
    most = draw(st.none() | st.integers(1, 99))
    return Wanted(
        kind, TEXT, TEXT, draw(st.integers(1, 10**6)), draw(st.integers(1, 366)),
        stock=draw(st.none() | st.integers(1, 10**6)),
        most=most,
        per=draw(st.sampled_from(wanted.PERS)) if most else "ever",
        merchant_bp=draw(st.none() | st.integers(1, 10_000)),
        wished_points=draw(st.none() | st.integers(1, 10**6)),
        first_day=first, last_day=last,
        weekdays=draw(weekdays) if member_days else (),
        days=(1, 15) if member_days else (),
        use_weekdays=draw(weekdays),
        closed=tuple(draw(st.lists(days.map(lambda day: (day, day + timedelta(2))), max_size=3, unique=True))),
        outlets=("out_1",) if draw(st.booleans()) else (),
        picture=draw(st.none() | st.just("ab" * 32)),
    )  # fmt: skip


@given(campaigns())
def test_what_was_written_is_read_back_off_the_document(one):
    content = wanted.document(one, "tea", "CNY", ZONE)

    assert wanted.of(one.kind, content, one.wished_points, ZONE) == one
    assert wanted.altered(content, content | {"category": "dining", "cost_fen": 1, "from_at": None}) == []


@given(campaigns())
def test_the_document_is_one_that_offers_can_be_made_of(one):
    one = Wanted(**vars(one) | {"outlets": ()})
    content = wanted.document(one, "tea", "CNY", ZONE)
    offer = Offer(kind="voucher", form=content["form"], value_fen=one.value_fen)

    forms.check(offer)
    rule = eligibility.parse(content["eligibility"])
    assert rule.birthday_month == (one.kind == "birthday")
    assert (rule.member_days is not None) == (one.kind == "member_day")
    assert [limit.most for limit in limits.of(content["limits"])] == ([one.most] if one.most else [])


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"kind": "lottery"}, wanted.CampaignKindUnknown),
        ({"kind": "member_day"}, wanted.MemberDaysMissing),
        ({"kind": "holiday", "first_day": date(2026, 2, 1)}, wanted.HolidayDaysMissing),
        ({"merchant_bp": 999}, wanted.LessThanTheTerms),
        ({"merchant_bp": 9_001}, wanted.SharesOverWhole),
    ],
)
def test_each_thing_that_only_a_campaign_asks_is_named(more, refusal):
    one = Wanted(
        **{"kind": "voucher", "names": TEXT, "texts": TEXT, "value_fen": 1, "voucher_days": 1} | more
    )

    with pytest.raises(refusal):
        wanted.check(one, terms_bp=1000, brand_bp=1000)
