"""A round through the console in one walk: what an offer became, another one after it, a change of price, a file taken in."""

import re

import pytest
from playwright.sync_api import expect

from tests.admin.intake.files import members_file
from tests.given import given_member, given_offer, given_programme, given_shop, staff_token
from tests.journeys.conftest import DESK, PHONE, sound
from tests.journeys.hands import Hands

pytestmark = pytest.mark.browser

TEA = {"zh-CN": "龙井茶一壶", "en": "A pot of Longjing tea"}


@pytest.mark.screens(
    "operations: dashboard",
    "operations: lists",
    "operations: offer editor",
    "operations: rates, policies, terms",
    "operations: rules",
    "operations: import and long jobs",
)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_an_editor_goes_around_the_console(visit, work, db, language):
    programme, shop = given_programme(), given_shop()
    given_offer(
        programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=3_000, names=TEA, stock=3
    )
    given_member(db, programme, points=500)
    editor = Hands(
        visit("/staff", language=language, width=DESK, cookies={"jifen_staff": staff_token("editor")}),
        language,
    )
    page, say, main = editor.page, editor.says, editor.page.get_by_role("main")

    # a figure of the dashboard leads to its rows; one of them is duplicated and seen as members will see it
    expect(main).to_contain_text(say("Points in circulation"))
    editor.tap(say("Offers"), role="link")
    editor.fill(say("Search the offers"), TEA[language])
    editor.press("Enter")
    editor.tap(TEA[language], role="link")
    editor.tap(say("Duplicate"), role="link")
    editor.tap(say("Begin"))
    expect(page).to_have_url(re.compile("/content$"))
    for spoken, name in TEA.items():
        expect(page.locator(f"section[lang={spoken}]")).to_contain_text(name)
    sound(page, language, widths=(PHONE, DESK))

    # a price is changed: the old and the new side by side before it is proposed
    editor.tap(say("Rates and rules"), role="link")
    editor.tap(say("Propose a change"), role="link")
    page.get_by_label(re.compile(rf"^{re.escape(say('Points'))} \(1\)")).fill("125")
    editor.tap(say("Show what changes"))
    expect(main.get_by_role("table")).to_contain_text("+25%")

    # a rule is tried on the members of now
    editor.tap(say("Segments"), role="link")
    editor.tap(say("Try a rule"), role="link")
    editor.fill(say("Months here from"), "1")
    editor.tap(say("Count"))
    expect(main).to_contain_text({"en": "1 member now", "zh-CN": "位会员"}[language])

    # a file is tried, waited for beside its bar, and listed
    editor.tap(say("Imports"), role="link")
    page.get_by_label(say("CSV file (UTF-8)")).set_input_files(
        {"name": "members.csv", "mimeType": "text/csv", "buffer": members_file(2)}
    )
    editor.tap(say("Send it"))
    editor.tap(say("Have a dry run"))
    expect(page.get_by_role("progressbar")).to_be_visible()
    editor.tap(say("Jobs"), role="link")
    main.get_by_role("table").get_by_role("link").click()
    work()
    editor.read(say("This is what the file would bring. Nothing is taken in yet."))
    sound(page, language, widths=(PHONE, DESK))
