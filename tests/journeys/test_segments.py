"""Segments in the browser: from the list to one of them, and a rule tried with the keyboard alone, on a phone too."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from admin.analytics import demo_people
from app.commands.segments import refreshed
from base import clock, database
from tests.given import given_member, given_person, given_programme, staff_token
from tests.journeys.conftest import DESK, PHONE, sound, tab_to
from tests.points.segments.peopled import today
from tests.sparse import first_of

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("PICTURES")


@pytest.fixture
def people(db):
    """Sixty members of the demo's kinds and its eight segments, refreshed."""
    programme, _ = given_programme(), given_programme("mzone")
    for _ in range(60):
        given_member(db, programme)
    with database.begin() as session:
        demo_people.tell(session, today(), clock.now())
    with database.begin() as session:
        demo_people.make_segments(session, given_person("editor"), clock.now(), today())
    for _ in range(3):
        list(refreshed(today(), quiet=True))


def picture(page, name):
    if PICTURES:
        page.set_viewport_size({"width": PHONE, "height": 800})
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.mark.parametrize(
    ("language", "risk", "count", "found"),
    first_of(
        ("en", "Risk of three stars and more", "Count", "members now"),
        ("zh-CN", "离网风险三星及以上", "统计人数", "位会员"),
    ),
)
def test_from_the_list_to_one_segment_and_a_rule_tried_by_keyboard(
    visit, people, language, risk, count, found
):
    page = visit("/staff/segments", language=language, cookies={"jifen_staff": staff_token("editor")})
    sound(page, language, widths=(PHONE, DESK))
    picture(page, f"list-{language}")
    page.get_by_role("link", name=risk).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(risk)
    expect(page.get_by_role("img")).to_be_visible()
    sound(page, language, widths=(PHONE, DESK))
    picture(page, f"one-{language}")

    page.goto("/staff/segments/draft")
    sound(page, language, widths=(PHONE, DESK))
    page.locator("#areas").focus()
    page.keyboard.type("3301, 3302")
    page.locator("#risk_at_least").select_option("1")
    tab_to(page, count)
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_contain_text(found)
    sound(page, language, widths=(PHONE, DESK))
    picture(page, f"draft-{language}")
