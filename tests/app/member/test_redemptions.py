"""From the offer through the quote to the redemption, and back."""

import re
from datetime import timedelta

from sqlalchemy import text

from base import clock, database, ids, jobs
from base.halts import halts
from tests.app.member.conftest import Forms
from tests.given import (
    caller,
    clerk_token,
    gift_code,
    given_colleague,
    given_member,
    given_offer,
    given_points,
    given_programme,
    given_shop,
    merchant_token,
)

PHONE = "13900001234"


def offer_id(offer):
    return ids.public("off", offer.offer_id)


def given_voucher_offer(programme, **more):
    return given_offer(programme, "voucher", merchant_id=given_shop().merchant.merchant_id, **more)


def number_of_redemptions(page):
    return len(re.findall(r'href="/redemptions/red_', page))


def test_a_voucher_is_redeemed_and_shown_with_its_picture_and_code(somebody, programme):
    offer = given_voucher_offer(programme, value_fen=500)
    me = somebody(points=1730)

    me.quote(offer_id(offer))
    assert "500" in me.page
    assert "1,230 points" in me.page
    me.submit("/redemptions")
    assert "Your voucher is here." in me.page
    me.get(me.find(r"/vouchers/vch_\w+"))

    assert 'src="data:image/svg+xml' in me.page
    assert re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{5}", me.page)
    assert "1 Jiangnan Road" in me.page
    me.get("/vouchers")
    assert "Ready to use" in me.page


def test_several_units_are_one_voucher_with_several_uses(somebody, programme):
    offer = given_voucher_offer(programme, value_fen=500)
    me = somebody(points=2000)

    me.redeem(offer_id(offer), units=3)
    me.get("/vouchers")

    assert "3 of 3 left" in me.page


def test_an_event_is_booked_and_its_moment_shown(somebody, programme):
    offer = given_offer(programme, "event", value_fen=500)
    me = somebody(points=1000)

    me.redeem(offer_id(offer))

    assert "Your place is booked" in me.page


def test_bill_credit_says_that_a_message_follows_and_then_that_it_failed(somebody, programme, db):
    offer = given_offer(programme, "bill_credit", value_fen=500)
    me = somebody(points=1000)

    me.redeem(offer_id(offer))
    result = me.at
    assert "We will text you" in me.page
    me.get("/")
    assert "500 points more are set aside" in me.page
    jobs.drain(db.database_url)  # nobody listens where billing should be

    me.get(result)
    assert "Your 500 points are back." in me.page
    me.get("/points")
    assert "Given back" in me.page


def test_the_same_confirmation_sent_twice_is_one_redemption(somebody, programme):
    offer = given_offer(programme, "perk", value_fen=500)
    me = somebody(points=1000)
    me.quote(offer_id(offer))
    form = Forms(me.page).found["/redemptions"]

    me.post("/redemptions", form)
    first = me.at
    me.post("/redemptions", form)
    second = me.at

    assert first == second
    me.get("/redemptions")
    assert number_of_redemptions(me.page) == 1


def test_a_used_quote_leads_to_what_it_bought_even_under_another_key(somebody, programme):
    offer = given_offer(programme, "perk", value_fen=500, stock=1)
    me = somebody(points=1000)
    me.quote(offer_id(offer))
    quote, form = me.at, Forms(me.page).found["/redemptions"]
    me.post("/redemptions", form)
    result = me.at

    me.post("/redemptions", form | {"key": "another"})
    assert me.at == result
    me.get(quote)
    assert me.at == result


def test_cancelling_gives_the_points_back_once(somebody, programme):
    offer = given_voucher_offer(programme, value_fen=500)
    me = somebody(points=1000)
    me.redeem(offer_id(offer))
    result = me.at
    form = Forms(me.page).found[f"{result}/cancel"]

    me.post(f"{result}/cancel", form)
    me.post(f"{result}/cancel", form)

    assert me.at == result
    assert "Your 500 points are back where they came from." in me.page
    assert f"{result}/cancel" not in me.page
    me.get("/")
    assert "1,000" in me.page
    me.get("/vouchers?heap=past")
    assert "Cancelled" in me.page


def test_a_used_voucher_cannot_be_cancelled_and_says_where_it_was_used(somebody, programme, app):
    shop = given_shop()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=500)
    me = somebody(points=1000)
    me.redeem(offer_id(offer))
    result, form = me.at, Forms(me.page).found[f"{me.at}/cancel"]
    voucher = me.find(r"/vouchers/vch_\w+")
    me.get(voucher)
    seen = me.find(r"seen=([\w-]+)")
    unchanged = me.get(f"{voucher}/changed?seen={seen}")
    me.get(voucher)
    code = me.find(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{5}")
    caller(app, clerk_token(shop)).accept(code)

    changed = me.get(f"{voucher}/changed?seen={seen}")
    me.get(voucher)
    assert "Binjiang" in me.page
    assert code not in me.page
    refused = me.post(f"{result}/cancel", form)

    assert (unchanged.status_code, "HX-Refresh" in unchanged.headers) == (204, False)
    assert changed.headers["HX-Refresh"] == "true"
    assert refused.status_code == 409
    assert "Did points move?" in me.page
    me.get("/vouchers?heap=used")
    assert "Used" in me.page


def test_too_few_points_are_refused_with_the_numbers_and_a_way_back(somebody, programme):
    offer = given_offer(programme, "perk", value_fen=1500)
    cheap = given_offer(programme, "perk", value_fen=100)
    me = somebody(points=1000)
    me.get(f"/offers/{offer_id(offer)}")
    assert "500 points more are needed" in me.page
    me.get(f"/offers/{offer_id(cheap)}")

    answer = me.submit("/quotes", offer=offer_id(offer))

    assert answer.status_code == 409
    assert "This needs 1,500 points; you have 1,000 points. 500 points are missing." in me.page
    assert "No. Your points and vouchers are as they were before." in me.page
    assert f'href="/offers/{offer_id(offer)}"' in me.page


def test_the_last_one_taken_by_somebody_else_is_refused_without_touching_points(somebody, programme):
    offer = given_offer(programme, "perk", value_fen=500, stock=1)
    late, quick = somebody(points=1000, phone="13900000001"), somebody(points=1000, phone="13900000002")
    late.quote(offer_id(offer))
    quick.redeem(offer_id(offer))

    answer = late.submit("/redemptions")

    assert answer.status_code == 409
    assert "Nothing is left of this offer." in late.page
    assert "No. Your points and vouchers are as they were before." in late.page
    late.get("/")
    assert "1,000" in late.page


def test_a_quote_that_has_ended_leads_to_a_fresh_one(somebody, programme):
    offer = given_offer(programme, "perk", value_fen=500)
    me = somebody(points=1000)
    me.quote(offer_id(offer))
    quote = me.at

    with clock.stopped(clock.now() + timedelta(minutes=11)):
        refused = me.submit("/redemptions")
        shown = me.get(quote)

    assert (refused.status_code, shown.status_code) == (409, 409)
    assert "This quote has run out or was used." in me.page
    assert f'href="/offers/{offer_id(offer)}"' in me.page


def test_points_that_came_in_meanwhile_change_the_quote(db, browser, programme):
    offer = given_offer(programme, "perk", value_fen=500)
    member_id = given_member(db, programme, points=1000, phone=PHONE)
    me = browser()
    me.sign_in(db, PHONE)
    me.quote(offer_id(offer))
    given_points(member_id, 300, last_day=clock.now().date() + timedelta(days=3))

    answer = me.submit("/redemptions")

    assert answer.status_code == 409
    assert "since the price was shown" in me.page


def test_a_line_that_is_too_new_is_told_when_to_come_back(db, browser):
    programme = given_programme(minimum_tenure_days=90)
    offer = given_offer(programme, "perk", value_fen=500)
    given_member(db, programme, points=1000, phone=PHONE, joined_on=clock.now().date() - timedelta(days=1))
    me = browser()
    me.sign_in(db, PHONE)
    me.get(f"/offers/{offer_id(offer)}")
    token = Forms(me.page).found["/sign-out"]["csrf_token"]

    answer = me.post("/quotes", {"csrf_token": token, "offer": offer_id(offer), "units": "1"})

    assert 'action="/quotes"' not in me.page
    assert answer.status_code == 403
    assert "Come back on that day." in me.page


def test_units_that_are_no_number_are_refused(somebody, programme):
    offer = given_offer(programme, "bill_credit", value_fen=100)
    me = somebody(points=1000)

    me.get(f"/offers/{offer_id(offer)}")
    answer = me.submit("/quotes", units="２x")

    assert answer.status_code == 422
    assert "Enter a whole number" in me.page


def test_a_form_without_the_token_of_its_page_is_refused(somebody, programme):
    me = somebody(points=1000)

    answer = me.post("/quotes", {"offer": "off_1", "units": "1"})

    assert answer.status_code == 400


def test_points_page_tells_each_movement_with_the_balance_after_it(somebody, programme):
    offer = given_offer(programme, "perk", value_fen=400)
    me = somebody(points=1000)
    me.redeem(offer_id(offer))

    me.get("/points")

    assert "+1,000" in me.page
    assert "−400" in me.page
    assert "then 600" in me.page
    assert re.search(r'Redeemed</strong>.*?<a href="/redemptions/red_', me.page, re.S)


def test_redemptions_and_movements_come_in_pages(somebody, programme):
    offer = given_offer(programme, "bill_credit", value_fen=100)
    me = somebody(points=5000)
    for _ in range(21):
        me.redeem(offer_id(offer))

    for path, mark in (("/redemptions", 'href="/redemptions/red_'), ("/points", "then ")):
        me.get(path)
        assert me.page.count(mark) == 20
        me.next_page()
        assert 1 <= me.page.count(mark) <= 2


def test_a_voucher_is_given_to_a_friend_whose_name_is_half_hidden_with_the_code_that_was_sent(
    somebody, programme, db
):
    offer = given_offer(programme, "gift", merchant_id=given_shop().merchant.merchant_id, value_fen=500)
    me = somebody(points=1000)
    given_member(db, programme, phone="13900005678")
    with database.begin() as session:
        giver_id = session.scalar(text("select member_id from wallet where balance = 1000"))

    me.get(f"/offers/{offer_id(offer)}")
    me.submit("/quotes", to="13900005678")
    assert "139****5678" in me.page
    wrong = me.submit("/redemptions", code="000000")
    assert (wrong.status_code, "This is not the code" in me.page) == (422, True)
    me.submit("/redemptions", code=gift_code(db, giver_id))

    assert "Your gift is on its way" in me.page


def test_a_use_that_was_not_mine_is_told_from_the_redemption_and_the_voucher_says_so(
    app, somebody, programme
):
    shop = given_shop()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=500)
    me = somebody(points=2000)
    me.redeem(ids.public("off", offer.offer_id))
    redemption = me.at
    voucher = me.find(r"/vouchers/vch_\w+")
    me.get(voucher)
    caller(app, clerk_token(shop)).accept(me.find(r'id="code">([^<]+)'))
    stranger = somebody(phone="13900009999")

    me.get(redemption)
    use = me.find(r"/acceptances/acc_\w+")
    assert "This was not me" in me.page
    assert stranger.get(use).status_code == 404
    me.get(use)
    me.submit(f"{use}/not-me")

    assert "We are looking into it" in me.page
    assert "not-me" not in me.page
    me.get(voucher)
    assert "What became of your report" in me.page


def test_what_the_merchant_alone_disputes_the_member_still_says_was_not_them(app, db, somebody, programme):
    shop = given_shop()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=500)
    me = somebody(points=2000)
    me.redeem(ids.public("off", offer.offer_id))
    redemption = me.at
    me.get(me.find(r"/vouchers/vch_\w+"))
    caller(app, clerk_token(shop)).accept(me.find(r'id="code">([^<]+)'))
    me.get(redemption)
    use = me.find(r"/acceptances/acc_\w+")
    finance = caller(app, merchant_token(given_colleague(shop, "finance", "20")))
    finance.post("/v1/merchant/disputes", {"acceptance": use.rpartition("/")[2], "said": "we served nobody"})

    me.get(redemption)
    assert "This was not me" in me.page
    me.get(use)
    me.submit(f"{use}/not-me")

    assert "We are looking into it" in me.page
    me.get(redemption)
    assert "What became of your report" in me.page


def test_while_redeeming_is_stopped_the_page_says_that_nothing_was_taken(somebody, programme):
    offer = given_voucher_offer(programme, value_fen=500)
    me = somebody(points=1000)
    me.quote(offer_id(offer))
    with database.begin() as session:
        halts.stop(session, "staff:1", halts.REDEEM, programme.programme_id, "a fault", clock.now())

    answer = me.submit("/redemptions")

    assert answer.status_code == 409
    assert "nothing was taken from your points" in me.page
