"""Goods, services and bundles on the member's pages: address and monthly price before confirming, then where it is, in words."""

import re
from datetime import timedelta

import pytest

from base import clock, ids, jobs
from tests.app.member.conftest import Browser, Forms
from tests.catalog import stand_ins
from tests.catalog.stand_ins import offer_of, wired
from tests.given import ADDRESS, ELECTRONIC, given_offer


@pytest.fixture
def stand_in():
    with stand_ins.serving() as there:
        yield there


def public(offer):
    return ids.public("off", offer.offer_id)


def test_goods_ask_for_an_address_keep_what_was_typed_and_show_where_they_are(
    somebody, programme, db, stand_in
):
    config = wired(db, stand_in, billing_backoff_s=3600)
    stand_in.fails("fulfilment", {"mode": "hold"})
    me = somebody(points=1000)
    me.get(f"/offers/{public(offer := offer_of(programme, 'goods'))}")
    assert "by parcel to your address" in me.page
    assert "within 7 days after it arrived" in me.page
    me.submit("/quotes")
    labels = re.findall(r'<label[^>]* for="(name|phone|region|street|postcode)"', me.page)
    assert labels == list(ADDRESS)

    wrong = me.submit("/redemptions", **(ADDRESS | {"phone": "no"}))

    assert wrong.status_code == 422
    assert me.find(r'id="phone"[^>]*aria-describedby="([^"]+)"') in me.page
    assert "Enter a phone number" in me.page
    assert Forms(me.page).found["/redemptions"]["street"] == ADDRESS["street"]
    me.submit("/redemptions", phone=ADDRESS["phone"])
    result = me.at
    assert "We are getting it ready" in me.page
    assert "/cancel" in me.page
    jobs.drain(config.database_url)
    reference = result.rsplit("/", 1)[1]
    stand_in.move(
        reference, state="shipped", shipped=1, parcels=[{"carrier": "SF", "tracking": "SF77", "units": 1}]
    )
    with clock.stopped(clock.now() + timedelta(hours=2)):
        jobs.drain(config.database_url)

    me.get(result)
    assert "It is on its way to you." in me.page
    assert "SF77" in me.page
    assert "/cancel" not in me.page
    assert ADDRESS["street"] not in me.page
    chinese = Browser(me.client.application, "zh-CN")
    chinese.client = me.client
    chinese.get(result)
    assert "正在送往您的地址" in chinese.page
    assert "快递" in chinese.page
    assert offer.names["zh-CN"] in chinese.page


def test_an_electronic_one_shows_its_code_and_asks_for_no_address(somebody, programme, db, stand_in):
    config = wired(db, stand_in)
    me = somebody(points=1000)

    me.redeem(public(offer_of(programme, "electronic")))
    result = me.at
    jobs.drain(config.database_url)
    me.get(result)

    assert re.search(r"<code[^>]*>F000001-001</code>", me.page)
    assert "Your code is below." in me.page


@pytest.mark.parametrize("kind", ["service", "bundle"])
def test_the_monthly_price_is_on_the_sheet_and_what_became_of_it_in_words(
    somebody, programme, db, stand_in, kind
):
    config = wired(db, stand_in)
    me = somebody(points=1500)
    offer = offer_of(programme, kind)
    for page in (f"/offers/{public(offer)}", None):
        me.get(page) if page else me.submit("/quotes")
        assert "Monthly price" in me.page
        assert re.search(r"10\.00</strong> · your points pay for 3 months", me.page)
    me.submit("/redemptions")
    result = me.at
    jobs.drain(config.database_url)
    me.get(result)
    assert ("It is switched on." if kind == "service" else "Your voucher is here.") in me.page

    stand_in.fails("ordering", {"mode": "refuse"})
    me.redeem(public(offer))
    result = me.at
    assert ("It is being switched on" if kind == "service" else "all of it is undone") in me.page
    jobs.drain(config.database_url)
    me.get(result)
    assert "Your 500 points are back." in me.page
    assert ("all of it was undone" in me.page) == (kind == "bundle")
    me.get("/redemptions")
    assert {"service": "Service", "bundle": "Bundle"}[kind] in me.page


def test_what_is_not_known_is_told_and_then_what_it_came_to(somebody, programme, db, stand_in):
    config = wired(db, stand_in)
    me = somebody(points=1000)
    stand_in.fails("fulfilment", *stand_ins.LOST_AND_MUTE)
    me.redeem(public(given_offer(programme, "goods", value_fen=500, form=ELECTRONIC)))
    result = me.at
    jobs.drain(config.database_url)
    me.get(result)
    assert "We are asking" in me.page

    stand_in.behaves()
    with clock.stopped(clock.now() + timedelta(hours=2)):
        jobs.drain(config.database_url)
    me.get(result)
    assert "Your code is below." in me.page
