"""Help in the member's browser, without script: from a line to a request, its answer, and taking it up again."""

import re

from sqlalchemy import select

from admin.tickets import numbers, tickets
from admin.tickets.models import Ticket
from base import clock, database
from base.auth import principals
from points.members import members
from points.members.models import Member
from points.notices import telling
from tests.given import (
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_person,
    given_shop,
    member_token,
)

FORM = "/help"


def answered(db, said):
    me = given_person("support")
    with database.begin() as session:
        row = session.scalars(select(Ticket)).one()
        key = (row.member_id, row.ticket_id)
        tickets.take(session, db, me, key, clock.now())
        tickets.start(session, db, me, key, clock.now())
        tickets.answer(session, db, me, key, said, clock.now())


def test_a_line_leads_to_a_request_that_says_its_number_deadline_and_what_becomes_of_the_points(db, somebody):
    me = somebody(points=500)
    me.get("/points")
    me.get(me.find(r'href="(/help/new\?about=posting[^"]+)'))
    empty = me.submit(FORM, subject="points", words="  ")
    assert (empty.status_code, "Tell us what happened." in me.page) == (422, True)

    me.submit(FORM, subject="points", words="Too few <b>points</b>.")

    assert re.search(r"Request [0-9A-Z]{4}-[0-9A-Z]{4}", me.page)
    assert "Meanwhile your points stay as they are" in me.page
    assert "movement no. 1 (+500 points)" in me.page
    assert "Customer service" in me.page
    assert "Too few &lt;b&gt;points&lt;/b&gt;." in me.page
    request = me.at
    me.get("/help/new?about=posting+1")
    assert me.at == request  # there is one about it already
    me.get("/help")
    assert "We have it" in me.page


def test_the_answer_is_read_and_taken_up_again_once_in_chinese_too(db, somebody):
    me = somebody(points=500, language="zh-CN")
    me.get("/help/new")
    me.submit(FORM, subject="app", words="打不开")
    request = me.at
    assert "已收到您的请求" in me.page

    answered(db, "请更新到最新版本。")
    me.get(request)
    assert "请更新到最新版本。" in me.page
    me.submit(f"{request}/reopen", words="还是打不开")

    assert "您再次提出" in me.page
    assert "问题没有解决" not in me.page


def test_a_use_of_a_voucher_leads_to_the_way_of_this_was_not_me_first(app, db, programme, somebody):
    me = somebody(points=5_000)
    shop = given_shop()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100)
    with database.begin() as session:
        member_id = session.scalar(select(Member.member_id))
    redeemed = caller(app, member_token(member_id)).redeem(offer).json
    taken = (
        caller(app, clerk_token(shop))
        .accept(caller(app, member_token(member_id)).voucher_code(redeemed))
        .json
    )

    me.get(f"/help/new?about={taken['id']}")
    assert me.at == f"/acceptances/{taken['id']}"
    me.get(me.find(r'href="(/help/new\?about=acc[^"]+)').replace("&amp;", "&"))
    me.submit(FORM, subject="voucher", words="The tea was cold.")

    assert "We have your request" in me.page
    for page in (f"/redemptions/{redeemed['id']}", f"/vouchers/{redeemed['voucher']}"):
        me.get(page)
        assert "/help/new?about=" in me.page


def test_a_message_leads_to_a_request_about_it_and_one_about_a_request_leads_there(db, somebody):
    me = somebody(points=1)
    with database.begin() as session:
        member_id = session.scalar(select(Member.member_id))
        telling.tell(session, db, member_id, "gift-returned", {"points": 5})

    me.get("/messages")
    me.get(me.find(r'href="(/help/new\?about=ntc_[^"]+)'))
    me.submit(FORM, subject="other", words="I gave nobody anything.")

    assert "a message of" in me.page
    me.get("/messages")
    assert 'href="/help/tkt_' in me.page


def test_anybody_elses_request_is_not_there(db, somebody, programme):
    other = given_member(db, programme)
    me = somebody(phone="13900000002")
    with database.begin() as session:
        row = tickets.open_one(
            session,
            db,
            members.by_id(session, other),
            "other",
            "x",
            by=principals.Member(other, programme.programme_id),
            at=clock.now(),
        )
        ref = numbers.reference(row)

    assert me.get(f"/help/{ref}").status_code == 404
