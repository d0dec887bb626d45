"""How was it? On the page of what was used, on the voucher, once on the home page; without script, in both languages."""

import re

from base import ids
from catalog.ratings.ratings import Said
from tests.given import given_member, given_offer, given_programme, given_shop
from tests.ratings import place_of, rate, redeem, used_perk, used_voucher

PHONE = "13900001234"


def signed_in(browser, db, points=1000, language="en"):
    programme = given_programme()
    member_id = given_member(db, programme, points=points, phone=PHONE)
    me = browser(language)
    me.sign_in(db, PHONE)
    return me, member_id, programme


def page_of(place):
    return f"/redemptions/{ids.public('red', *place)}"


def test_the_form_is_there_once_it_was_used_thanks_for_it_and_can_be_sent_anew(browser, db):
    me, member_id, programme = signed_in(browser, db)
    unused = redeem(member_id, given_offer(programme, "perk", value_fen=100))
    used = used_perk(member_id, programme)
    me.get(page_of(unused))
    assert "How was it?" not in me.page

    me.get(page_of(used))
    assert "How was it?" in me.page
    me.submit(f"{page_of(used)}/rating", stars="4", reasons=["value", "ease"], words="close\r\nand quiet")

    assert me.at == f"{page_of(used)}/rating"
    assert "Thank you." in me.page
    assert 'aria-label="4 of 5 stars"' in me.page
    assert "Value for the points" in me.page
    me.submit(f"{page_of(used)}/rating", stars="5", reasons=[], words="")
    assert 'aria-label="5 of 5 stars"' in me.page


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(browser, db):
    me, member_id, programme = signed_in(browser, db, language="zh-CN")
    used = used_perk(member_id, programme)
    me.get(page_of(used))

    answer = me.submit(f"{page_of(used)}/rating", stars="", words="长" * 501)

    assert answer.status_code == 422
    assert "请选择一至五颗星" in me.page
    assert "最多 500 个字" in me.page
    assert "长" * 501 in me.page


def test_a_poor_one_with_words_leads_to_a_complaint_and_a_good_one_does_not(browser, db):
    me, member_id, programme = signed_in(browser, db)
    poor, silent, good = (used_perk(member_id, programme) for _ in range(3))
    rate(db, member_id, poor, Said(2, (), "an hour"))
    rate(db, member_id, silent, 1)
    rate(db, member_id, good, Said(5, (), "at once"))

    found = []
    for one in (poor, silent, good):
        links = re.findall(
            r'href="([^"]+)">(?:<svg.*?</svg>)?\s*Make it a complaint', me.get(page_of(one)).text
        )
        assert links in ([], [f"/help/new?about={ids.public('red', *one)}"])
        found.append(bool(links))

    assert found == [True, False, False]


def test_a_used_voucher_asks_on_its_own_page(browser, db):
    me, member_id, programme = signed_in(browser, db)
    shop = given_shop()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=500)
    place = used_voucher(db, member_id, offer, place_of(shop))
    me.get(page_of(place))
    me.get(me.find(r'href="(/vouchers/vch_\w+)"'))

    assert "How was it?" in me.page
    me.submit(f"{page_of(place)}/rating", stars="3")
    assert 'aria-label="3 of 5 stars"' in me.page


def test_the_home_page_asks_once_and_later_is_enough(browser, db):
    me, member_id, programme = signed_in(browser, db)
    used = used_perk(member_id, programme)
    me.get("/")
    assert f'href="{page_of(used)}/rating"' in me.page

    me.submit(f"{page_of(used)}/rating/later")

    assert me.at == "/"
    assert "Rate it" not in me.page
    other = browser()  # nothing was written about it
    other.sign_in(db, PHONE)
    other.get("/")
    assert "Rate it" in other.page
    rate(db, member_id, used, 5)
    other.get("/")
    assert "Rate it" not in other.page


def test_anothers_redemption_and_what_was_not_used_have_no_such_page(browser, db):
    me, member_id, programme = signed_in(browser, db)
    theirs = used_perk(given_member(db, programme, points=1000), programme)
    unused = redeem(member_id, given_offer(programme, "perk", value_fen=100))

    assert me.get(f"{page_of(theirs)}/rating").status_code == 404
    assert me.get(f"{page_of(unused)}/rating").status_code == 409
    assert "This can be rated once it was used." in me.page
