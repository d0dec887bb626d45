"""A merchant's people in the browser: an owner lets in a till and a clerk, each page readable by everybody at any width."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from base import clock
from base.web import i18n
from tests.given import (
    caller,
    clerk_token,
    closed,
    given_colleague,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    merchant_token,
)
from tests.journeys.conftest import DESK, PHONE, sound

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


@pytest.mark.screens("merchant: statements")
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_from_the_statement_to_the_acceptance_and_its_terms(visit, app, db, shop, owner, language):
    say = i18n.translations(language).gettext
    yesterday = clock.now() - timedelta(days=1)
    with clock.stopped(yesterday):
        programme = given_programme()
        offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id)
        me, till = (
            caller(app, token)
            for token in (member_token(given_member(db, programme, points=2_000)), clerk_token(shop))
        )
        code = me.get(f"/v1/vouchers/{me.redeem(offer).json['voucher']}").json["code"]
        till.post("/v1/vouchers/accept", {"check_token": till.check(code).json["check_token"]})
    closed(shop, clock.day(yesterday, shop.merchant.zone))

    page = visit("/merchant/statements", language=language, width=PHONE, cookies=owner)
    sound(page, language, widths=WIDTHS)
    page.locator("a[href^='/merchant/statements/stm_']").first.click()
    expect(page.get_by_role("main")).to_contain_text(say("Owed"))
    sound(page, language, widths=WIDTHS)
    page.locator("a[href^='/merchant/acceptances/']").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    sound(page, language, widths=WIDTHS)
