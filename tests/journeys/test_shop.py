"""A member looks for something, narrows, shares it, and sees when points lapse: on the narrowest phone, in both languages."""

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from base import clock, ids
from tests.given import given_member, given_offer, given_points, given_programme, given_shop, member_token
from tests.journeys.conftest import DESK, PHONE, sound
from tests.sparse import first_of

pytestmark = pytest.mark.browser

TEA = {"zh-CN": "龙井茶馆代金券", "en": "Longjing tea house"}
FILM = {"zh-CN": "电影票", "en": "Cinema ticket"}


@pytest.mark.parametrize(
    ("language", "words", "perk"), first_of(("zh-CN", "茶馆", "俱乐部权益"), ("en", "longjing", "Club perk"))
)
def test_what_is_typed_narrows_the_list_at_once_and_what_is_found_is_shared(
    visit, app, db, language, words, perk
):
    programme = given_programme()
    merchant_id = given_shop().merchant.merchant_id
    tea = given_offer(programme, "voucher", merchant_id=merchant_id, value_fen=500, names=TEA, texts=TEA)
    given_offer(programme, "perk", value_fen=900, names=FILM, texts=FILM)
    given_offer(programme, "event", value_fen=700)
    member_id = given_member(db, programme, points=1200)
    given_points(member_id, 30, last_day=clock.now().date() + timedelta(days=20))
    page = visit("/offers", language=language, width=PHONE, cookies={"jifen_member": member_token(member_id)})
    rows = page.locator("#shelf").get_by_role("listitem").filter(has=page.locator("strong"))

    # typing is enough; the field keeps the focus, the address what was asked
    expect(rows).to_have_count(3)
    page.get_by_role("searchbox").press_sequentially(words)
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile(f"q={quote(words)}&"))
    expect(page.get_by_role("searchbox")).to_be_focused()
    sound(page, language)
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value(words)
    page.get_by_role("link", name=perk, exact=True).click()
    expect(rows).to_have_count(0)
    sound(page, language)
    page.go_back()
    expect(rows).to_have_count(1)

    # shared by a link that a stranger opens
    page.goto(f"/offers/{ids.public('off', tea.offer_id)}")
    sound(page, language)
    page.locator("form[action$='/share'] button").click()
    sound(page, language, widths=(PHONE, DESK))
    link = page.get_by_role("textbox").input_value()
    stranger = visit(link.partition("/s/")[1] + link.partition("/s/")[2], language=language, width=PHONE)
    expect(stranger.get_by_role("heading", level=1)).to_have_text(TEA[language])
    sound(stranger, language)

    for path in ("/", "/points", "/points?kind=gifts", "/points/lapsing", "/gifts", "/club", "/shares"):
        page.goto(path)
        sound(page, language)
