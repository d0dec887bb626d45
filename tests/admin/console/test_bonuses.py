"""Bonus rules and goodwill in the console: seen whole by the checker, decided there, with what was given."""

import re

import pytest

from base import clock, database
from base.approvals import approvals
from points.bonuses import rules
from points.goodwill import goodwill
from points.goodwill.goodwill import Asked
from tests.given import given_bonus_rule, given_member, given_person, given_programme, staff_token
from tests.points.bonuses.giving import balance, give, today


def browser(app, *roles, language="en"):
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token(*roles))
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    return client


@pytest.fixture
def programme(db):
    return given_programme()


def said(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def approved(client, path):
    form = re.search(
        rf'<form[^>]*action="{path}/approve"[^>]*>(.*?)</form>', client.get(path).text, re.DOTALL
    )[1]
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
    return client.post(f"{path}/approve", data=fields)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Bonus rule", "Occasion survey", "Budget in points 1,000", "At most for a member no limit", "Points given 10", "Points left 990")),
        ("zh-CN", ("奖励规则", "发放时机 问卷调查", "预算（积分） 1,000", "每位会员上限（次） 不限", "已发放积分 10", "剩余积分 990")),
    ],
)  # fmt: skip
def test_a_rule_is_seen_whole_and_approved_in_both_languages(app, db, programme, language, words):
    given_bonus_rule(programme, "other")  # brings the policy of promotions
    with database.begin() as session:
        wanted = rules.Wanted(
            programme="gotone", code="survey", name_zh="问卷", name_en="Survey", occasion="survey", points=10,
            from_day=today(), budget_points=1000,
        )  # fmt: skip
        case = rules.propose(session, given_person("editor"), wanted, clock.now())
    path = f"/staff/bonus-rules/{approvals.reference(case.proposal.proposal_id)}"
    checker = browser(app, "checker", language=language)

    listed = checker.get("/staff/approvals").text
    done = approved(checker, path)
    give(programme, given_member(db, programme))
    after = said(checker.get(path).text)

    assert path in listed
    assert done.status_code == 303
    assert [word for word in words if word not in after] == []


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_goodwill_is_given_from_the_console(app, db, programme, language):
    given_bonus_rule(programme, "sorry", "goodwill", points=100)
    member_id = given_member(db, programme)
    with database.begin() as session:
        asked = Asked("sorry", 70, "a long outage", "T-17")
        case = goodwill.propose(session, given_person("support"), member_id, asked, clock.now())
    path = f"/staff/goodwill/{approvals.reference(case.proposal.proposal_id)}"
    checker = browser(app, "checker", language=language)

    listed = checker.get("/staff/approvals").text
    done = approved(checker, path)
    after = said(checker.get(path).text)

    assert path in listed
    assert (done.status_code, balance(member_id)) == (303, 70)
    assert all(word in after for word in ("sorry", "70", "a long outage", "T-17"))
