"""The catalogue narrowed by its address, honest about worth, limits and what is closed; the club beside it."""

import re
from datetime import timedelta

import pytest

from base import clock, database, ids, jobs
from catalog.rates import rates
from points.entitlements.rules import Wanted
from tests.given import LONG_AGO, given_entitlement, given_member, given_offer, given_shop, given_tier

TEA = {"zh-CN": "龙井茶馆代金券", "en": "Longjing tea house"}
FILM = {"zh-CN": "电影票", "en": "Cinema ticket"}


def offer_id(offer):
    return ids.public("off", offer.offer_id)


def rows(page):
    return re.findall(r'href="/offers/(off_\w+)"', page)


def test_the_address_narrows_by_words_in_either_language_by_category_and_by_order(somebody, programme):
    tea = given_offer(programme, "perk", value_fen=900, names=TEA, texts=TEA, category="dining")
    film = given_offer(programme, "perk", value_fen=500, names=FILM, texts=FILM, category="leisure")
    with database.begin() as session:
        rates.add(session, programme.programme_id, LONG_AGO, points=50, per_fen=100, offer_id=tea.offer_id)
    me = somebody(points=100)

    found = {
        asked: rows(me.get(f"/offers?{asked}").text)
        for asked in ("q=茶馆", "q=longJING", "category=leisure", "sort=fen_per_100", "sort=price", "q=xyz")
    }

    assert found["q=茶馆"] == found["q=longJING"] == [offer_id(tea)]
    assert found["category=leisure"] == [offer_id(film)]
    assert found["sort=fen_per_100"] == [offer_id(tea), offer_id(film)]
    assert found["sort=price"] == [offer_id(tea), offer_id(film)]
    assert found["q=xyz"] == []
    me.get("/offers?q=%3Cb%3E")
    assert "Nothing is called “&lt;b&gt;” here." in me.page
    assert len(re.findall(r'class="btn btn-primary"', me.page)) == 1  # one button leads on


def test_worth_limits_and_what_is_closed_stand_in_the_list_before_anything_is_tapped(somebody, programme):
    dear = given_offer(programme, "perk", value_fen=400)
    given_offer(programme, "perk", stock=0)
    given_offer(programme, "voucher", merchant_id=given_shop().merchant.merchant_id, stock=7,
                limits=[{"most": 2, "of": "member", "per": "month"}])  # fmt: skip
    with database.begin() as session:
        rates.add(session, programme.programme_id, LONG_AGO, points=200, per_fen=100, offer_id=dear.offer_id)
    me = somebody(points=5000)

    me.get("/offers")

    assert "worth 50% less than bill credit" in me.page
    assert "¥0.50 for 100 points" in me.page
    assert "Nothing is left of this offer." in me.page
    assert "7 left" in me.page
    assert "At most 2 in a month for each member." in me.page


def test_a_full_event_says_so_and_its_line_has_numbers_and_an_end(db, somebody, programme):
    event = given_offer(programme, "event", value_fen=100, form={"capacity": 1, "offer_hours": 2})
    first, second = somebody(points=100, phone="13900000001"), somebody(points=100, phone="13900000002")
    first.redeem(offer_id(event))
    place = first.at
    second.get("/offers?kind=event")
    assert "full; you can wait for a place" in second.page

    second.get(f"/offers/{offer_id(event)}")
    assert "Wait for a place" in second.page
    second.submit("/quotes")
    assert "All places are taken now." in second.page
    second.submit("/redemptions")
    assert "You are number 1 in the line." in second.page
    mine = second.at
    second.get("/club")
    assert "Number 1 in the line" in second.page

    first.get(place)
    first.submit(f"{place}/cancel")
    jobs.drain(db.database_url)
    second.get(mine)
    assert "A place is free for you" in second.page
    second.submit(f"{mine}/seat")
    assert "Your place is booked" in second.page
    second.get(f"/offers/{offer_id(event)}")
    assert "You have a place at this event." in second.page
    assert 'action="/quotes"' not in second.page


@pytest.fixture
def lounge(programme):
    form = {
        "perk": "lounge",
        "pay": ["entitlement", "points"],
        "guests": {"most": 1, "price_percent": 50},
        "blackout_days": [str(clock.now().date() + timedelta(days=9))],
    }
    names = {"zh-CN": "机场贵宾厅", "en": "Airport lounge"}
    given_entitlement(Wanted("gotone", "lounge", LONG_AGO, names, "year", {"gold": 3}))
    return given_offer(programme, "perk", value_fen=1000, form=form)


def test_a_perk_is_taken_from_the_tier_without_points_or_with_a_guest_for_points(
    db, browser, programme, lounge
):
    given_tier(given_member(db, programme, points=600, phone="13900001234"), "gold")
    me = browser()
    me.sign_in(db, "13900001234")

    me.get("/club")
    assert "3 of 3 left" in me.page
    assert offer_id(lounge) in rows(me.page)
    me.get(f"/offers/{offer_id(lounge)}")
    assert "From your tier: 3 of 3 left" in me.page
    assert "Not on" in me.page
    me.submit("/quotes", pay="entitlement", guests="0")
    assert "No points needed" in me.page
    me.submit("/redemptions")
    assert "This use is part of what your tier includes." in me.page

    me.get(f"/offers/{offer_id(lounge)}")
    me.submit("/quotes", pay="entitlement", guests="1")
    assert "500 points" in me.page
    me.submit("/redemptions")
    me.get("/club")
    assert "1 of 3 left" in me.page


def test_home_names_the_nearest_offer_and_a_message_until_it_was_seen(somebody, programme):
    near = given_offer(programme, "perk", value_fen=1000, names=TEA)
    given_offer(programme, "perk", value_fen=2000, names=FILM)
    given_offer(programme, "perk", value_fen=100)
    me = somebody(points=820, phone="13900000001")
    somebody(phone="13900000002")

    me.get("/")
    assert "180 points more and “Longjing tea house” is yours" in me.page
    assert f'href="/offers/{offer_id(near)}"' in me.page
    assert "A message for you" not in me.page

    me.get("/gifts")
    me.submit("/gifts", to="13900000002", points="1")
    me.get("/")
    assert "A message for you" in me.page
    me.get("/messages")
    me.get("/")
    assert "A message for you" not in me.page


def test_a_result_shows_its_steps_and_an_open_page_asks_how_it_goes_but_not_for_ever(somebody, programme):
    credit = given_offer(programme, "bill_credit", value_fen=500)
    me = somebody(points=500)

    me.redeem(offer_id(credit))
    assert re.search(r"You confirmed.*Points set aside", me.page, re.S)
    asks = me.find(r'hx-get="([^"]+)"')
    delays = []
    while "load delay" in me.page:
        delays.append(int(me.find(r"load delay:(\d+)s")))
        me.page = me.client.get(me.find(r'hx-get="([^"]+)"'), headers=me.headers).text

    assert delays == sorted(delays)
    assert 5 < len(delays) < 12
    assert "Look again" in me.page
    gone_on = me.client.get(asks.replace("pending-", "requested-"), headers=me.headers)
    assert (gone_on.status_code, gone_on.headers["HX-Refresh"]) == (204, "true")
