"""The till by its pages: a shift from sign-in to void, with forms and a cookie, as a clerk sees it."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from app.till import shell
from base import clock, database
from base.auth import passwords
from merchants import merchants
from merchants.terminals import clerks
from merchants.terminals.models import CLERK, MANAGER
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
from tests.tills import Screen, Signer, paired

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
PHONE = "13912345678"


@pytest.fixture
def shop(db):
    return given_shop(typed_limit_fen=100_000)


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


def given_code(app, db, programme, shop, *, units=1, value_fen=3000, with_digits=False):
    offer = given_offer(
        programme,
        "voucher",
        merchant_id=shop.merchant.merchant_id,
        value_fen=value_fen,
        most_units=100,
        names={"zh-CN": "龙井茶", "en": "Longjing tea"},
    )
    phone = f"{PHONE[:-2]}{len(shop.merchant.code) + units:02d}"
    member = caller(app, member_token(given_member(db, programme, points=9000, phone=phone)))
    redemption = member.redeem(offer, units).json
    code = member.voucher_code(redemption)
    if not with_digits:
        return code
    return code, member.get(f"/v1/vouchers/{redemption['voucher']}").json["pictures"][0]["digits"]


def test_a_clerk_signs_in_scans_accepts_and_undoes(screen, code):
    checked = screen.check(code.lower().replace("-", " "))
    accepted = screen.send("/till/accept")
    voided = screen.send("/till/void", reason="wrong item")
    again = screen.check(code)

    assert checked.status_code == 200
    for text in ("Longjing tea", "¥30.00", "139****", "data-countdown", "jf-verdict-ok"):
        assert text in checked.text
    assert "¥27.00" in accepted.text
    assert "Accepted" in accepted.text
    assert "wrong item" in voided.text
    assert "jf-verdict-ok" in again.text


def test_the_same_acceptance_sent_twice_is_one(screen, code):
    screen.check(code)
    form = screen.hidden("/till/accept")

    first = screen.post("/till/accept", form)
    second = screen.post("/till/accept", form)

    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert "1 voucher" in screen.get("/till/today").text


def test_some_of_several_units_are_accepted(app, db, programme, screen, shop):
    code = given_code(app, db, programme, shop, units=4, value_fen=500)

    screen.check(code)
    accepted = screen.send("/till/accept", units="3")
    rest = screen.check(code)

    assert "¥13.50" in accepted.text
    assert "¥5.00" in rest.text


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
    assert re.search(r"Already used here \d\d:\d\d, clerk 01\.", refused.text)


def test_another_merchants_voucher_looks_unknown(app, db, programme, screen):
    code = given_code(app, db, programme, given_shop("noodles"))

    refused = screen.check(code)
    unknown = screen.check("0000-0000-00000")

    assert refused.status_code == unknown.status_code == 404
    assert verdict(refused) == verdict(unknown)


def verdict(page):
    return re.search(r'<section class="jf-verdict.*?</section>', page.text, re.DOTALL)[0]


def test_a_voucher_open_at_another_till_says_how_long(app, screen, shop, code):
    second_till(app, shop).check(code)

    refused = screen.check(code)

    assert refused.status_code == 409
    assert "jf-verdict-wait" in refused.text
    assert int(refused.headers["Retry-After"]) > 100


def second_till(app, shop, *, role=CLERK):
    """Another till of the outlet, with a clerk 02 signed in at it."""
    with database.begin() as session:
        terminal = clerks.add_terminal(session, shop.outlet, "tea-2")
        clerks.add_clerk(session, shop.outlet, "02", passwords.hashed("123456"), role=role)
    opened = Screen(app)
    opened.sign_in(replace(shop, signer=paired(terminal)), clerk="02")
    return opened


def test_a_voucher_that_was_let_go_can_be_checked_elsewhere(app, screen, shop, code):
    screen.check(code)
    screen.send("/till/release")

    assert second_till(app, shop).check(code).status_code == 200


def test_an_acceptance_can_be_undone_only_at_its_own_till_and_in_time(app, screen, shop, code):
    screen.accept(code)
    place = re.search(r"/till/acceptances/\w+", screen.get("/till/today").text)[0]
    elsewhere = second_till(app, shop)

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


def test_after_the_window_a_request_to_support_is_filled_in_and_sent_once(screen, code):
    screen.accept(code)
    place = re.search(r"/till/acceptances/\w+", screen.get("/till/today").text)[0]
    early = screen.get(place).text
    with clock.stopped(clock.now() + timedelta(minutes=16)):
        late = screen.get(place).text
        reason = re.search(r'name="reason"[^>]* value="([^"]+)"', late)[1]
        asked = screen.send(f"{place}/ask", reason=reason)
        again = screen.get(place).text

    assert f'action="{place}/ask"' not in early
    assert "clerk 01" in reason
    assert "A person looks into it" in asked.text
    assert f'action="{place}/ask"' not in again


def test_today_adds_up_what_stands(app, db, programme, screen, shop, code):
    screen.accept(code)
    screen.accept(given_code(app, db, programme, shop, units=2))
    screen.send("/till/void", reason="changed their mind")

    page = screen.get("/till/today").text

    assert "owed to you for 1 voucher" in page
    assert "¥27.00" in page
    assert "Undone" in page


def test_the_token_is_in_no_address_and_the_code_on_no_page(screen, code):
    screen.check(code)
    token = screen.hidden("/till/accept")["check_token"]

    answer = screen.post("/till/accept", screen.hidden("/till/accept"))

    assert token not in answer.location
    assert not re.search(r'(?:href|action|src)="[^"]*' + re.escape(token), screen.page.text)
    assert code not in screen.page.text


def test_a_wrong_pin_shows_the_form_again_without_it_and_locks_after_five(app, shop):
    screen = Screen(app)

    answers = [screen.sign_in(shop, pin="999999") for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert "Clerk number or PIN is not right at this till." in answers[0].text
    assert 'value="01"' in answers[0].text
    assert "999999" not in answers[0].text


@pytest.mark.parametrize("field", ["clerk", "pin"])
def test_strange_sign_ins_are_refused_without_harm(app, shop, field):
    screen = Screen(app)
    screen.signer = shop.signer
    screen.get("/till/sign-in")
    right = {"clerk": "01", "pin": "123456"}

    for text in ("", "\x00", "x" * 500):
        assert screen.send("/till/sign-in", **(right | {field: text})).status_code == 422


def test_closing_the_shift_shows_its_count_and_ends_the_sign_in(screen, code):
    screen.accept(code)
    so_far = screen.get("/till/shift").text
    closed = screen.send("/till/shift/close").text

    assert "Your shift" in so_far
    assert "Shift closed" in closed
    assert all("¥26.43" in page for page in (so_far, closed))  # 27.00 less fee and tax
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
    screen = Screen(app)
    screen.signer = shop.signer
    screen.client.set_cookie("jifen_till", clerk_token(shop))

    assert screen.post("/till/check", {"code": code}).status_code == 400


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
        assert re.sub("<template.*?</template>", "", page.text, flags=re.DOTALL).count("<h1") == 1
        assert f'lang="{language}"' in page.text
        assert "style=" not in page.text
        assert re.search(r"<noscript><p[^>]*>[^<]*JavaScript", page.text)
        assert PHONE[:9] not in page.text
    assert all(word in screen.page.text for word in words[1:])
    assert words[0] in pages[1].text


def test_another_language_after_a_check_leads_back_to_the_code_field(screen):
    answer = screen.client.get("/till/check?lang=zh-CN")

    assert (answer.status_code, answer.location) == (303, "/till?lang=zh-CN")


def test_a_form_without_a_signature_or_with_another_tills_does_nothing(screen, shop, code):
    screen.check(code)
    form = screen.hidden("/till/accept")
    stranger = Signer(shop.terminal.terminal_id)

    unsigned = screen.client.post("/till/accept", data=form, headers={"Accept-Language": "en"})
    foreign = screen.post("/till/accept", form, signer=stranger)

    assert (unsigned.status_code, foreign.status_code) == (401, 401)
    assert all("This till needs our manager." in answer.text for answer in (unsigned, foreign))
    assert "owed to you for 0 vouchers" in screen.get("/till/today").text


def test_a_till_that_is_not_known_is_led_to_be_paired(app, shop):
    screen = Screen(app)

    refused = screen.sign_in(replace(shop, signer=Signer(shop.terminal.terminal_id)))

    assert refused.status_code == 401
    assert 'href="/till/pair">Pair this till anew' in refused.text


def test_what_became_of_a_deed_is_asked_by_its_key_and_changes_nothing(screen, code):
    screen.check(code)
    form = screen.hidden("/till/accept")
    ask = lambda: screen.client.get("/till/outcome", headers={"Idempotency-Key": form["key"]})  # noqa: E731

    before = ask()
    accepted = screen.post("/till/accept", form)
    after = ask()

    assert (before.status_code, 'data-outcome="none"' in before.text) == (200, True)
    assert (after.status_code, after.location) == (303, accepted.location)
    assert "owed to you for 1 voucher" in screen.get("/till/today").text


def test_an_undoing_whose_answer_was_lost_leads_to_its_acceptance(screen, code):
    screen.accept(code)
    form = screen.hidden("/till/void")
    voided = screen.post("/till/void", {**form, "reason": "wrong item"})

    after = screen.client.get("/till/outcome", headers={"Idempotency-Key": form["key"]})

    assert (after.status_code, after.location) == (303, voided.location)


def test_a_voucher_above_the_limit_asks_for_the_digits_and_takes_them(app, db, programme):
    shop = given_shop("grand", typed_limit_fen=1000)
    screen = Screen(app)
    screen.sign_in(shop)
    code, digits = given_code(app, db, programme, shop, with_digits=True)

    asked = screen.check(code)
    again = screen.send("/till/check", code=code, digits=f"{digits[:4]} {digits[4:]}")

    assert asked.status_code == 403
    assert 'data-kind="digits-needed"' in asked.text
    assert 'name="digits"' in asked.text
    assert "jf-verdict-ok" in again.text


def test_a_voucher_in_money_is_shown_and_accepted_in_yuan(app, db, programme, screen, shop):
    code = given_code(app, db, programme, shop, units=100, value_fen=1)

    shown = screen.check(code)
    accepted = screen.send("/till/accept", amount="0.4")
    rest = screen.check(code)

    assert 'name="amount"' in shown.text
    assert 'value="1.00"' in shown.text
    assert "¥0.40" in accepted.text
    assert "¥0.60" in accepted.text
    assert 'value="0.60"' in rest.text


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "1e9999", "NaN", "12,40", "一"])
def test_an_amount_that_is_none_takes_nothing(app, db, programme, screen, shop, amount):
    code = given_code(app, db, programme, shop, units=100, value_fen=1)

    screen.check(code)
    refused = screen.send("/till/accept", amount=amount)

    assert refused.status_code == 422
    assert 'value="1.00"' in screen.check(code).text


def test_today_tells_what_each_clerk_took(app, db, programme, screen, shop, code):
    screen.accept(code)
    with database.begin() as session:
        clerks.add_clerk(session, shop.outlet, "02", passwords.hashed("123456"))
    screen.sign_in(shop, clerk="02")
    screen.accept(given_code(app, db, programme, shop, units=2))

    rows = re.findall(r"<tr><td>(\d\d)</td>.*?(¥[\d.]+)", screen.get("/till/today").text)

    assert rows == [("01", "¥27.00"), ("02", "¥54.00")]


def test_an_acceptance_is_found_by_the_last_four_of_its_code(app, db, programme, screen, shop, code):
    screen.accept(code)
    screen.accept(given_code(app, db, programme, shop, units=2))
    last4 = code.replace("-", "")[8:12]

    found = screen.get(f"/till/today?q={last4.lower()}").text
    none = screen.get("/till/today?q=ZZZZ").text

    assert found.count("/till/acceptances/") == 1
    assert f"· {last4}" in found
    assert "None was accepted here." in none


def test_the_days_list_goes_on_page_by_page(app, db, programme, screen, shop, monkeypatch):
    monkeypatch.setattr("app.till.day.SHOWN", 2)
    for units in (1, 2, 3):
        screen.accept(given_code(app, db, programme, shop, units=units))

    first = screen.get("/till/today").text
    following = re.search(r'rel="next" href="(\?after=[^"]+)"', first)[1]
    second = screen.get(f"/till/today{following}").text

    assert [page.count("/till/acceptances/") for page in (first, second)] == [2, 1]
    assert "owed to you for 3 vouchers" in second


def test_a_manager_sees_and_undoes_what_other_tills_of_the_outlet_took(app, screen, shop, code):
    screen.accept(code)
    manager = second_till(app, shop, role=MANAGER)

    listed = manager.get("/till/today?all=1").text
    place = re.search(r"/till/acceptances/\w+", listed)[0]
    manager.get(place)
    undone = manager.send("/till/void", reason="wrong table")

    assert "tea-1" in listed
    assert "wrong table" in undone.text
    assert "/till/acceptances/" not in manager.get("/till/today").text


def test_a_clerk_sees_no_other_till(app, screen, shop, code):
    screen.accept(code)

    assert "/till/acceptances/" not in second_till(app, shop).get("/till/today?all=1").text


def test_a_manager_sees_no_other_outlet_of_the_merchant(app, screen, shop, code):
    screen.accept(code)
    with database.begin() as session:
        names = {"zh-CN": "西湖店", "en": "West Lake"}
        elsewhere = merchants.add_outlet(session, session.merge(shop.merchant), names, names)
    manager = second_till(app, replace(shop, outlet=elsewhere), role=MANAGER)

    taken = re.search(r"/till/acceptances/\w+", screen.get("/till/today").text)[0]

    page = manager.get("/till/today?all=1").text

    assert [manager.get(place).status_code for place in (taken, f"{taken}/receipt")] == [404, 404]
    assert "West Lake" in page
    assert "/till/acceptances/" not in page
    assert "owed to you for 0 vouchers" in page


def test_a_receipt_is_printed_again(screen, code):
    screen.accept(code)
    path = re.search(r'"(/till/acceptances/\w+/receipt)"', screen.page.text)[1]

    page = screen.get(path).text

    for told in ("Longjing tea", "1 Jiangnan Road", "tea-1", "data-print", path.split("/")[3]):
        assert told in page
    assert code not in page


def test_only_the_page_that_scans_may_use_the_camera(screen, code):
    pages = [screen.get("/till"), screen.get("/till/today"), screen.get("/till/pair"), screen.check(code)]

    assert ["camera=(self)" in page.headers["Permissions-Policy"] for page in pages] == [
        True,
        False,
        False,
        False,
    ]
    assert ["wasm-unsafe-eval" in page.headers["Content-Security-Policy"] for page in pages] == [
        True,
        False,
        False,
        False,
    ]


def test_the_till_can_be_installed_and_keeps_only_its_shell(app):
    client = app.test_client()

    manifest = client.get("/till/manifest.webmanifest?lang=zh-CN")
    worker = client.get("/till/worker.js")
    kept = re.findall(r'"(/(?:static|till)/[^"]+)"', worker.text)

    assert (manifest.json["scope"], manifest.json["lang"]) == ("/till", "zh-CN")
    assert all(client.get(icon["src"]).status_code == 200 for icon in manifest.json["icons"])
    assert worker.headers["Service-Worker-Allowed"] == "/till"
    assert {path.split("?")[0] for path in kept if not path.startswith("/static/")} == {
        "/till/offline",
        "/till/language",
    }
    assert all(client.get(path).status_code == 200 for path in kept if path != "/till/language")


def test_the_worker_changes_with_what_it_keeps_and_with_nothing_else(app, monkeypatch):
    client = app.test_client()

    first, second = client.get("/till/worker.js").text, client.get("/till/worker.js").text
    monkeypatch.setattr(shell, "APP", replace(shell.APP, files=("jifen.css",)))
    third = client.get("/till/worker.js").text

    named = [re.search(r"jifen-till-[0-9a-f]{12}", text)[0] for text in (first, second, third)]
    assert named[0] == named[1] != named[2]


def test_the_page_kept_for_a_time_without_a_network_says_no_moment(app):
    kept = app.test_client().get("/till/offline?lang=en").text

    assert '<meta name="jf-now" content="">' in kept
    assert "What can be done" in kept
