"""Spending for a group in the browser: whose points is a choice in the form, and nobody else sees anything of it."""

import re

import pytest

from base import ids
from tests.given import given_group, given_member, given_offer, given_shop

PHONE = "13700001111"


def offer_id(offer):
    return ids.public("off", offer.offer_id)


@pytest.fixture
def voucher(programme):
    return given_offer(programme, "voucher", merchant_id=given_shop().merchant.merchant_id, value_fen=500)


@pytest.fixture
def spender(db, programme, browser):
    """spender(points=0, cap=2000): the browser of a contact of a group with 5,000 points, and the group's id."""

    def make(points: int = 0, cap: int = 2000, language: str = "en"):
        member_id = given_member(db, programme, points=points, phone=PHONE)
        group = given_group(db, programme, points=5000, caps={member_id: cap})
        made = browser(language)
        made.sign_in(db, PHONE)
        return made, ids.public("grp", group)

    return make


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Groups you spend for", "Redeemed for the group")),
        ("zh-CN", ("您可使用的集团积分", "为集团兑换的记录")),
    ],
)
def test_home_leads_to_the_group_in_both_languages(spender, language, words):
    me, group = spender(language=language)

    me.get("/")
    assert words[0] in me.page
    assert f'href="/groups/{group}"' in me.page
    me.get(f"/groups/{group}")

    assert words[1] in me.page
    assert "2,000" in me.page


def test_a_voucher_is_redeemed_with_the_groups_points_and_handed_back(spender, voucher):
    me, group = spender(points=0)

    me.get(f"/offers/{offer_id(voucher)}")
    assert "Acme: up to 2,000 points" in me.page
    assert "My own points" not in me.page
    me.submit("/quotes", units=3, payer=group)
    assert "Acme" in me.page
    me.submit("/redemptions")
    assert "Your voucher is here." in me.page
    redemption = me.at
    me.get(me.find(r"/vouchers/vch_\w+"))
    assert re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{5}", me.page)
    me.get(f"/groups/{group}")
    assert "1,500 points of 2,000 points were spent" in me.page
    assert redemption in me.page
    me.get(redemption)
    me.submit(f"{redemption}/cancel")

    assert "Cancelled" in me.page
    me.get(f"/groups/{group}")
    assert "0 points of 2,000 points were spent" in me.page


def test_who_has_points_too_may_choose_and_the_own_ones_come_first(spender, voucher):
    me, group = spender(points=1000)

    me.get(f"/offers/{offer_id(voucher)}")
    options = re.findall(r'<option value="([^"]*)"', me.page)
    me.submit("/quotes", units=1)
    me.submit("/redemptions")

    assert options == ["", group]
    me.get("/")
    assert "500" in me.page
    me.get(f"/groups/{group}")
    assert "0 points of 2,000 points were spent" in me.page


def test_bill_credit_offers_no_choice(spender, programme):
    me, _ = spender(points=1000)

    me.get(f"/offers/{offer_id(given_offer(programme, 'bill_credit', value_fen=500))}")

    assert "payer" not in me.page


def test_over_the_cap_is_told_with_what_is_left(spender, voucher):
    me, group = spender(cap=700)
    me.get(f"/offers/{offer_id(voucher)}")

    answer = me.submit("/quotes", units=2, payer=group)

    assert answer.status_code == 403
    assert "You can still spend 700 points for the group" in me.page


def test_another_member_finds_nothing_of_it(spender, voucher, somebody):
    me, group = spender()
    me.get(f"/offers/{offer_id(voucher)}")
    me.submit("/quotes", units=1, payer=group)
    quote = me.at
    me.submit("/redemptions")
    redemption = me.at
    code = me.find(r"/vouchers/vch_\w+")
    other = somebody(points=2000)
    form = {"csrf_token": other.find(r'csrf_token" value="([^"]+)'), "key": "k"}

    seen = [
        other.get(path).status_code
        for path in (f"/groups/{group}", quote, redemption, code, f"{code}/changed")
    ]
    sent = [
        other.post(f"{redemption}/cancel", form).status_code,
        other.post("/redemptions", form | {"quote": quote.rsplit("/")[-1]}).status_code,
        other.post("/quotes", form | {"offer": offer_id(voucher), "units": 1, "payer": group}).status_code,
    ]

    assert seen == [404] * 5
    assert sent == [404] * 3
