"""Care in the browser: an agent finds a task and does it in two clicks, then sees whose visit is due; the pages beside it hold."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from admin.care import opening
from admin.care import visits as visits_due
from base import clock, database
from tests.given import given_area, given_member, given_offer, given_programme, given_tier, staff_token
from tests.journeys.conftest import DESK, PHONE, sound

pytestmark = pytest.mark.browser

WORDS = {
    "en": ("Back from roaming", "Done", "Visits", "7 stars", "Member care", "Propose"),
    "zh-CN": ("漫游归来", "已完成", "走访", "七星", "客户关怀", "提出申请"),
}


@pytest.mark.parametrize(
    ("language", "scheme"), [("en", "light"), pytest.param("zh-CN", "dark", marks=pytest.mark.torture)]
)
def test_a_care_agent_does_a_task_and_sees_the_rhythm_of_visits(visit, db, language, scheme):
    occasion, done, visits, stars, care, _propose = WORDS[language]
    programme = given_programme()
    member_id = given_area(given_tier(given_member(db, programme, points=500), "star7"), "330106")
    given_offer(programme, "perk", stock=12)
    with database.begin() as session:
        at = clock.now()
        today = clock.day(at, programme.zone)
        day = opening.day_of(session, programme, today)
        opening.told(session, day, member_id, "back-from-roaming", today - timedelta(days=9), "test", at)
        visits_due.keep(session, day, member_id - 1, member_id, at)
    agent = visit(
        "/staff/care/tasks?view=overdue",
        language=language,
        width=DESK,
        color_scheme=scheme,
        cookies={"jifen_staff": staff_token("support")},
    )

    sound(agent, language, widths=(PHONE, DESK))
    agent.get_by_role("main").get_by_role("link", name=occasion).click()
    sound(agent, language, widths=(PHONE, DESK))
    agent.get_by_role("button", name=done, exact=True).click()
    expect(agent.get_by_role("main").get_by_text(done, exact=True).first).to_be_visible()
    agent.get_by_role("link", name=care, exact=True).first.click()
    agent.get_by_role("main").get_by_role("link", name=visits, exact=True).click()
    expect(agent.get_by_role("main").get_by_text(stars, exact=True).first).to_be_visible()
    sound(agent, language, widths=(PHONE, DESK))

    # who checks and writes: proofs, resources, texts of messages
    desk = visit(
        "/staff/care/proofs",
        language=language,
        width=DESK,
        color_scheme=scheme,
        cookies={"jifen_staff": staff_token("checker")},
    )
    sound(desk, language, widths=(PHONE, DESK))
    desk.goto("/staff/resources")
    sound(desk, language, widths=(PHONE, DESK))
    desk.goto("/staff/notices/tier-up")
    sound(desk, language, widths=(PHONE, DESK))
    desk.goto("/staff/notices")
    sound(desk, language, widths=(PHONE, DESK))
    expect(desk).to_have_url(re.compile("/staff/notices"))
