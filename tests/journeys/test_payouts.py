"""A finance maker and a finance checker pay a month, without a manual: from the sealed statements to the money and the books."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from base import clock
from tests.given import ZONE, staff_token
from tests.journeys.conftest import DESK, PHONE, sound
from tests.journeys.hands import Hands
from tests.merchants.payouts.paying import (
    Treasury,
    beside_stripe,
    given_account,
    given_merchant,
    given_statement,
)

pytestmark = pytest.mark.browser

OWED = (("teahouse", 1_234_567), ("bakery", 50_050))
SUM, FIRST = "12,846.17", "12,345.67"


@pytest.fixture
def month(db) -> Iterator[Treasury]:
    """Two merchants with accounts at a twin of Stripe, each with a sealed statement."""
    with beside_stripe(db) as treasury:
        for code, fen in OWED:
            merchant = given_merchant(code)
            given_account(treasury.config, treasury.twin, merchant)
            given_statement(merchant, fen)
        yield treasury


@pytest.mark.screens("operations: dashboard", "operations: merchants", "operations: audit and access")
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_maker_and_a_checker_pay_a_month(app, visit, month, language):
    first, second = (
        Hands(
            visit("/staff", language=language, width=DESK, cookies={"jifen_staff": staff_token(role)}),
            language,
        )
        for role in ("finance-maker", "finance-checker")
    )
    say = first.says
    mine, theirs = (hands.page.get_by_role("main") for hands in (first, second))

    # the maker reads what the month came to: the statement is sealed, and the seal fits
    first.tap(say("Merchants"), role="link")
    first.tap("teahouse", role="link")
    first.read(say("Outlets"))
    first.tap(say("Statements"), role="link")
    mine.get_by_role("row").filter(has_text=FIRST).get_by_role("link").first.click()
    first.read(say("The seal fits"))
    sound(first.page, language, widths=(PHONE, DESK))

    # and proposes to pay all that is due; the own proposal is another person's to decide
    first.tap(say("Payouts"), role="link")
    expect(mine).to_contain_text("bakery")
    first.page.get_by_label(say("Way")).select_option(label="Stripe")
    first.page.get_by_label(say("Due by")).fill(str(clock.day(clock.now() + timedelta(days=40), ZONE)))
    first.page.get_by_label(say("Reason")).fill("2026-11")
    first.tap(say("Propose"))
    expect(first.page).to_have_url(re.compile("/staff/payout-runs/apr_"))
    expect(mine).to_contain_text(SUM)
    first.read(say("This is your own proposal: another person decides on it."))
    expect(mine.get_by_role("button", name=say("Approve"), exact=True)).to_have_count(0)
    sound(first.page, language, widths=(PHONE, DESK))
    proposal = first.page.url

    # the checker finds it among what waits, sees it whole, and approves it
    second.page.reload()
    second.tap(say("Proposals that wait for a second person"), role="link")
    theirs.get_by_role("table").get_by_role("link").click()
    expect(theirs).to_contain_text(SUM)
    second.tap(say("Approve"))
    expect(theirs).to_contain_text(say("Approved"))

    # the money goes: sent, then paid into the bank, as the maker follows it
    month.walk()
    first.tap(say("Payouts"), role="link")
    mine.get_by_role("link", name=say("Sent"), exact=True).click()
    first.tap("teahouse", role="link")
    expect(first.page.get_by_role("heading", level=1)).to_be_visible()
    month.later(days=3).twin.advance(0)
    month.tells()
    month.walk()
    first.page.reload()
    first.read(say("Paid"))
    sound(first.page, language, widths=(PHONE, DESK))
    assert sorted(month.transfers.values()) == [1, 1]

    # the books show it, and the log who did what
    second.page.goto(f"/staff/books?month={clock.day(month.now, ZONE):%Y-%m}")
    expect(theirs).to_contain_text(SUM)
    sound(second.page, language, widths=(PHONE, DESK))
    auditor = Hands(
        visit("/staff/audit", language=language, cookies={"jifen_staff": staff_token("auditor")}), language
    )
    auditor.read(proposal.rpartition("/")[2])
    sound(auditor.page, language)
