"""A merchant's people in the browser: an owner lets in a till and a clerk, each page readable by everybody at any width."""

import re

import pytest
from playwright.sync_api import expect

from base import ids
from tests.given import given_colleague, given_shop, merchant_token, staff_token
from tests.journeys.conftest import DESK, PHONE, menu, sound

pytestmark = pytest.mark.browser
WIDTHS = (PHONE, DESK)


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def owner(shop):
    return {"jifen_merchant": merchant_token(given_colleague(shop, "owner", "00"))}


def test_an_owner_pairs_a_till_and_a_clerk_takes_up_the_invitation(visit, shop, owner):
    page = visit("/merchant/terminals", width=PHONE, cookies=owner)
    page.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Make a pairing code").click()
    expect(page.locator("#pairing")).to_contain_text(re.compile(r"\d{3} \d{3}"))
    expect(page.locator("#pairing time")).to_have_text(re.compile(r"^\d+:\d\d$"))
    sound(page, widths=WIDTHS)
    page.goto("/merchant/people")
    page.get_by_label("Number of the person").fill("07")
    page.get_by_role("button", name="Make an invitation").click()
    link = page.locator("#link").inner_text()
    sound(page, widths=WIDTHS)

    clerk = visit(link[link.index("/merchant") :], width=PHONE)
    expect(clerk).to_have_url(re.compile(r"/merchant/invitation$"))
    clerk.get_by_role("button", name="Continue").click()
    sound(clerk, widths=WIDTHS)
    for label in ("PIN", "The same once more"):
        clerk.get_by_label(label).fill("802751")
    clerk.get_by_role("button", name="Save").click()

    expect(clerk.get_by_role("main")).to_contain_text("Your number is 07.")
    page.goto("/merchant/people")
    expect(page.get_by_role("main")).to_contain_text("07")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_page_of_the_merchant_is_readable(visit, shop, owner, language):
    page = visit("/merchant", language=language, cookies=owner)
    till = ids.public("trm", shop.terminal.terminal_id)

    places = {*menu(page), "/merchant/joining", "/merchant/outlets/new", f"/merchant/terminals/{till}"}
    for place in sorted(places):
        page.goto(place)
        sound(page, language, widths=WIDTHS)


def test_a_merchant_in_the_console_is_readable(visit, shop):
    page = visit("/staff/merchants", cookies={"jifen_staff": staff_token("editor")})
    for place in ("", "/new", "/tea", "/tea/terms/new"):
        page.goto(f"/staff/merchants{place}")
        sound(page, widths=WIDTHS)
