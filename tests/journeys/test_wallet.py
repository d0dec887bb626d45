"""The member's pages as an app on a phone: vouchers without a network, nothing of one member for the next, the picture for the till."""

import pytest
from playwright.sync_api import expect

from tests.given import (
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)
from tests.journeys.conftest import PHONE, code_of_message, sound
from tests.journeys.tills import axe
from tests.sparse import first_of

pytestmark = pytest.mark.browser

ONE, TWO = "13912345678", "13912340002"
KEPT = """async () => { const copy = await (await caches.open("jifen-member-kept")).match("/vouchers/offline"); return copy ? copy.text() : ""; }"""
IN_REACH = "() => [...document.querySelectorAll('button')].filter((one) => !one.closest('[inert]')).map((one) => one.innerText.trim())"
WORDS = {
    "en": {
        "kept": "Vouchers without a network",
        "none": "No network",
        "bright": "Large and bright for the till",
        "back": "Back to the page",
        "sign_out": "Sign out",
        "used": "Used at Binjiang",
        "copy": "Copy",
    },
    "zh-CN": {
        "kept": "离线券",
        "none": "网络不通",
        "bright": "放大并调亮，出示给店员",
        "back": "返回页面",
        "sign_out": "退出登录",
        "used": "已在滨江店使用",
        "copy": "复制",
    },
}


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def voucher(app, db, programme, shop):
    """voucher(phone): somebody with a voucher; the member and the voucher as its member sees it."""
    offer = given_offer(programme, "voucher", value_fen=500, merchant_id=shop.merchant.merchant_id)

    def make(phone):
        member_id = given_member(db, programme, points=5_000, phone=phone)
        me = caller(app, member_token(member_id))
        return member_id, me.get(f"/v1/vouchers/{me.redeem(offer).json['voucher']}").json

    return make


def kept_by(page, code):
    """Wait until the device keeps a voucher. Asked again and again: wait_for_function takes a promise for a yes."""
    for _ in range(100):
        if code in page.evaluate(KEPT):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"not kept: {code}")


def sign_in(page, visit, phone):
    page.locator("#phone").fill(phone)
    page.get_by_role("main").get_by_role("button").click()
    page.wait_for_url("**/sign-in/code*")
    page.locator("#code").fill(code_of_message(visit("/dev/outbox")))
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_url(lambda url: url.endswith("/"))


@pytest.mark.screens("member: voucher")
@pytest.mark.parametrize("language", first_of("zh-CN", "en"))
def test_vouchers_are_at_hand_without_a_network_until_their_member_signs_out(visit, voucher, language):
    words, (_, mine), (_, others) = WORDS[language], voucher(ONE), voucher(TWO)
    page = visit("/sign-in", language=language, width=PHONE)
    sign_in(page, visit, ONE)
    kept_by(page, mine["code"])

    # without a network every page is this one: codes, the moment, no balance, no picture
    page.context.set_offline(True)
    page.goto("/points")
    expect(page.get_by_role("heading", level=1)).to_have_text(words["kept"])
    expect(page.get_by_role("main")).to_contain_text(mine["code"])
    expect(page.get_by_role("main")).not_to_contain_text("4,500")
    expect(page.locator(".jf-qr")).to_have_count(0)
    sound(page, language)
    axe(page)

    # with one it goes on by itself; signing out leaves nothing, neither to nobody nor to the next member
    page.context.set_offline(False)
    expect(page.get_by_role("heading", level=1)).not_to_have_text(words["kept"])
    page.get_by_role("button", name=words["sign_out"]).click()
    page.wait_for_url("**/sign-in")
    page.context.set_offline(True)
    page.goto("/vouchers")
    expect(page.get_by_role("heading", level=1)).to_have_text(words["none"])
    assert mine["code"] not in page.content()
    sound(page, language)
    page.context.set_offline(False)
    page.goto("/sign-in")
    sign_in(page, visit, TWO)
    kept_by(page, others["code"])
    assert mine["code"] not in page.evaluate(KEPT)


def test_signing_out_without_a_network_wipes_the_device_all_the_same(visit, voucher):
    member_id, mine = voucher(ONE)
    page = visit("/vouchers", width=PHONE, cookies={"jifen_member": member_token(member_id)})
    kept_by(page, mine["code"])

    page.context.set_offline(True)
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("main")).to_contain_text("What this device kept of your vouchers is gone.")
    assert page.evaluate(KEPT) == ""
    page.goto("/vouchers")
    expect(page.get_by_role("heading", level=1)).to_have_text("No network")


@pytest.mark.screens("member: voucher")
@pytest.mark.parametrize("language", first_of("en", "zh-CN"))
def test_the_voucher_is_shown_large_and_bright_and_turns_to_used_while_it_is_open(
    visit, app, shop, voucher, language
):
    words, (member_id, mine) = WORDS[language], voucher(ONE)
    page = visit(
        f"/vouchers/{mine['id']}", language=language, width=PHONE, color_scheme="dark",
        cookies={"jifen_member": member_token(member_id)},
    )  # fmt: skip

    page.get_by_role("button", name=words["bright"]).click()
    box = page.locator(".jf-bright")
    assert box.bounding_box() == {"x": 0, "y": 0, "width": PHONE, "height": 800}
    assert box.evaluate("(box) => getComputedStyle(box).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(IN_REACH) == [words["copy"], words["back"]]
    expect(page.locator("figure:visible")).to_be_in_viewport(ratio=1)
    sound(page, language)
    page.keyboard.press("Escape")
    expect(page.locator(".jf-bright")).to_have_count(0)
    page.get_by_role("button", name=words["bright"]).click()

    till = caller(app, clerk_token(shop))
    till.post("/v1/vouchers/accept", {"check_token": till.check(mine["code"]).json["check_token"]})

    expect(page.get_by_role("status").first).to_contain_text(words["used"])
    expect(page.locator("#jf-say")).to_contain_text(words["used"])
    expect(page.locator(".jf-bright")).to_have_count(0)
    sound(page, language)
