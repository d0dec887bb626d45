"""The page of one movement: from which bills its points came; nobody else's movement, and both languages."""

import re
from datetime import date

import pytest
from sqlalchemy import select

from base import database, ids
from points import bills, policies
from points.bills import BillLineIn
from points.members.models import Member
from tests.given import given_bonus_rule, given_offer
from tests.points.bonuses.giving import give, today

DAY = date(2026, 3, 5)


def billed(programme, *amounts):
    with database.begin() as session:
        (customer_id,) = session.scalars(select(Member.customer_id))
        versions = policies.load(session, programme.programme_id)
        lines = [BillLineIn(customer_id, "2026-03", n, DAY, "plan", fen) for n, fen in enumerate(amounts, 1)]
        bills.post_lines(session, programme, versions, lines)


@pytest.mark.parametrize(
    ("language", "title", "first", "second"),
    [
        ("en", "Where the points came from", "Bill 2026-03, line 1", "Bill 2026-03, line 2"),
        ("zh-CN", "积分来源", "账单 2026-03 第 1 项", "账单 2026-03 第 2 项"),
    ],
)
def test_a_movement_leads_to_the_bills_that_earned_its_points(
    somebody, programme, language, title, first, second
):
    me = somebody(language=language)
    billed(programme, 6_000, 5_000)
    offer = given_offer(programme, "perk", value_fen=80)
    me.redeem(ids.public("off", offer.offer_id))

    me.get("/points")
    me.get(me.find(r'href="(/points/3)"'))

    assert title in me.page
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", me.page))
    assert said.index(first) < said.index(second)
    assert re.search(rf"{re.escape(first)}.* 60 .*{re.escape(second)}.* 20 ", said)


def test_an_earning_has_no_link_and_somebody_elses_movement_is_not_found(somebody, programme):
    mine, other = somebody(points=100, phone="13900000001"), somebody(phone="13900000002")

    mine.get("/points")

    assert 'href="/points/1"' not in mine.page
    assert mine.get("/points/1").status_code == 200
    assert mine.get("/points/2").status_code == 404
    assert other.get("/points/1").status_code == 404


@pytest.mark.parametrize(
    ("language", "movement", "source"),
    [
        (
            "en",
            "survey bonus (survey, {on}): by the rule survey",
            "survey bonus of {on} (survey, rule survey)",
        ),
        ("zh-CN", "survey 奖励（问卷调查，{on}）：按", "{on} survey 奖励（问卷调查，规则 survey）"),
    ],
)
def test_a_bonus_is_told_by_its_rule_occasion_and_day(somebody, programme, language, movement, source):
    me = somebody(language=language)
    given_bonus_rule(programme, points=80)
    with database.begin() as session:
        (member_id,) = session.scalars(select(Member.member_id))
    give(programme, member_id)
    offer = given_offer(programme, "perk", value_fen=80)
    me.redeem(ids.public("off", offer.offer_id))

    me.get("/points")
    listed = me.page
    me.get("/points/2")

    assert movement.format(on=today()) in listed
    assert "bonus survey" not in listed
    assert source.format(on=today()) in me.page
