"""Staff set up an offer in five steps beside its preview, and change the bill-credit rate with replay and second approval, without a manual."""

import os
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from base import clock, database
from catalog.offers.models import OfferState
from catalog.publishing.models import OfferDraft
from catalog.rates import rates
from tests.admin.replay.replaying import redeemed
from tests.given import (
    ZONE,
    caller,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    staff_token,
)
from tests.journeys.conftest import PHONE, sound

pytestmark = pytest.mark.browser
WORDS = {
    "en": {
        "new": "New offer", "begin": "Begin", "save": "Save and go on", "missing": "A text is there in one language",
        "propose": "Propose it", "approve": "Approve", "done": "Approved", "change": "Propose a change", "changes": "Show what changes",
        "replay": "Replay", "again": "Load again", "back": "The proposal", "without": "A replay of this very content", "revert": "Back to this one",
        "to_decide": "For me to decide",
    },
    "zh-CN": {
        "new": "新建权益", "begin": "开始设置", "save": "保存并继续", "missing": "缺少另一种语言的文字", "propose": "提请审批", "approve": "批准",
        "done": "已批准", "change": "申请调整", "changes": "查看变更", "replay": "回放", "again": "重新加载", "back": "该申请", "without": "回放", "revert": "恢复此版本",
        "to_decide": "待我审批",
    },
}  # fmt: skip


def picture(page, name, language, width):
    """For whoever wants to look: a picture of the page where JIFEN_SHOTS names a folder."""
    if folder := os.environ.get("JIFEN_SHOTS"):
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=Path(folder) / f"{name}-{language}-{width}.png", full_page=True)


def looked_at(page, name, language):
    sound(page, language, widths=(PHONE,))
    picture(page, name, language, PHONE)
    picture(page, name, language, 1440)


@pytest.mark.screens("operations: offer editor", "operations: lists")
@pytest.mark.parametrize(
    ("language", "scheme"), [("en", "dark"), pytest.param("zh-CN", "light", marks=pytest.mark.torture)]
)
def test_an_offer_is_set_up_in_five_steps_beside_its_preview(visit, db, language, scheme):
    words, _programme, _shop = WORDS[language], given_programme(), given_shop()
    mine, theirs = (
        visit("/staff/offers", language=language, color_scheme=scheme, cookies={"jifen_staff": staff_token(*roles)})
        for roles in (("editor",), ("checker",))
    )  # fmt: skip
    main, save = mine.get_by_role("main"), mine.get_by_role("button", name=words["save"])

    # a card for each kind, and a code
    picture(mine, "offers-none", language, 1440)
    mine.get_by_role("link", name=words["new"]).first.click()
    looked_at(mine, "offer-new", language)
    mine.locator("#kind-voucher").check()
    mine.locator("#code").fill("tea-10")
    mine.get_by_role("button", name=words["begin"]).click()

    # one: what it is, seen in both languages while it is typed; a missing translation is named at its field
    preview = mine.locator("#preview")
    mine.locator("[id='names.zh-CN']").fill("龙井茶馆 10 元券")
    expect(preview.locator("section[lang=zh-CN]")).to_contain_text("龙井茶馆 10 元券")
    mine.locator("[id='texts.zh-CN']").fill("周末可用。")
    mine.locator("[id='texts.en']").fill("Valid at weekends.")
    save.click()
    expect(mine.locator("[id='names.en-error']")).to_contain_text(words["missing"])
    looked_at(mine, "offer-content", language)
    mine.locator("[id='names.en']").fill("Tea house: 10 yuan voucher")
    save.click()

    # two: its rules, as the card began them
    expect(mine).to_have_url(re.compile("/rules$"))
    looked_at(mine, "offer-rules", language)
    save.click()

    # three: who gives it
    expect(mine).to_have_url(re.compile("/resource$"))
    mine.locator("#merchant").select_option("tea")
    expect(preview.locator("section[lang=en]")).to_contain_text("tea house")
    save.click()

    # four: how many; five: what it is worth and costs, beside bill credit
    expect(mine).to_have_url(re.compile("/stock$"))
    picture(mine, "offer-stock", language, 1440)
    mine.locator("[id='stock.is']").select_option("some")
    mine.locator("#stock").fill("100")
    save.click()
    expect(mine).to_have_url(re.compile("/cost$"))
    save.click()
    expect(mine.locator("#cost_fen-error")).to_be_visible()
    mine.locator("#value_fen").fill("10")
    expect(preview.locator("section[lang=en]")).to_contain_text("1,000 points")
    mine.locator("#cost_fen").fill("8.50")
    picture(mine, "offer-cost", language, 1440)
    save.click()

    # whole: proposed by one person, found and approved by another, and members have it
    expect(mine).to_have_url(re.compile(r"/offer-drafts/drf_[^/]+$"))
    looked_at(mine, "offer-draft", language)
    mine.get_by_role("button", name=words["propose"]).click()
    expect(mine).to_have_url(re.compile("/offer-proposals/"))
    theirs.goto("/staff/approvals")
    theirs.get_by_role("link", name=words["to_decide"]).click()
    looked_at(theirs, "approvals", language)
    theirs.get_by_role("main").get_by_role("table").get_by_role("link").click()
    looked_at(theirs, "offer-proposal", language)
    theirs.get_by_role("button", name=words["approve"], exact=True).click()
    expect(theirs.get_by_role("main")).to_contain_text(words["done"])
    mine.goto("/staff/offers?q=tea+10")
    looked_at(mine, "offers", language)
    main.get_by_role("table").get_by_role("link").click()
    expect(main).to_contain_text("tea-10")
    looked_at(mine, "offer", language)
    with database.begin() as session:
        assert session.query(OfferState).one().code == "tea-10"
        assert session.query(OfferDraft).one().revision == 8


@pytest.mark.screens("operations: rates, policies, terms")
@pytest.mark.parametrize(
    ("language", "scheme"), [("en", "light"), pytest.param("zh-CN", "dark", marks=pytest.mark.torture)]
)
def test_the_bill_credit_rate_is_changed_with_replay_and_second_approval(
    app, visit, work, db, language, scheme
):
    words, programme = WORDS[language], given_programme()
    offer = given_offer(programme, "bill_credit", value_fen=1000)
    member_id = given_member(db, programme, points=9000)
    redeemed(member_id, offer, 20)
    with database.begin() as session:
        rates.add(
            session, programme.programme_id, date(2021, 1, 1), points=90, per_fen=100, kind="bill_credit"
        )
        rates.add(
            session, programme.programme_id, date(2022, 1, 1), points=100, per_fen=100, kind="bill_credit"
        )
    tomorrow = clock.day(clock.now(), ZONE) + timedelta(days=1)
    mine, theirs = (
        visit(
            "/staff/rates", language=language, color_scheme=scheme, cookies={"jifen_staff": staff_token(role)}
        )
        for role in ("editor", "checker")
    )

    # the table of what holds: a wrong number is named, what is right is shown as a difference
    looked_at(mine, "rates", language)
    mine.get_by_role("link", name=words["change"]).click()
    mine.locator("[id='points.1']").fill("a lot")
    mine.get_by_role("button", name=words["changes"]).first.click()
    expect(mine.locator("[id='points.1']")).to_have_class(re.compile("is-invalid"))
    looked_at(mine, "rate-change", language)
    mine.locator("[id='points.1']").fill("125")
    mine.locator("#reason").fill("towards merchants")
    mine.get_by_role("button", name=words["changes"]).first.click()
    expect(mine.get_by_role("main").get_by_role("table")).to_contain_text("+25%")
    looked_at(mine, "rate-difference", language)
    mine.get_by_role("button", name=words["propose"]).click()

    # without a replay it is not approved; with one it is, by another person
    expect(mine).to_have_url(re.compile("/rate-proposals/apr_"))
    place = mine.url.removeprefix(theirs.url.removesuffix("/staff/rates"))
    mine.get_by_role("button", name=words["replay"], exact=True).click()
    work()
    mine.get_by_role("link", name=words["again"]).click()
    expect(mine.locator("main svg[role=img]")).to_be_visible()
    theirs.goto(place)
    looked_at(theirs, "rate-proposal", language)
    theirs.get_by_role("button", name=words["approve"], exact=True).click()
    expect(theirs.get_by_role("main")).to_contain_text(words["done"])

    # it begins by itself on its day, and the way back is a proposal as well
    member = caller(app, member_token(member_id))
    assert member.quote(offer).json["price_points"] == 1000
    with clock.stopped(clock.start_of(tomorrow, ZONE) + timedelta(hours=12)):
        assert caller(app, member_token(member_id)).quote(offer).json["price_points"] == 1250
    mine.goto("/staff/rates")
    mine.locator("main details summary").last.click()
    picture(mine, "rates-then", language, 1440)
    mine.get_by_role("link", name=words["revert"]).last.click()
    picture(mine, "rate-revert", language, 1440)
    mine.locator("#from_day").fill(str(tomorrow + timedelta(days=9)))
    mine.locator("#reason").fill("back again")
    mine.get_by_role("button", name=words["propose"]).click()
    expect(mine).to_have_url(re.compile("/rate-proposals/apr_"))
