"""A merchant's developer: a key from the page that shows it once, the sandbox, a receiver of events; on a phone too, in both languages."""

import pytest
from playwright.sync_api import expect

from base.web import i18n
from tests.base.webhooks.receivers import receiving
from tests.given import given_shop
from tests.journeys.conftest import DESK, PHONE, sound
from tests.persons import person_token

pytestmark = pytest.mark.browser
HERE = "/merchant/developers"


@pytest.fixture
def cookies(db):
    return {"jifen_merchant": person_token(given_shop())}


@pytest.mark.screens("merchant: developers")
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_developer_gets_a_key_once_rolls_it_and_finds_the_sandboxs_codes(visit, cookies, language):
    say = i18n.translations(language).gettext
    page = visit(HERE, language=language, cookies=cookies)
    sound(page, language, widths=(PHONE, DESK))
    page.get_by_label(say("Name")).fill("desk-1")
    page.get_by_role("button", name=say("Add the cash desk")).click()

    expect(page.get_by_label(say("Private key"))).to_contain_text("BEGIN PRIVATE KEY")
    page.get_by_text("till.py", exact=True).click()
    sound(page, language, widths=(PHONE, DESK))
    page.get_by_role("button", name=say("Roll the key")).click()
    expect(page.get_by_role("button", name=say("End now"))).to_be_visible()
    page.get_by_role("button", name=say("End now")).click()
    expect(page.get_by_role("button", name=say("End now"))).to_have_count(0)
    expect(page.get_by_text("BEGIN PRIVATE KEY")).to_have_count(0)

    page.get_by_role("button", name=say("Revoke …")).click()
    sound(page, language, widths=(PHONE,))
    page.get_by_role("button", name=say("Revoke it"), exact=True).click()
    expect(page.get_by_text(say("Revoked")).first).to_be_visible()

    page.get_by_role("link", name=say("Cash desks")).click()
    page.get_by_role("button", name=say("Make a sandbox terminal")).click()
    expect(page.get_by_text("TEST-0034-0000E")).to_be_visible()
    sound(page, language, widths=(PHONE, DESK))


def test_a_receiver_is_added_tried_and_an_event_sent_again(visit, cookies, work):
    with receiving() as receiver:
        page = visit(f"{HERE}/webhooks", cookies=cookies, language="zh-CN", width=PHONE)
        sound(page, "zh-CN", widths=(PHONE, DESK))
        page.get_by_label("地址").fill(receiver.url)
        page.get_by_role("button", name="添加").click()
        expect(page.get_by_label("密钥", exact=True)).to_contain_text("whsec_")
        sound(page, "zh-CN", widths=(PHONE, DESK))

        page.get_by_role("button", name="发送测试事件").click()
        work()
        page.reload()
        page.get_by_role("link", name="jifen.ping").click()
        expect(page.get_by_role("cell", name="204")).to_be_visible()
        sound(page, "zh-CN", widths=(PHONE, DESK))
        page.get_by_role("button", name="重新发送").click()
        expect(page.get_by_text("等待中")).to_be_visible()
        work()

    assert [got.event["type"] for got in receiver.got] == ["jifen.ping"] * 2
