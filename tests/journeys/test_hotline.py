"""A caller asks "why this balance?" from the hotline's side: in two steps into the console, found, answered, and what was looked at is on record."""

import re
from datetime import date

import pytest
from playwright.sync_api import expect

from base import clock, database, vault
from points import bills, policies
from points.bills import BillLineIn
from points.members import members
from points.notices import telling
from tests.given import (
    caller,
    given_area,
    given_member,
    given_offer,
    given_person,
    given_programme,
    member_token,
    staff_token,
)
from tests.journeys.conftest import DESK, PHONE, sound
from tests.journeys.hands import Hands
from tests.second_factor import given_second_factor

pytestmark = pytest.mark.browser

AGENT, NUMBER = "agent@example.test", "13912345678"
MOST_CLICKS = 2  # from the search to the answer


@pytest.fixture
def customer(app, db):
    """The number of a customer whose bill earned points, some of which were spent, and who was written to."""
    programme = given_programme()
    member_id = given_area(given_member(db, programme, phone=NUMBER), "330106")
    with database.begin() as session:
        vault.put(session, db.seal_key, member_id, {vault.NAME: "欧阳小明"}, clock.now(), "hall")
        customer_id = members.by_id(session, member_id).customer_id
        lines = [BillLineIn(customer_id, "2026-09", n, date(2026, 9, 5), "plan", 6_000) for n in (1, 2)]
        bills.post_lines(session, programme, policies.load(session, programme.programme_id), lines)
    perk = given_offer(programme, "perk", value_fen=70)
    assert caller(app, member_token(member_id)).redeem(perk).status_code == 201
    with database.begin() as session:
        telling.tell(
            session, db, member_id, "points-adjusted", {"points": "5", "balance": "45"}, subject="test"
        )
    given_person("care-agent", email=AGENT, area="3301")
    return customer_id


@pytest.mark.screens("operations: lists", "operations: member", "operations: audit and access")
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_hotline_agent_answers_why_this_balance(visit, db, customer, language):
    page = visit("/staff", language=language, width=DESK)
    agent = Hands(page, language)
    say, main = agent.says, page.get_by_role("main")

    # in, in the two steps that the console asks for
    agent.fill(say("Mail address"), AGENT)
    agent.fill(say("Password"), "a long password")
    code = given_second_factor(db, AGENT)
    agent.press("Enter")
    expect(page).to_have_url(re.compile("/staff/second-factor$"))
    agent.fill(say("Code"), code)
    agent.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(say("Overview"))

    # the caller names a number: "/" and the number lead to the member, masked
    agent.press("/")
    agent.type(customer)
    agent.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(customer)
    expect(main).to_contain_text("139****5678")
    sound(page, language, widths=(PHONE, DESK))
    before = agent.taps

    # one click: a sentence for each movement, the lots, the bill lines behind them
    agent.tap(say("Why this balance?"), role="link")
    expect(page.get_by_role("heading", level=1)).to_have_text(say("Why this balance?"))
    agent.read(
        {"en": "bill 2026-09 line 2 of 2026-09-05", "zh-CN": "2026-09-05 账单 2026-09 第 2 行"}[language]
    )
    agent.read({"en": "= 60 points", "zh-CN": "= 60 积分"}[language])
    agent.read({"en": "2029", "zh-CN": "2029年"}[language])
    sound(page, language, widths=(PHONE, DESK))

    # one more: what a spending took, and where that had come from
    main.get_by_role("row").filter(has_text=say("Redeemed")).get_by_role("link").click()
    agent.taps += 1
    expect(page.get_by_role("heading", level=1)).to_contain_text("3")
    agent.read(
        {"en": "bill 2026-09 line 1 of 2026-09-05", "zh-CN": "2026-09-05 账单 2026-09 第 1 行"}[language]
    )
    assert agent.taps - before <= MOST_CLICKS

    # what was written to the member is read for a reason alone
    page.go_back()
    page.go_back()
    expect(main).to_contain_text(say("Points adjusted"))
    expect(main).not_to_contain_text(
        re.compile(r"(?<!\d)45(?!\d)")
    )  # nor is it part of the customer's number
    agent.tap(say("Read the texts (with a reason)"), role="link")
    page.get_by_label(say("Phone"), exact=True).check()
    page.get_by_label(say("Reason")).select_option(label=say("Complaint"))
    agent.fill(say("Case"), "T-17")
    agent.tap(say("Show"))
    agent.read(NUMBER)
    agent.read({"en": "45 are left", "zh-CN": "剩余 45 积分"}[language])
    sound(page, language)

    # and the look is on record
    auditor = visit("/staff/view-log", language=language, cookies={"jifen_staff": staff_token("auditor")})
    expect(auditor.get_by_role("main").get_by_text("T-17")).to_be_visible()
    sound(auditor, language)
