"""A member's pages in the browser: on the narrowest phone, by keyboard, in both languages, tapped twice."""

from datetime import date, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select

from base import clock, database, ids
from catalog.redemptions.models import Redemption
from merchants import merchants
from tests.given import (
    caller,
    given_group,
    given_member,
    given_offer,
    given_points,
    given_programme,
    given_shop,
    member_token,
)
from tests.journeys.conftest import DESK, PHONE, code_of_message, menu, sound, tab_to
from tests.ratings import place_at, used_voucher

pytestmark = pytest.mark.browser

NUMBER = "13912345678"
LONG = {
    "zh-CN": "西湖龙井明前特级礼盒装两人份下午茶套餐（含点心四件、指定门店使用）",
    "en": "Pre-Qingming West Lake Longjing afternoon tea for two, with four pastries, at chosen shops",
}


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def tea(programme):
    """A voucher for 500 points, up to ten at once."""
    shop = given_shop()
    return given_offer(
        programme, "voucher", value_fen=500, stock=5, merchant_id=shop.merchant.merchant_id, names=LONG
    )


@pytest.fixture
def member(db, programme):
    return given_member(db, programme, points=1730, phone=NUMBER)


def cookie(member_id):
    return {"jifen_member": member_token(member_id)}


def page_of(offer):
    return f"/offers/{ids.public('off', offer.offer_id)}"


def redemptions_of(member_id):
    with database.begin() as session:
        return session.scalar(select(func.count()).where(Redemption.member_id == member_id))


def given_a_full_account(app, programme, tea, member_id):
    """Something of everything: lots, bill credit on its way, a seat, vouchers of each state, offers out of reach."""
    given_points(member_id, 1_234_567, last_day=clock.now().date() + timedelta(days=20))
    given_points(member_id, 40, last_day=date(2149, 1, 1))
    me = caller(app, member_token(member_id))
    credit = given_offer(programme, "bill_credit", value_fen=500)
    seat = given_offer(programme, "perk", value_fen=1800, stock=9)
    given_offer(programme, "perk", value_fen=98_765_432_00)
    given_offer(programme, "perk", value_fen=700, stock=0)
    for offer in (credit, seat, tea):
        assert me.redeem(offer).status_code == 201
    cancelled = me.redeem(tea).json
    assert me.post(f"/v1/redemptions/{cancelled['id']}/cancel").status_code == 200


@pytest.mark.screens(
    "member: home", "member: catalogue", "member: offer", "member: confirm", "member: result", "member: voucher",
    "member: history", "member: lapsing", "member: group and club", "member: errors and account",
)  # fmt: skip
@pytest.mark.parametrize(("language", "scheme"), [("en", "dark"), ("zh-CN", "light")])
def test_a_full_account_fits_the_narrowest_phone_and_can_be_read_by_everybody(
    visit, app, db, programme, tea, member, language, scheme
):
    given_a_full_account(app, programme, tea, member)
    group_id = given_group(db, programme, points=900, caps={member: 500})

    # signing in, with a number that is none
    page = visit("/sign-in", language=language, width=PHONE, color_scheme=scheme)
    expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
    sound(page, language)
    page.get_by_role("textbox").fill("12")
    page.get_by_role("main").get_by_role("button").click()
    sound(page, language)
    page.get_by_role("textbox").fill(NUMBER)
    page.get_by_role("main").get_by_role("button").click()
    sound(page, language)
    page.get_by_role("textbox").fill(code_of_message(visit("/dev/outbox")))
    page.get_by_role("main").get_by_role("button").first.click()

    # each page of the menu, and what lies behind it
    pages = menu(page)
    assert len(pages) == 5
    for path in [
        *pages,
        f"/groups/{ids.public('grp', group_id)}",
        "/redemptions",
        "/offers?affordable=1",
        "/vouchers?heap=past",
        "/vouchers?heap=used",
        "/profile",
    ]:
        page.goto(path)
        sound(page, language)
    for path in ("/offers", "/redemptions", "/vouchers"):
        page.goto(path)
        rows = page.get_by_role("main").get_by_role("listitem").get_by_role("link")
        links = {row.get_attribute("href") for row in rows.all()}
        for link in sorted(one for one in links if "?" not in one):
            page.goto(link)
            sound(page, language)

    # the sheet, its lots, the result, the voucher
    page.goto(page_of(tea))
    page.get_by_role("spinbutton").fill("2")
    page.get_by_role("main").get_by_role("button").first.click()
    page.locator("summary").click()
    sound(page, language)
    page.get_by_role("main").get_by_role("button").click()
    page.locator("summary").click()
    sound(page, language)
    page.get_by_role("main").get_by_role("link").first.click()
    expect(page.get_by_role("img").first).to_be_visible()
    sound(page, language, widths=(PHONE, DESK))

    # what is not there, and what cannot be
    for path in ("/nothing-here", "/vouchers/vch_1", page_of(tea) + "x"):
        page.goto(path)
        sound(page, language)


def test_a_quote_is_asked_for_and_confirmed_with_the_keyboard_alone(visit, tea, member):
    page = visit(page_of(tea), cookies=cookie(member))

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "How many", role="spinbutton")
    page.keyboard.press("ArrowUp")
    tab_to(page, "See the exact price")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm")
    tab_to(page, "Confirm: 1,000 points")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    tab_to(page, "Open the voucher", role="link")
    page.keyboard.press("Enter")

    expect(page.get_by_role("img", name="Picture for the till")).to_be_visible()
    assert redemptions_of(member) == 1


@pytest.mark.parametrize("script", [True, False])
def test_a_double_click_on_confirm_is_one_redemption(visit, tea, member, script):
    page = visit(page_of(tea), cookies=cookie(member), java_script_enabled=script)
    page.get_by_role("button", name="See the exact price").click()

    page.get_by_role("button", name="Confirm").dblclick()

    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    expect(page.get_by_text("1,230 points")).to_be_visible()
    assert redemptions_of(member) == 1


def test_going_back_and_a_second_tab_lead_to_the_same_redemption(visit, tea, member):
    page = visit(page_of(tea), cookies=cookie(member), width=PHONE)
    page.get_by_role("button", name="See the exact price").click()
    other = page.context.new_page()
    other.goto(page.url)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    result = page.url

    other.get_by_role("button", name="Confirm").click()
    expect(other).to_have_url(result)
    page.go_back()
    page.reload()

    expect(page).to_have_url(result)
    assert redemptions_of(member) == 1


def test_the_chosen_language_stays_over_pages_and_sign_out(visit, programme, tea, member):
    page = visit("/", cookies=cookie(member), width=PHONE)
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("全球通")

    for name in ("权益", "券", "积分"):
        page.get_by_label("主菜单").get_by_role("link", name=name).click()
        assert page.locator("html").get_attribute("lang") == "zh-CN"
        expect(page.get_by_role("link", name="English")).to_be_visible()
    page.get_by_role("button", name="退出").click()
    expect(page.get_by_role("button", name="获取验证码")).to_be_visible()
    page.get_by_role("link", name="English").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


@pytest.mark.parametrize(("language", "scheme", "script"), [("en", "dark", True), ("zh-CN", "light", False)])
def test_what_was_used_is_rated_by_keyboard_on_the_narrowest_phone_with_or_without_script(
    visit, db, programme, tea, member, language, scheme, script
):
    with database.begin() as session:
        (outlet,) = merchants.outlets_of(session, tea.merchant_id)
    used_voucher(db, member, tea, place_at(outlet))
    poor, thanks = {"en": ("2: poor", "Thank you."), "zh-CN": ("2: 不满意", "感谢您的评价。")}[language]

    page = visit(
        "/",
        language=language,
        width=PHONE,
        cookies=cookie(member),
        color_scheme=scheme,
        java_script_enabled=script,
    )
    if script:  # what looks for faults is a script itself
        sound(page, language)
    page.locator(".jf-ask a").click()
    if script:
        sound(page, language, widths=(PHONE, DESK))
    page.locator("input[name=stars]").first.focus()
    page.keyboard.press("ArrowRight")  # from none to the second: the first has the focus
    expect(page.get_by_role("radio", name=poor)).to_be_checked()
    page.get_by_role("checkbox").nth(3).press("Space")
    page.get_by_role("textbox").fill("等了一个小时 / an hour of waiting")
    page.get_by_role("main").get_by_role("button").last.press("Enter")

    expect(page.get_by_text(thanks)).to_be_visible()
    expect(page.get_by_role("main").locator("a[href^='/help/new?about=red_']")).to_be_visible()
    page.locator("summary").click()
    if script:
        sound(page, language, widths=(PHONE, DESK))
    page.goto("/")
    expect(page.locator(".jf-ask")).to_have_count(0)
