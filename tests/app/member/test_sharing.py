"""Sharing in the browser: a link that anybody can open, and what became of it."""

import re

from base import ids
from tests.app.member.conftest import Browser, code_sent
from tests.given import given_member, given_offer, given_shop, staff_token

ANN, BEN = "13900000001", "13900000002"


def test_a_link_leads_anybody_to_the_offer_and_the_sharer_learns_how_far_it_reached(
    app, db, somebody, programme
):
    shop = given_shop()
    offer = given_offer(programme, "voucher", value_fen=500, merchant_id=shop.merchant.merchant_id)
    offer_id = ids.public("off", offer.offer_id)
    ann = somebody(phone=ANN)
    given_member(db, programme, points=700, phone=BEN)
    ann.get(f"/offers/{offer_id}")
    ann.submit(f"/offers/{offer_id}/share")
    link = re.search(r"/s/[0-9A-Z]{12}", ann.page)[0]
    assert "data:image/svg+xml" in ann.page
    assert "Nobody has opened it yet." in ann.page

    # anybody looks, twice
    ben = Browser(app)
    for _ in range(2):
        assert ben.get(link).status_code == 200
    assert "500" in ben.page
    assert offer.names["en"] in ben.page
    assert shop.merchant.names["en"] in ben.page
    assert ANN not in ben.page
    ann.get(link)  # the own look does not count

    # and goes on, over the sign-in, to the offer
    ben.get(f"{link}/open")
    assert ben.at == "/sign-in"
    ben.submit("/sign-in", phone=BEN, programme="gotone")
    ben.submit("/sign-in/code", code=code_sent(db))
    assert ben.at == f"/offers/{offer_id}"
    ben.submit("/quotes", units=1)
    ben.submit("/redemptions")
    ben.submit("/sign-out")
    ben.sign_in(db, BEN)
    assert ben.at == "/"  # the next sign-in leads nowhere else

    ann.get(f"/offers/{offer_id}/share")
    assert "Your share was opened 1 time; 1 person took part." in ann.page
    ann.get("/shares")
    assert "Your share was opened 1 time; 1 person took part." in ann.page
    staff = app.test_client()
    staff.set_cookie("jifen_staff", staff_token("editor"))
    console = staff.get("/staff/offers", headers={"Accept-Language": "en"}).text
    assert "1 / 1 / 1" in console


def test_a_link_of_nobody_is_not_there_and_a_secret_offer_has_no_button(browser, somebody, programme):
    secret = given_offer(programme, "perk", eligibility={"risk": [0]})
    secret_id = ids.public("off", secret.offer_id)
    me = somebody()

    assert browser().get("/s/ABCDEFGHJKMN").status_code == 404
    assert me.get(f"/offers/{secret_id}/share").status_code in (200, 404)
    assert "Share with friends" not in me.page
