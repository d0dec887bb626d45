"""What all of the member's pages keep: doors shut for strangers, both languages, no phone number."""

import re
from datetime import date

import psycopg
import pytest

from base import clock, ids
from tests.given import given_ladder, given_member, given_offer, given_points, given_programme, given_shop

PHONE = "13900001234"
PAGES = ["/", "/offers", "/vouchers", "/vouchers?heap=used", "/vouchers?heap=past", "/redemptions", "/points"]


def offer_id(offer):
    return ids.public("off", offer.offer_id)


@pytest.mark.parametrize("path", [*PAGES, "/offers/off_1", "/quotes/quo_1", "/redemptions/red_1"])
def test_who_is_not_signed_in_is_sent_to_the_sign_in(browser, programme, path):
    me = browser()

    me.get(path)

    assert me.at == "/sign-in"


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_page_reads_in_both_languages_and_never_shows_the_number(somebody, programme, language):
    shop = given_shop()
    voucher = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=500)
    me = somebody(points=2000, phone=PHONE, language=language)
    me.redeem(offer_id(voucher))
    result = me.at

    for path in [*PAGES, f"/offers/{offer_id(voucher)}", result]:
        answer = me.get(path)

        assert answer.status_code == 200, path
        assert f'<html lang="{language}">' in me.page
        assert PHONE not in me.page, path
        body = re.sub(r"(?s)<head>.*?</head>|<[^>]+>", " ", me.page)
        chinese = re.findall(r"[一-鿿]+", body)
        if language == "en":
            assert set(chinese) <= {"中文"}, path
        else:
            assert len(chinese) > 5, path


def test_home_asks_little_and_no_more_for_who_has_more(somebody, programme, monkeypatch):
    shop = given_shop()
    voucher = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=500)
    given_ladder(programme)
    me, asked = somebody(points=5000), []
    execute = psycopg.Cursor.execute

    def counted(self, *given, **more):
        asked.append(" ".join(str(given[0]).split())[:110])
        return execute(self, *given, **more)

    def looked():
        me.get("/")
        with monkeypatch.context() as patched:
            patched.setattr(psycopg.Cursor, "execute", counted)
            asked.clear()
            me.get("/")
        return len(asked)

    little = looked()
    for _ in range(3):
        me.redeem(offer_id(voucher))

    assert me.get("/").status_code == 200
    assert looked() <= little + 1 <= 26, "\n".join(asked)


def test_ids_of_another_member_lead_nowhere(somebody, programme):
    shop = given_shop()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=500)
    mine, other = somebody(points=2000, phone="13900000001"), somebody(points=2000, phone="13900000002")
    mine.quote(offer_id(offer))
    quote = mine.at
    mine.submit("/redemptions")
    redemption = mine.at
    voucher = mine.find(r"/vouchers/vch_\w+")
    form = {"csrf_token": other.find(r'csrf_token" value="([^"]+)'), "key": "k"}

    seen = [other.get(path).status_code for path in (quote, redemption, voucher, f"{voucher}/changed")]
    sent = [
        other.post(f"{redemption}/cancel", form).status_code,
        other.post("/redemptions", form | {"quote": quote.rsplit("/")[-1]}).status_code,
    ]

    assert seen == [404] * 4
    assert sent == [404] * 2


def test_an_offer_of_another_programme_is_not_found(somebody, programme):
    elsewhere = given_offer(given_programme("mzone"), "perk")
    me = somebody()

    assert me.get(f"/offers/{offer_id(elsewhere)}").status_code == 404


def test_home_names_the_points_that_lapse_next(db, browser, programme):
    member_id = given_member(db, programme, phone=PHONE)
    given_points(member_id, 300, last_day=date(2090, 5, 1))
    given_points(member_id, 200, last_day=date(2089, 3, 2))
    me = browser()

    me.sign_in(db, PHONE)

    assert "200 points lapse after Mar 2, 2089" in me.page
    assert "worth about ¥5.00" in me.page


def test_home_of_a_line_that_is_too_new_says_from_when_on(db, app, browser):
    programme = given_programme(minimum_tenure_days=90)
    today = clock.day(clock.now(), programme.zone)
    given_member(db, programme, points=100, phone=PHONE, joined_on=today)
    me = browser()

    me.sign_in(db, PHONE)

    assert "This line is too new to redeem points." in me.page
    assert "You can redeem from" in me.page
