"""An adjustment in the browser, on a narrow phone: one person proposes it, another sees the content and approves it."""

import re

import pytest
from playwright.sync_api import expect

from base import database, ids
from points import ledger
from tests.given import given_member, given_programme, staff_token
from tests.journeys.conftest import DESK, PHONE, sound
from tests.sparse import first_of

pytestmark = pytest.mark.browser

WORDS = {
    "en": ("Propose an adjustment", "Propose", "Approve", "Approved", "Withdraw"),
    "zh-CN": ("提出积分调整", "提出", "批准", "已批准", "撤回"),
}


@pytest.mark.parametrize(("language", "scheme"), first_of(("en", "light"), ("zh-CN", "dark")))
def test_an_adjustment_needs_two_persons_and_fits_a_phone(visit, db, language, scheme):
    to_form, to_propose, to_approve, approved, to_withdraw = WORDS[language]
    member_id = given_member(db, given_programme(), points=100)
    path = f"/staff/members/{ids.public('mbr', member_id)}"
    mine, theirs = (
        visit(
            path,
            language=language,
            width=PHONE,
            color_scheme=scheme,
            cookies={"jifen_staff": staff_token(role)},
        )
        for role in ("support", "checker")
    )

    # one person proposes; a wrong number is named, and nothing that was typed is lost
    mine.get_by_role("link", name=to_form).click()
    mine.locator("#direction").select_option("up")
    mine.locator("#text").fill("a long outage")
    mine.locator("#ticket").fill("T-17")
    mine.locator("#points").fill("100001")
    mine.get_by_role("button", name=to_propose, exact=True).click()
    expect(mine.locator("#ticket")).to_have_value("T-17")
    sound(mine, language, widths=(PHONE, DESK))
    mine.locator("#points").fill("30")
    mine.get_by_role("button", name=to_propose, exact=True).click()
    expect(mine).to_have_url(re.compile(r"/staff/adjustments/apr_"))
    expect(mine.get_by_role("button", name=to_withdraw)).to_be_visible()
    expect(mine.get_by_role("button", name=to_approve)).to_have_count(0)
    sound(mine, language, widths=(PHONE, DESK))

    # another one finds it in the list, sees it whole, and approves it
    theirs.goto("/staff/approvals")
    sound(theirs, language, widths=(PHONE, DESK))
    theirs.get_by_role("main").get_by_role("table").get_by_role("link").click()
    expect(theirs.get_by_role("main")).to_contain_text("a long outage")
    sound(theirs, language, widths=(PHONE, DESK))
    theirs.get_by_role("button", name=to_approve).click()
    expect(theirs.get_by_role("main")).to_contain_text(approved)
    sound(theirs, language, widths=(PHONE, DESK))

    with database.begin() as session:
        assert ledger.read(session, member_id).balance == 130
