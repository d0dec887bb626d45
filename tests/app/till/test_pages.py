"""The till by its pages: a shift from sign-in to void, with forms and a cookie, as a clerk sees it."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from base import clock, database
from base.auth import sign_ins
from merchants.terminals import clerks
from tests.given import (
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    staff_token,
)

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
PHONE = "13912345678"


class Screen:
    """A browser at the till: follows redirects, sends each form with its hidden fields."""

    def __init__(self, app, language="en"):
        self.client = app.test_client()
        self.language = language
        self.page = None
        self.signer = None

    def get(self, path):
        self.page = self.client.get(path, headers={"Accept-Language": self.language}, follow_redirects=True)
        return self.page

    def send(self, action, **fields):
        values = {**self.hidden(action), **fields}
        body = urlencode({name: value for name, value in values.items() if value is not None}).encode()
        signed = self.signer.headers("POST", action, body) if self.signer else {}
        self.page = self.client.post(
            action,
            data=body,
            content_type="application/x-www-form-urlencoded",
            headers={"Accept-Language": self.language, **signed},
            follow_redirects=True,
        )
        return self.page

    def hidden(self, action):
        form = re.search(rf'<form[^>]*action="{action}".*?</form>', self.page.text, re.DOTALL)
        assert form, f"no form for {action} on this page"
        return dict(HIDDEN.findall(form[0]))

    def sign_in(self, shop, pin="123456"):
        self.signer = shop.signer
        self.get("/till/sign-in")
        return self.send("/till/sign-in", clerk="01", pin=pin)

    def check(self, code):
        self.get("/till")
        return self.send("/till/check", code=code)

    def accept(self, code):
        self.check(code)
        return self.send("/till/accept")


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def screen(app, shop):
    opened = Screen(app)
    opened.sign_in(shop)
    return opened


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def code(app, db, programme, shop):
    """The code of a voucher over 30 yuan at the shop."""
    return given_code(app, db, programme, shop)


def given_code(app, db, programme, shop, *, units=1, value_fen=3000):
    offer = given_offer(
        programme,
        "voucher",
        merchant_id=shop.merchant.merchant_id,
        value_fen=value_fen,
        names={"zh-CN": "龙井茶", "en": "Longjing tea"},
    )
    phone = f"{PHONE[:-2]}{len(shop.merchant.code) + units:02d}"
    member = caller(app, member_token(given_member(db, programme, points=9000, phone=phone)))
    return member.voucher_code(member.redeem(offer, units).json)


def test_a_clerk_signs_in_scans_accepts_and_undoes(screen, code):
    checked = screen.check(code.lower().replace("-", " "))
    accepted = screen.send("/till/accept")
    voided = screen.send("/till/void", reason="wrong item")
    again = screen.check(code)

    assert checked.status_code == 200
    for text in ("Longjing tea", "CN¥30.00", "139****", "data-countdown", "jf-verdict-ok"):
        assert text in checked.text
    assert "CN¥27.00" in accepted.text
    assert "Accepted" in accepted.text
    assert "wrong item" in voided.text
    assert "jf-verdict-ok" in again.text


def test_the_same_acceptance_sent_twice_is_one(screen, code):
    screen.check(code)
    form = screen.hidden("/till/accept")

    first = screen.client.post("/till/accept", data=form)
    second = screen.client.post("/till/accept", data=form)

    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert "1 voucher" in screen.get("/till/today").text


def test_some_of_several_units_are_accepted(app, db, programme, screen, shop):
    code = given_code(app, db, programme, shop, units=4, value_fen=500)

    screen.check(code)
    accepted = screen.send("/till/accept", units="3")
    rest = screen.check(code)

    assert "CN¥13.50" in accepted.text
    assert "CN¥5.00" in rest.text


@pytest.mark.parametrize("units", ["0", "-1", "1e3", "٣", "9" * 30])
def test_units_that_are_no_number_take_nothing(app, db, programme, screen, shop, units):
    code = given_code(app, db, programme, shop, units=4, value_fen=500)

    screen.check(code)
    refused = screen.send("/till/accept", units=units)

    assert refused.status_code == 422
    assert "jf-verdict-bad" in refused.text
    assert "4 of 4" in screen.check(code).text


def test_more_units_than_are_left_are_refused(app, db, programme, screen, shop):
    code = given_code(app, db, programme, shop, units=2)

    screen.check(code)
    refused = screen.send("/till/accept", units="3")

    assert refused.status_code == 422
    assert "There is less left on it." in refused.text


def test_an_unknown_code_is_a_red_card_with_words_for_the_customer(screen):
    refused = screen.check("0000-0000-00000")

    assert refused.status_code == 404
    assert "jf-verdict-bad" in refused.text
    assert "I can&#39;t find this one. Please open it again in your app." in refused.text
    assert 'name="code"' in refused.text
    assert "data-focus" in refused.text


@pytest.mark.parametrize("code", ["", "x", "7M4P-8KQ2-XZ3T9", "券码" * 9, "0" * 5000, "a\x00b"])
def test_a_misread_code_asks_for_another_try(screen, code):
    refused = screen.check(code)

    assert refused.status_code == 400
    assert "One moment, I&#39;ll read it again." in refused.text


def test_a_used_code_tells_when_and_where(screen, code):
    screen.accept(code)

    refused = screen.check(code)

    assert refused.status_code == 409
    assert "Binjiang" in refused.text
    assert "Used on" in refused.text


def test_another_merchants_voucher_looks_unknown(app, db, programme, screen):
    code = given_code(app, db, programme, given_shop("noodles"))

    refused = screen.check(code)
    unknown = screen.check("0000-0000-00000")

    assert refused.status_code == unknown.status_code == 404
    assert verdict(refused) == verdict(unknown)


def verdict(page):
    return re.search(r'<section class="jf-verdict.*?</section>', page.text, re.DOTALL)[0]


def test_a_voucher_open_at_another_till_says_how_long(app, screen, shop, code):
    other_shop_till = Screen(app)
    other_shop_till.client.set_cookie("jifen_till", second_till(shop))
    other_shop_till.check(code)

    refused = screen.check(code)

    assert refused.status_code == 409
    assert "jf-verdict-wait" in refused.text
    assert int(refused.headers["Retry-After"]) > 100


def second_till(shop):
    with database.begin() as session:
        terminal = clerks.add_terminal(session, shop.outlet, "tea-2")
        return sign_ins.begin(
            session, "clerk", shop.clerk.clerk_id, clock.now(), place_id=terminal.terminal_id
        )


def test_a_voucher_that_was_let_go_can_be_checked_elsewhere(app, screen, shop, code):
    screen.check(code)
    screen.send("/till/release")

    other = Screen(app)
    other.client.set_cookie("jifen_till", second_till(shop))

    assert other.check(code).status_code == 200


def test_an_acceptance_can_be_undone_only_at_its_own_till_and_in_time(app, screen, shop, code):
    screen.accept(code)
    place = re.search(r"/till/acceptances/\w+", screen.get("/till/today").text)[0]
    elsewhere = Screen(app)
    elsewhere.client.set_cookie("jifen_till", second_till(shop))

    open_here = screen.get(place).text
    open_there = elsewhere.get(place).text
    with clock.stopped(clock.now() + timedelta(minutes=16)):
        late = screen.get(place).text

    assert 'action="/till/void"' in open_here
    assert 'action="/till/void"' not in open_there
    assert 'action="/till/void"' not in late


def test_undoing_too_late_is_refused_in_words(screen, code):
    screen.accept(code)
    with clock.stopped(clock.now() + timedelta(minutes=16)):
        refused = screen.send("/till/void", reason="late")

    assert refused.status_code == 409
    assert "Open a case for support." in refused.text


def test_today_adds_up_what_stands(app, db, programme, screen, shop, code):
    screen.accept(code)
    screen.accept(given_code(app, db, programme, shop, units=2))
    screen.send("/till/void", reason="changed their mind")

    page = screen.get("/till/today").text

    assert "owed to you for 1 voucher" in page
    assert "CN¥27.00" in page
    assert "Undone" in page


def test_the_token_is_in_no_address_and_the_code_on_no_page(screen, code):
    screen.check(code)
    token = screen.hidden("/till/accept")["check_token"]

    answer = screen.client.post("/till/accept", data=screen.hidden("/till/accept"))

    assert token not in answer.location
    assert not re.search(r'(?:href|action|src)="[^"]*' + re.escape(token), screen.page.text)
    assert code not in screen.page.text


def test_a_wrong_pin_shows_the_form_again_without_it_and_locks_after_five(app, shop):
    screen = Screen(app)

    answers = [screen.sign_in(shop, pin="999999") for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert "Terminal, clerk number or PIN is not right." in answers[0].text
    assert 'value="tea-1"' in answers[0].text
    assert "999999" not in answers[0].text


@pytest.mark.parametrize("field", ["terminal", "clerk", "pin"])
def test_strange_sign_ins_are_refused_without_harm(app, shop, field):
    screen = Screen(app)
    screen.get("/till/sign-in")
    right = {"terminal": "tea-1", "clerk": "01", "pin": "123456"}

    for text in ("", "\x00", "x" * 500):
        assert screen.send("/till/sign-in", **(right | {field: text})).status_code == 422


def test_ending_the_shift_ends_it(screen):
    screen.get("/till")
    screen.send("/till/sign-out")

    assert screen.client.get("/till").location == "/till/sign-in"


@pytest.mark.parametrize("cookie", ["jifen_till", "jifen_member", "jifen_staff"])
def test_members_and_staff_do_not_get_in(app, db, cookie):
    programme = given_programme()
    for token in (member_token(given_member(db, programme)), staff_token("auditor")):
        client = app.test_client()
        client.set_cookie(cookie, token)

        for path in ("/till", "/till/today", "/till/acceptances/acc_x"):
            assert client.get(path).location == "/till/sign-in"


def test_a_clerk_gets_into_no_other_face(app, shop):
    client = app.test_client()
    for cookie in ("jifen_till", "jifen_member", "jifen_staff"):
        client.set_cookie(cookie, clerk_token(shop))

    assert client.get("/staff").location == "/staff/sign-in"
    assert client.get("/staff/members").location == "/staff/sign-in"


def test_a_form_without_its_mark_is_refused(app, shop, code):
    client = app.test_client()
    client.set_cookie("jifen_till", clerk_token(shop))

    assert client.post("/till/check", data={"code": code}).status_code == 400


@pytest.mark.parametrize(
    ("language", "words"), [("en", ("Scan a voucher", "Today")), ("zh-CN", ("扫描券码", "今日"))]
)
def test_every_page_speaks_both_languages_and_has_one_heading(app, shop, code, language, words):
    screen = Screen(app, language)
    pages = [
        screen.get("/till/sign-in"),
        screen.sign_in(shop),
        screen.check("0000-0000-00000"),
        screen.check(code),
        screen.send("/till/accept"),
        screen.get("/till/today"),
        screen.get("/till/acceptances/acc_unknown"),
    ]

    for page in pages:
        assert page.text.count("<h1") == 1
        assert f'lang="{language}"' in page.text
        assert "style=" not in page.text
        assert PHONE[:9] not in page.text
    assert all(word in screen.page.text for word in words[1:])
    assert words[0] in pages[1].text


def test_another_language_after_a_check_leads_back_to_the_code_field(screen):
    answer = screen.client.get("/till/check?lang=zh-CN")

    assert (answer.status_code, answer.location) == (303, "/till?lang=zh-CN")
