"""A voucher's picture changes by itself, goes on without a network for as long as it can, says so when it cannot; and "not me"."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from base import ids
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
from tests.journeys.conftest import DESK, OPENED, PHONE, sound
from tests.sparse import first_of

pytestmark = pytest.mark.browser

LUNCH = [{"weekdays": [1, 2, 3, 4, 5, 6, 7], "from": "00:00", "until": "24:00"}]


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member(db, programme):
    return given_member(db, programme, points=5_000)


@pytest.fixture
def me(app, member):
    return caller(app, member_token(member))


@pytest.fixture
def voucher(me, programme, shop):
    """The public id of a voucher of three units that is bound to an outlet, hours and uses a day."""
    form = {
        "type": "value", "outlets": [ids.public("out", shop.outlet.outlet_id)], "hours": LUNCH, "uses_a_day": 2,
    }  # fmt: skip
    offer = given_offer(programme, "voucher", value_fen=500, merchant_id=shop.merchant.merchant_id, form=form)
    return me.redeem(offer, 3).json["voucher"]


def used(app, me, shop, voucher, units=1):
    counter = caller(app, clerk_token(shop))
    code = me.get(f"/v1/vouchers/{voucher}").json["code"]
    token = counter.check(code).json["check_token"]
    return counter.post("/v1/vouchers/accept", {"check_token": token, "units": units}).json


def cookie(member_id):
    return {"jifen_member": member_token(member_id)}


def digits(page) -> str:
    return re.sub(r"\D", "", page.locator("figure:visible .jf-digits").inner_text())


def photo(page, name) -> None:
    """For whoever wants to look: set JIFEN_PHOTOS to a folder."""
    if folder := os.environ.get("JIFEN_PHOTOS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize(("language", "width"), first_of(("zh-CN", PHONE), ("en", PHONE), ("en", DESK)))
def test_the_picture_changes_by_itself_and_goes_on_without_a_network_for_five_minutes(
    visit, request, me, member, voucher, language, width
):
    # Without a network each question fails at once, or, as half a minute is skipped meanwhile, by its own deadline.
    request.node.stash[OPENED].meant += ["Failed to fetch", "htmx:error: timeout {elt: div#pictures"]
    page = visit("/sign-in", language=language, width=width, cookies=cookie(member))
    page.clock.install()
    told = [one["digits"] for one in me.get(f"/v1/vouchers/{voucher}").json["pictures"]]
    page.goto(f"/vouchers/{voucher}")
    expect(page.locator("figure:visible")).to_have_count(1)
    sound(page, language)
    photo(page, f"voucher-{language}-{width}")
    assert digits(page) in told

    page.context.set_offline(True)
    seen = [digits(page)]
    for _ in range(8):
        page.clock.fast_forward(29_700)  # with what follows half a minute to the instant
        page.clock.run_for(300)
        seen.append(digits(page))
    assert len(set(seen)) == 9
    assert set(told[1:9]) <= set(seen)

    page.clock.fast_forward(61_000)
    page.clock.run_for(300)
    expect(page.locator("figure:visible")).to_have_count(0)
    expect(page.locator("[data-over]")).to_be_visible()
    expect(page.locator("#code")).to_be_visible()
    photo(page, f"voucher-over-{language}-{width}")
    sound(page, language)

    page.context.set_offline(False)
    page.clock.run_for(6_000)
    expect(page.locator("figure:visible")).to_have_count(1)
    expect(page.locator("[data-over]")).to_be_hidden()


def test_without_script_there_is_the_picture_of_now_and_the_page_loads_itself_again(
    visit, me, member, voucher
):
    page = visit(f"/vouchers/{voucher}", cookies=cookie(member), java_script_enabled=False)

    expect(page.locator("figure:visible")).to_have_count(1)
    assert digits(page) in [one["digits"] for one in me.get(f"/v1/vouchers/{voucher}").json["pictures"]]
    assert page.locator('meta[http-equiv="refresh"]').count() == 1


def test_an_open_page_turns_to_used_by_itself(visit, app, me, member, voucher, shop):
    page = visit(f"/vouchers/{voucher}", width=PHONE, cookies=cookie(member))
    expect(page.locator("figure:visible")).to_have_count(1)

    used(app, me, shop, voucher, 3)

    expect(page.locator(".jf-verdict-ok")).to_contain_text("Binjiang")
    photo(page, "voucher-used")


@pytest.mark.parametrize(("language", "button"), first_of(("en", "This was not me"), ("zh-CN", "不是我本人")))
def test_not_me_leads_from_the_message_to_a_frozen_voucher_and_to_a_decision(
    visit, work, app, me, member, voucher, shop, language, button
):
    used(app, me, shop, voucher)
    work()
    page = visit("/messages", language=language, width=PHONE, cookies=cookie(member))
    page.get_by_role("link", name=button).click()
    sound(page, language)
    photo(page, f"use-{language}")
    page.get_by_role("button", name=button).click()
    expect(page.locator(".alert-warning")).to_be_visible()
    sound(page, language)
    photo(page, f"disputed-{language}")
    page.goto(f"/vouchers/{voucher}")
    expect(page.locator(".alert-warning")).to_be_visible()
    sound(page, language)
    photo(page, f"frozen-{language}")

    desk = visit("/staff/disputes", language=language, cookies={"jifen_staff": staff_token("support")})
    sound(desk, language, widths=(PHONE, DESK))
    photo(desk, f"disputes-{language}")
    desk.get_by_role("main").get_by_role("rowheader").get_by_role("link").click()
    photo(desk, f"dispute-{language}")
    desk.locator("form[action$='/take'] button").click()
    sound(desk, language, widths=(PHONE, DESK))
    photo(desk, f"dispute-taken-{language}")
    desk.locator("select[name=verdict]").select_option("member")
    desk.locator("input[name=reason]").fill("the till was elsewhere")
    desk.locator("form[action$='/decide'] button").click()
    expect(desk.locator("form[action$='/close']")).to_be_visible()
    sound(desk, language, widths=(PHONE, DESK))
    photo(desk, f"dispute-decided-{language}")
    desk.locator("input[name=closing]").fill("line of the next statement")
    desk.locator("form[action$='/close'] button").click()
    expect(desk.locator("form[action$='/close']")).to_have_count(0)

    page.goto(page.url)
    sound(page, language)
    photo(page, f"voucher-void-{language}")
