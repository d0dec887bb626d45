"""The member's statements of points, to read and to print, in both languages."""

import re
from datetime import UTC, date, datetime

import pytest

from base import clock
from points.kinds import Kind
from tests.given import given_member, given_points, member_token
from tests.points.notices.test_debits import post

JAN = datetime(2026, 1, 10, 4, 0, tzinfo=UTC)


@pytest.fixture
def mine(app, db, programme, browser):
    """A signed-in member who joined in January 2026 and redeemed in February; it is March."""
    with clock.stopped(JAN):
        member_id = given_member(db, programme, joined_on=date(2026, 1, 10))
        given_points(member_id, 1_500, last_day=date(2027, 12, 31))
    with clock.stopped(JAN.replace(month=2)):
        post(member_id, Kind.REDEEM, 300)
    with clock.stopped(JAN.replace(month=3)):

        def opened(language="en"):
            made = browser(language)
            made.client.set_cookie("jifen_member", member_token(member_id))
            return made

        yield opened


def numbers(page):
    rows = page.split('<ul class="jf-rows">')[1].split("</ul>")[0]
    return re.findall(r"[+−]?\d[\d,]*", re.sub(r"<[^>]+>", " ", rows))


def test_the_list_leads_to_every_month_since_joining(mine):
    reader = mine()
    reader.get("/points")
    assert 'href="/statements"' in reader.page

    reader.get("/statements")

    assert re.findall(r'href="/statements/([\d-]+)"', reader.page) == ["2026-03", "2026-02", "2026-01"]
    assert "March 2026" in reader.page
    assert reader.page.count("up to now") == 1


def test_a_month_shows_opening_movements_and_closing_and_can_be_printed(mine):
    reader = mine()

    reader.get("/statements/2026-02")

    assert "Statement of points, February 2026" in reader.page
    assert numbers(reader.page) == ["1,500", "−300", "1,200"]
    assert "data-print" in reader.page
    assert "has not ended" not in reader.page


def test_the_same_in_chinese_and_the_present_month_says_so(mine):
    reader = mine("zh-CN")

    reader.get("/statements/2026-03")

    assert "2026年3月积分对账单" in reader.page
    assert "期初" in reader.page
    assert "期末" in reader.page
    assert "本月尚未结束" in reader.page
    assert "没有积分变动" in reader.page


@pytest.mark.parametrize(
    ("month", "status"), [("2025-12", 404), ("2026-04", 404), ("2026-13", 422), ("x", 422)]
)
def test_a_month_that_is_none_is_refused_by_a_page(mine, month, status):
    assert mine().get(f"/statements/{month}").status_code == status
