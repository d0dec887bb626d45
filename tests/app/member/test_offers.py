"""The list of offers and one offer."""

import re

from base import database, ids
from catalog.rates import rates
from points import programmes
from tests.given import LONG_AGO, given_member, given_offer, given_shop


def rows(page):
    return re.findall(r"/offers/off_\w+", page)


def offer_id(offer):
    return ids.public("off", offer.offer_id)


def test_offers_are_listed_cheapest_first_in_pages(somebody, programme):
    values = [4000 - 100 * number for number in range(25)]
    for value in values:
        given_offer(programme, "perk", value_fen=value)
    me = somebody()

    me.get("/offers")
    first = rows(me.page)
    me.next_page()
    second = rows(me.page)

    assert (len(first), len(second)) == (20, 5)
    assert not set(first) & set(second)
    assert "4,000 points" in me.page


def test_chips_narrow_the_list_by_kind_and_by_what_the_member_can_afford(somebody, programme):
    small = given_offer(programme, "bill_credit", value_fen=500)
    big = given_offer(programme, "perk", value_fen=900)
    me = somebody(points=600)

    me.get("/offers?kind=perk")
    assert rows(me.page) == [f"/offers/{offer_id(big)}"]

    me.get("/offers?affordable=1")
    assert rows(me.page) == [f"/offers/{offer_id(small)}"]


def test_what_can_be_afforded_is_found_behind_many_that_cannot(somebody, programme):
    cheap_kind = "voucher"
    shop = given_shop()
    for _ in range(65):
        given_offer(programme, "perk", value_fen=1000)
    late = given_offer(programme, cheap_kind, value_fen=2000, merchant_id=shop.merchant.merchant_id)
    with database.begin() as session:
        rates.add(session, programme.programme_id, LONG_AGO, points=1, per_fen=100, kind=cheap_kind)
    me = somebody(points=30)

    me.get("/offers?affordable=1")

    assert rows(me.page) == [f"/offers/{offer_id(late)}"]


def test_an_offer_says_honestly_what_it_is_worth_beside_bill_credit(somebody, programme):
    good, poor = given_offer(programme, "perk"), given_offer(programme, "perk")
    with database.begin() as session:
        for one, price in ((good.offer_id, 80), (poor.offer_id, 125)):
            rates.add(session, programme.programme_id, LONG_AGO, points=price, per_fen=100, offer_id=one)
    me = somebody(points=5000)

    me.get(f"/offers/{offer_id(good)}")
    assert "worth 25% more than bill credit" in me.page

    me.get(f"/offers/{offer_id(poor)}")
    assert "worth 20% less than bill credit" in me.page


def test_an_offer_that_is_sold_out_says_so_and_has_no_form(somebody, programme):
    offer = given_offer(programme, "perk", stock=1)
    somebody(points=1000, phone="13900000001").redeem(offer_id(offer))
    late = somebody(points=1000, phone="13900000002")

    late.get("/offers")
    assert "Nothing is left of this offer." in late.page
    late.get(f"/offers/{offer_id(offer)}")
    assert "Nothing is left of this offer." in late.page
    assert 'action="/quotes"' not in late.page


def test_a_voucher_offer_lists_its_outlets(somebody, programme):
    shop = given_shop()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id)
    me = somebody(points=1000)

    me.get(f"/offers/{offer_id(offer)}")

    assert "1 Jiangnan Road" in me.page


def test_an_offer_without_a_price_is_left_out_of_the_list_and_says_so_on_its_page(db, browser):
    with database.begin() as session:
        bare = programmes.create(session, "bare", {"en": "Bare", "zh-CN": "无"}, zone="UTC", currency="CNY")
    offer = given_offer(bare, "perk")
    given_member(db, bare, phone="13900001234")
    me = browser()
    me.sign_in(db, "13900001234", "bare")

    me.get("/offers")
    assert rows(me.page) == []
    me.get(f"/offers/{offer_id(offer)}")
    assert "This offer has no price at the moment." in me.page


def test_the_list_is_also_ordered_by_what_points_buy_and_says_why_one_is_closed(somebody, programme):
    plain = given_offer(programme, "perk", value_fen=500)
    best = given_offer(programme, "perk", value_fen=900)
    gold = given_offer(programme, "perk", value_fen=700, eligibility={"tiers": ["gold"]})
    given_offer(programme, "perk", value_fen=100, eligibility={"risk": [4]})
    with database.begin() as session:
        rates.add(session, programme.programme_id, LONG_AGO, points=50, per_fen=100, offer_id=best.offer_id)
    me = somebody(points=600)

    me.get("/offers")
    cheapest = rows(me.page)
    me.get("/offers?sort=fen_per_100")

    assert cheapest == [f"/offers/{offer_id(one)}" for one in (best, plain, gold)]
    assert rows(me.page)[0] == f"/offers/{offer_id(best)}"
    assert "Needs Gold; you have no tier." in me.page
    me.get(f"/offers/{offer_id(gold)}")
    assert "This offer needs another tier." in me.page
    assert "Needs Gold; you have no tier." in me.page
