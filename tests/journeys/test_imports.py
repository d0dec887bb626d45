"""A file on its way into the books: sent, mapped, tried, watched while the worker is at it, cancelled, taken in."""

import re

import pytest
from playwright.sync_api import expect

from admin.intake import tasks
from base import clock, database
from tests.admin.intake.files import members_file
from tests.given import given_programme, staff_token
from tests.journeys.conftest import DESK, PHONE, sound

pytestmark = pytest.mark.browser
WORDS = {
    "en": {
        "send": "Send it",
        "try": "Have a dry run",
        "left": "about",
        "cancel": "Cancel",
        "again": "Another dry run",
        "take": "Take it in",
        "nothing": "nothing was taken in",
        "tried": "This is what the file would bring",
        "done": "Done",
    },
    "zh-CN": {
        "send": "上传",
        "try": "开始试运行",
        "left": "约剩",
        "cancel": "取消",
        "again": "重新试运行",
        "take": "正式导入",
        "nothing": "没有导入任何数据",
        "tried": "以下是该文件将带来的变动",
        "done": "已完成",
    },
}


def moves(job_id, done, seconds):
    """The worker at the file: so many rows are done after so many seconds."""
    with database.begin() as session:
        session.connection().exec_driver_sql(
            "update intake_job set state = 'running', phase = 'trying', began_at = now(), from_at = now() - make_interval("
            "secs => %s), from_done = 0, stands_at = now(), done = %s where job_id = %s",
            (seconds, done, job_id),
        )


def open_job():
    with database.begin() as session:
        return tasks.running(session)[0][0].job_id


@pytest.mark.parametrize("language", ["en", pytest.param("zh-CN", marks=pytest.mark.torture)])
def test_from_the_file_over_a_bar_that_moves_to_the_members(visit, work, db, language):
    given_programme()
    words = WORDS[language]
    page = visit("/staff/imports", language=language, cookies={"jifen_staff": staff_token("editor")})
    sound(page, language, widths=(PHONE, DESK))
    body = members_file(3) + "C9,不详,,\n".encode()
    page.locator("input[type=file]").set_input_files(
        {"name": "会员.csv", "mimeType": "text/csv", "buffer": body}
    )
    page.get_by_role("button", name=words["send"], exact=True).click()
    expect(page).to_have_url(re.compile(r"/staff/imports/imp_"))
    expect(page.locator("#column-0")).to_have_value("customer_id")
    expect(page.locator("#column-3")).to_have_value("")
    sound(page, language, widths=(PHONE,))
    page.get_by_role("button", name=words["try"], exact=True).click()

    moves(open_job(), 1, 1)
    expect(page.locator("progress")).to_have_attribute("value", "1")
    sound(page, language, widths=(PHONE,))
    moves(open_job(), 2, 1)
    expect(page.locator("progress")).to_have_attribute("value", "2")
    expect(page.locator("#job")).to_contain_text(words["left"])
    page.reload()
    expect(page.locator("progress")).to_have_attribute("value", "2")
    page.get_by_role("button", name=words["cancel"], exact=True).click()
    with database.begin() as session:
        tasks.end(session, db, open_job(), "cancelled", clock.now())
    expect(page.locator("#job")).to_contain_text(words["nothing"])
    expect(page.locator("#job[hx-get]")).to_have_count(0)
    page.get_by_role("button", name=words["again"], exact=True).click()
    expect(page.locator("progress")).to_be_visible()
    work()
    expect(page.locator("#job")).to_contain_text(words["tried"])
    sound(page, language, widths=(PHONE, DESK))
    page.get_by_role("button", name=words["take"], exact=True).click()
    work()
    expect(page.locator("#job")).to_contain_text(words["done"])
    page.goto("/staff/jobs")
    sound(page, language, widths=(DESK,))
