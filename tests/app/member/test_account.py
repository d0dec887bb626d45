"""The member's account in the browser, without script: one place for all, safety, privacy, and a code where one is asked."""

import re

import pytest
from sqlalchemy import select

from base import audit, clock, database, ids
from base.http import settings
from points import ledger
from points.members import phones
from points.members.models import Member
from tests.codes import code_of
from tests.given import given_offer, given_person, member_token

PHONE = "13900001234"


@pytest.fixture
def me(somebody):
    return somebody(points=30_000, phone=PHONE)


@pytest.fixture
def member_id(me):
    with database.begin() as session:
        return session.scalar(select(Member.member_id))


def stopped(member_id):
    with database.begin() as session:
        return ledger.read(session, member_id).stopped


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                "My account",
                "139****1234",
                "Help and complaints",
                "Leave the programme",
                "Statements of points",
            ),
        ),
        ("zh-CN", ("我的", "139****1234", "帮助与投诉", "退出积分计划", "短信真伪查询")),
    ],
)
def test_the_fifth_entry_of_the_menu_leads_to_everything_about_oneself(somebody, language, words):
    me = somebody(language=language)
    me.get("/")
    assert me.page.count("<li><a href=") >= 5

    me.get("/account")

    for word in words:
        assert word in me.page
    for way in ("/profile", "/messages", "/companions", "/statements", "/account/safety", "/account/privacy",
                "/genuine", "/account/not-me", "/help", "/account/closing"):  # fmt: skip
        assert f'href="{way}"' in me.page
    assert 'href="/account" aria-current="page"' in me.page


def test_points_are_frozen_with_a_tap_and_thawed_with_a_code(db, me, member_id):
    me.get("/account/freeze")
    me.submit("/account/freeze")
    frozen, at_home = stopped(member_id), me.get("/").text

    me.get("/account/safety")
    me.submit("/account/thaw/code")
    wrong = me.submit("/account/thaw", code="00000")
    me.submit("/account/thaw", code=code_of(db, member_id, "thaw-code"))

    assert (frozen, stopped(member_id)) == (True, False)
    assert "These points are frozen" in at_home
    assert (wrong.status_code, "This code is not right" in wrong.text) == (422, True)
    assert "Freeze my points" in me.page


@pytest.mark.attack("A6")
@pytest.mark.parametrize(
    ("language", "why"), [("en", "Your number changed, so nobody can"), ("zh-CN", "您的手机号码已变更")]
)
def test_after_a_change_of_number_the_page_says_why_points_are_frozen_and_sends_the_code_there(
    app, db, me, member_id, language, why
):
    with database.begin() as session:
        phones.change(session, db, member_id, "13755556666", clock.now(), clock.now(), "service:x")
    client = app.test_client()
    client.set_cookie("jifen_member", member_token(member_id))

    page = client.get("/account/safety", headers={"Accept-Language": language}).text

    assert why in page
    assert "137****6666" in page


def test_where_one_is_signed_in_is_listed_and_the_others_are_ended(app, me, member_id):
    other = app.test_client()
    other.set_cookie("jifen_member", member_token(member_id))
    me.get("/account/safety")
    before = me.page.count("last used")

    me.submit("/account/sign-out-others")

    assert (before, me.page.count("last used")) == (2, 1)
    assert other.get("/account").status_code == 303
    me.post(
        "/account/sign-out-others", {"here": "1", **{"csrf_token": me.find('csrf_token" value="([^"]+)')}}
    )
    assert me.at == "/sign-in"


def test_this_was_not_me_freezes_ends_other_sign_ins_and_goes_on_to_the_complaint(
    app, db, me, programme, member_id
):
    other = app.test_client()
    other.set_cookie("jifen_member", member_token(member_id))
    me.redeem(ids.public("off", given_offer(programme, "perk", value_fen=100).offer_id))
    about = re.search(r"/account/not-me\?about=(red_\w+)", me.page)[1]

    me.get(f"/account/not-me?about={about}")
    form = {name: me.find(f'name="{name}" value="([^"]+)') for name in ("csrf_token", "key", "about")}
    answer = me.client.post("/account/not-me", data=form)
    again = me.client.post("/account/not-me", data=form)

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/help/new?kind=not-me&about={about}")
    assert again.status_code == 303
    assert (stopped(member_id), other.get("/account").status_code) == (True, 303)
    assert 'name="about" value=""' in me.get("/account/not-me?about=//evil.example").text


@pytest.mark.parametrize(
    ("language", "who", "why"), [("en", "customer service", "Complaint"), ("zh-CN", "客服", "投诉")]
)
def test_who_looked_is_told_by_role_and_reason_and_never_by_name(me, member_id, language, who, why):
    person = given_person("support")
    with database.begin() as session:
        audit.write(
            session, person.actor, "member.revealed", ids.public("mbr", member_id),
            fields=["phone"], reason="complaint", case="T-77",
        )  # fmt: skip

    me.get(f"/account/privacy?lang={language}")

    assert who in me.page
    assert why in me.page
    assert "Person " not in me.page
    assert "T-77" not in me.page


def test_the_sheet_asks_for_a_code_sends_it_and_takes_it_without_a_script(app, db, me, programme, member_id):
    settings.keep(app, db.at(code_above_points=10_000, code_above_fen=10_000))
    offer = ids.public("off", given_offer(programme, "perk", value_fen=20_000).offer_id)
    me.quote(offer)
    quote = me.at
    asked = me.page

    me.submit("/redemptions")
    refused = me.at
    form = {name: me.find(f'name="{name}" value="([^"]+)') for name in ("csrf_token", "key", "quote")}
    me.post(f"{quote}/code", form)
    with_field = me.page
    wrong = me.submit("/redemptions", code="12345")
    me.submit("/redemptions", code=code_of(db, member_id, "step-up-code"))
    settings.keep(app, db)

    assert f'formaction="{quote}/code"' in asked
    assert "Confirm: " not in asked
    assert refused == quote
    assert 'name="code"' in with_field
    assert wrong.status_code == 422
    assert me.at.startswith("/redemptions/red_")


def test_a_sheet_at_a_strange_device_says_so(app, me, programme, member_id):
    from base.auth import sign_ins
    from base.auth.sign_ins import Device

    with database.begin() as session:
        token = sign_ins.begin(session, "member", member_id, clock.now(), device=Device(trusted=False))
    me.client.set_cookie("jifen_member", token)

    me.quote(ids.public("off", given_offer(programme, "perk", value_fen=100).offer_id))

    assert "on this device for the first time" in me.page


def test_leaving_says_what_it_means_and_whom_to_ask(me):
    me.get("/account/closing")

    assert "cleared 30 days after" in me.page
    assert 'href="/help"' in me.page
