"""Goods on the narrowest phone by keyboard: the address, what is wrong with it, and where the parcel is."""

import pytest
from playwright.sync_api import expect

from base import ids
from tests.catalog import stand_ins
from tests.catalog.stand_ins import offer_of, wired
from tests.given import ADDRESS, given_bundle, given_member, given_programme, member_token
from tests.journeys.conftest import PHONE, sound
from tests.sparse import first_of

pytestmark = pytest.mark.browser


def tab_to(page, selector):
    """Press Tab until the focus is on this element."""
    wanted = page.locator(selector)
    for _ in range(40):
        page.keyboard.press("Tab")
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {selector}")


@pytest.fixture
def stand_in():
    with stand_ins.serving() as there:
        yield there


@pytest.mark.parametrize("language", first_of("zh-CN", "en"))
def test_goods_are_ordered_by_keyboard_alone_with_an_address_that_is_put_right(
    visit, db, work, stand_in, language
):
    wired(db, stand_in)
    stand_in.fails("fulfilment", {"mode": "part"})
    programme = given_programme()
    member_id = given_member(db, programme, points=5000)
    offer = offer_of(programme, "goods")
    page = visit(
        f"/offers/{ids.public('off', offer.offer_id)}",
        language=language,
        width=PHONE,
        cookies={"jifen_member": member_token(member_id)},
    )
    sound(page, language)
    tab_to(page, "form[action='/quotes'] button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/quotes/*")
    sound(page, language)
    for name, value in (ADDRESS | {"postcode": "000 00"}).items():
        tab_to(page, f"#{name}")
        page.keyboard.insert_text(value)
    tab_to(page, "form[action='/redemptions'] button")
    page.keyboard.press("Enter")
    expect(page.locator("#postcode.is-invalid")).to_be_visible()
    sound(page, language)
    expect(page.locator("#street")).to_have_value(ADDRESS["street"])
    tab_to(page, "#postcode")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(ADDRESS["postcode"])
    page.keyboard.press("Enter")

    page.wait_for_url("**/redemptions/*")
    sound(page, language)
    work()
    page.reload()
    expect(page.get_by_text("SF0000010", exact=False)).to_be_visible()
    sound(page, language)


def test_a_bundle_with_a_service_fits_the_narrowest_phone(visit, db, work, stand_in):
    wired(db, stand_in)
    programme = given_programme()
    member_id = given_member(db, programme, points=5000)
    parts = offer_of(programme, "voucher"), offer_of(programme, "service")
    bundle = given_bundle(programme, *parts, value_fen=700)
    page = visit(
        f"/offers/{ids.public('off', bundle.offer_id)}",
        width=PHONE,
        cookies={"jifen_member": member_token(member_id)},
    )
    sound(page)
    page.locator("form[action='/quotes'] button").click()
    expect(page.get_by_text("Monthly price")).to_be_visible()
    sound(page)
    page.locator("form[action='/redemptions'] button").click()
    page.wait_for_url("**/redemptions/*")
    sound(page)
    work()
    page.reload()
    expect(page.get_by_text("In this bundle")).to_be_visible()
    sound(page)
