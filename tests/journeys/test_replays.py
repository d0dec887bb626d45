"""A checker has a proposal replayed, waits for the worker, reads the report on a phone and approves."""

import re

import pytest
from playwright.sync_api import expect

from base.approvals import approvals
from catalog.rates.rates import Row
from catalog.rates.scopes import GENERAL, Scope
from tests.admin.replay.replaying import SOON, proposed, redeemed
from tests.given import given_area, given_member, given_offer, given_programme, given_tier, staff_token
from tests.journeys.conftest import DESK, PHONE, sound

pytestmark = pytest.mark.browser
WORDS = {
    "en": {
        "ask": "Replay",
        "again": "Load again",
        "back": "The proposal",
        "approve": "Approve",
        "done": "Approved",
    },
    "zh-CN": {"ask": "回放", "again": "重新加载", "back": "该申请", "approve": "批准", "done": "已批准"},
}


@pytest.mark.torture  # test_offers.py has a proposal replayed and approved in every run
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_from_the_button_to_the_approval(visit, work, db, language):
    programme = given_programme()
    member_id = given_tier(given_area(given_member(db, programme, points=9000), "330106"), "gold")
    redeemed(member_id, given_offer(programme, "perk", value_fen=1000), 10)
    redeemed(member_id, given_offer(programme, "bill_credit", value_fen=2000), 20)
    proposal = proposed(Row(GENERAL, SOON, 95, 100), Row(Scope(kind="perk"), SOON, 80, 100))
    words, named = WORDS[language], approvals.reference(proposal.proposal_id)

    page = visit(
        f"/staff/rate-proposals/{named}", language=language, cookies={"jifen_staff": staff_token("checker")}
    )
    sound(page, language, widths=(PHONE, DESK))
    page.get_by_role("button", name=words["ask"], exact=True).click()
    expect(page).to_have_url(re.compile(r"/staff/replays/rpl_"))
    sound(page, language, widths=(PHONE, DESK))
    work()
    page.get_by_role("link", name=words["again"]).click()
    expect(page.locator("main svg[role=img]")).to_be_visible()
    sound(page, language, widths=(PHONE, DESK))
    page.get_by_role("link", name=words["back"]).click()
    sound(page, language, widths=(PHONE, DESK))
    page.get_by_role("button", name=words["approve"], exact=True).click()
    expect(page.locator("main")).to_contain_text(words["done"])
