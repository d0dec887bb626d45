"""The till in the browser: by keyboard and scanner alone, on the narrowest screen, each answer told by colour and text."""

import re

import pytest
from playwright.sync_api import expect

from catalog.vouchers import codes
from tests.given import (
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)
from tests.journeys.conftest import DESK, PHONE, menu, sound, tab_to

pytestmark = pytest.mark.browser

SMALL = {"width": PHONE, "height": 568}
TEA = {"zh-CN": "西湖龙井明前特级礼盒装两人份下午茶套餐", "en": "Pre-Qingming Longjing afternoon tea for two"}


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def voucher(app, db, shop):
    """voucher(units=1): the code of a fresh voucher at the shop, 30 yuan a unit."""
    programme = given_programme()
    offer = given_offer(
        programme, "voucher", value_fen=3000, merchant_id=shop.merchant.merchant_id, names=TEA
    )
    member = caller(app, member_token(given_member(db, programme, points=90_000)))
    return lambda units=1: member.voucher_code(member.redeem(offer, units).json)


def cookie(shop):
    return {"jifen_till": clerk_token(shop)}


def check(page, code):
    """Type the code as a scanner does: into the field that has the focus, and Enter."""
    expect(page.get_by_role("main").get_by_role("textbox").first).to_be_focused()
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def in_sight(locator):
    """On the screen from top to bottom, and nothing over it."""
    expect(locator).to_be_visible()
    return locator.evaluate("""(element) => {
        const { left, right, top, bottom } = element.getBoundingClientRect();
        const at = (y) => document.elementFromPoint((left + right) / 2, y);
        return element.contains(at(top + 3)) && element.contains(at(bottom - 3));
    }""")


def colour(page):
    """Which colour the answer has: of its ground, green or red beats the other."""
    ground = (
        page.get_by_role("heading", level=1)
        .locator("..")
        .evaluate("(e) => getComputedStyle(e).backgroundColor")
    )
    red, green, _ = map(int, re.findall(r"\d+", ground)[:3])
    return "green" if green > red else "red"


def test_a_shift_by_keyboard_and_scanner_alone(visit, shop, voucher):
    typed, scanned = voucher(), voucher()
    page = visit("/till")

    expect(page.get_by_label("Terminal")).to_be_focused()
    for text, key in (("tea-1", "Tab"), ("01", "Tab"), ("123456", "Enter")):
        page.keyboard.type(text)
        page.keyboard.press(key)
    check(page, typed)
    expect(page.get_by_text("Valid", exact=True)).to_be_visible()
    tab_to(page, "Accept")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Accepted")).to_be_visible()
    check(page, codes.picture_text(codes.read(scanned)))
    tab_to(page, "Accept")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Accepted")).to_be_visible()
    tab_to(page, "Reason", role="combobox")
    page.keyboard.type("wrong voucher")
    tab_to(page, "Void")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Undone")).to_be_visible()
    page.get_by_role("link", name="Today").press("Enter")
    expect(page.get_by_role("main")).to_contain_text("owed to you for 1 voucher")


def test_good_and_bad_differ_in_colour_and_in_words(visit, shop, voucher):
    page = visit("/till", cookies=cookie(shop))
    code = voucher()

    check(page, code)
    expect(page.get_by_role("heading", level=1)).to_have_text(TEA["en"])
    good = colour(page)
    page.get_by_role("button", name="Accept").click()
    accepted = colour(page)
    check(page, code)
    expect(page.get_by_role("alert")).to_contain_text("Tell the customer")
    bad = colour(page)
    check(page, "7M4P-8KQ2-XZ3T8")
    expect(page.get_by_role("alert")).to_contain_text("What to do")

    assert (good, accepted, bad, colour(page)) == ("green", "green", "red", "red")


def test_a_double_click_on_accept_is_one_acceptance(visit, shop, voucher):
    page = visit("/till", cookies=cookie(shop))
    check(page, voucher(units=2))
    page.get_by_label("How many").fill("1")

    page.get_by_role("button", name="Accept").dblclick()

    expect(page.get_by_role("heading", name="Accepted")).to_be_visible()
    page.get_by_role("link", name="Today").click()
    expect(page.get_by_role("main")).to_contain_text("owed to you for 1 voucher")


@pytest.mark.parametrize(("language", "scheme"), [("en", "dark"), ("zh-CN", "light")])
def test_every_page_of_the_till_fits_a_small_screen(visit, shop, voucher, language, scheme):
    page = visit("/till", language=language, color_scheme=scheme)
    page.set_viewport_size(SMALL)
    single, code = voucher(), voucher(units=3)
    main = page.get_by_role("main")

    # signing in, first with a wrong PIN
    sound(page, language)
    for pin in ("000000", "123456"):
        main.locator("#terminal").fill("tea-1")
        main.locator("#clerk").fill("01")
        main.locator("#pin").fill(pin)
        sound(page, language)
        main.get_by_role("button").click()
    for path in menu(page):
        page.goto(path)
        sound(page, language)

    # a check: what to press is on the screen at once; letting go
    page.goto("/till")
    check(page, single)
    assert in_sight(main.locator("form[action='/till/accept'] button"))
    sound(page, language)
    main.locator("form[action='/till/release'] button").click()
    sound(page, language)

    # accepted in part, the rest, then refused, undone, and the day
    check(page, code)
    main.get_by_role("spinbutton").fill("1")
    main.locator("form[action='/till/accept'] button").click()
    sound(page, language)
    accepted = page.url
    check(page, code)
    main.locator("form[action='/till/accept'] button").click()
    sound(page, language)
    check(page, code)
    assert in_sight(page.get_by_role("alert").get_by_role("heading"))
    assert in_sight(page.get_by_role("alert").get_by_role("blockquote"))
    sound(page, language)
    page.goto(accepted)
    main.get_by_role("combobox").fill("X" * 200)
    main.locator("form[action='/till/void'] button").click()
    sound(page, language)
    page.goto("/till/today")
    sound(page, language, widths=(PHONE, DESK))
