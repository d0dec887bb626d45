"""A complaint in the browser: a member on a phone asks from a line, a person takes it, answers and calls, the member reads it."""

import re

import pytest
from playwright.sync_api import expect

from base import ids
from tests.given import given_member, given_programme, member_token, staff_token
from tests.journeys.conftest import DESK, PHONE, sound
from tests.sparse import first_of

pytestmark = pytest.mark.browser

WORDS = {
    "en": ("Something is wrong", "What happened?", "Send", "I take it", "Begin to work on it", "Answer", "Reached", "Our answer"),
    "zh-CN": ("有问题？", "请描述问题", "提交", "我来受理", "开始处理", "答复", "已接通", "我们的答复"),
}  # fmt: skip


VIEW = {
    "en": ("Save this list as a view", "Name of the view", "Save view"),
    "zh-CN": ("将当前筛选存为视图", "视图名称", "保存视图"),
}


@pytest.mark.parametrize(("language", "scheme"), first_of(("zh-CN", "dark"), ("en", "light")))
def test_a_member_asks_from_a_line_and_reads_the_answer(visit, db, language, scheme):
    wrong, happened, send, take, begin, answer, reached, our_answer = WORDS[language]
    member_id = given_member(db, given_programme(), points=500)
    mine = visit(
        "/points",
        language=language,
        width=PHONE,
        color_scheme=scheme,
        cookies={"jifen_member": member_token(member_id)},
    )

    # the member asks
    mine.get_by_role("link", name=wrong).click()
    sound(mine, language, widths=(PHONE, DESK))
    mine.get_by_label(happened).fill("少了 300 分\n300 points are missing")
    mine.get_by_role("button", name=send).click()
    expect(mine).to_have_url(re.compile(r"/help/tkt_"))
    sound(mine, language, widths=(PHONE, DESK))
    mine.goto("/help")
    sound(mine, language, widths=(PHONE, DESK))

    # a person of the staff finds it, takes it, answers and calls back
    desk = visit(
        "/staff/tickets",
        language=language,
        width=DESK,
        color_scheme=scheme,
        cookies={"jifen_staff": staff_token("support")},
    )
    summary, name, keep = VIEW[language]
    desk.get_by_text(summary, exact=True).click()
    desk.get_by_label(name).fill("本周 This week")
    desk.get_by_role("button", name=keep).click()
    expect(desk.get_by_role("link", name="本周 This week")).to_have_attribute("aria-current", "page")
    sound(desk, language, widths=(PHONE, DESK))
    desk.get_by_role("main").get_by_role("table").get_by_role("link").click()
    desk.get_by_role("button", name=take).click()
    desk.get_by_role("button", name=begin).click()
    desk.get_by_label(answer, exact=True).fill("已补回 300 分")
    sound(desk, language, widths=(PHONE, DESK))
    desk.get_by_role("button", name=answer, exact=True).click()
    sound(desk, language, widths=(PHONE, DESK))
    desk.get_by_role("button", name=reached, exact=True).click()
    desk.goto(f"/staff/members/{ids.public('mbr', member_id)}/contacts")
    sound(desk, language, widths=(PHONE, DESK))

    # the member reads the answer, and may take it up again
    mine.get_by_role("main").get_by_role("list").get_by_role("link").click()
    expect(mine.get_by_role("main")).to_contain_text("已补回 300 分")
    expect(mine.get_by_role("main")).to_contain_text(our_answer)
    sound(mine, language, widths=(PHONE, DESK))
