"""Gifts of points in the browser: given, taken back in time, refused in words."""

import re

from base import clock, database, ids
from base.notices import notices
from points.gifts.gifts import TO_UNDO
from tests.given import given_offer, given_shop

ANN, BEN = "13900000001", "13900000002"


def test_points_are_given_and_taken_back_while_there_is_time(somebody):
    ann, _ben = somebody(points=500, phone=ANN), somebody(phone=BEN)
    ann.get("/gifts")
    ann.submit("/gifts", to="139 0000 0002", points="200")
    assert "To 139****0002" in ann.page
    assert "300 points" in ann.page

    ann.submit(ann.find(r'action="(/gifts/gft_\w+/undo)"'))

    assert "Undone" in ann.page
    assert "500 points" in ann.page
    assert "/undo" not in ann.page


def test_after_ten_minutes_there_is_no_way_back(somebody):
    ann, _ben = somebody(points=500, phone=ANN), somebody(phone=BEN)
    ann.get("/gifts")
    ann.submit("/gifts", to=BEN, points="200")

    with clock.stopped(clock.now() + TO_UNDO):
        ann.get("/gifts")
        assert "/undo" not in ann.page


def test_a_number_of_nobody_and_too_many_points_are_refused_above_the_form(somebody):
    ann = somebody(points=500, phone=ANN)
    ann.get("/gifts")

    nobody = ann.submit("/gifts", to="13999999999", points="200")
    assert nobody.status_code == 404
    assert "No points were moved." in ann.page
    assert 'value="13999999999"' in ann.page
    many = ann.submit("/gifts", to=BEN, points="abc")

    assert many.status_code == 422
    assert "Enter a whole number from 1 to" in ann.page


def test_a_voucher_is_given_with_a_greeting_counts_down_and_is_taken_back(db, somebody, programme):
    gift = given_offer(programme, "gift", value_fen=100, merchant_id=given_shop().merchant.merchant_id)
    ann, _ben = somebody(points=500, phone=ANN), somebody(phone=BEN)
    ann.get(f"/offers/{ids.public('off', gift.offer_id)}")
    ann.submit("/quotes", to=BEN, message="birthday")
    assert "Happy birthday!" in ann.page
    with database.begin() as session:
        told = notices.latest(session, db.seal_key, 5)
    code = next(re.search(r"\d{6}", one.text)[0] for one in told if one.template == "voucher-gift-code")

    ann.submit("/redemptions", code=code)
    result = ann.at
    assert "For 139****0002" in ann.page
    assert "data-countdown" in ann.page
    ann.submit(f"{result}/cancel")

    assert "are back where they came from" in ann.page
    ann.get("/")
    assert "500" in ann.page
