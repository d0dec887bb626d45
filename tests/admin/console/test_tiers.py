"""The console on tiers and care: a member's standing and history, a person named there, proposals decided in both languages."""

from datetime import date, timedelta

import pytest

from base import clock, database, ids
from base.approvals import approvals
from points.care import care
from points.tiers import grants, proposals, tiers
from tests.admin.console.test_approvals import browser, send
from tests.given import (
    CARD,
    ZONE,
    given_earned,
    given_evaluated,
    given_ladder,
    given_member,
    given_person,
    given_programme,
    given_tier_grant,
)


@pytest.fixture
def programme(db):
    made = given_programme()
    given_ladder(made)
    return made


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme)


@pytest.fixture
def page(member_id):
    return f"/staff/members/{ids.public('mbr', member_id)}"


@pytest.fixture
def today():
    return clock.day(clock.now(), ZONE)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("Tier: gold", "granted until", "3,100 points", "silver needs 3,000", "an old promise")),
        ("zh-CN", ("等级: 金卡", "授予至", "累计获得 3,100 分", "银卡需 3,000 分", "an old promise")),
    ],
)
def test_a_member_s_page_shows_tier_window_and_every_change_with_its_reason(
    app, programme, member_id, page, today, language, said
):
    given_earned(member_id, 3_100, today - timedelta(days=9))
    given_evaluated(programme, today - timedelta(days=8))
    given_tier_grant(member_id, "gold", today + timedelta(days=9))

    shown = browser(app, "support", language=language).get(page).text

    for text in said:
        assert text in shown


def test_a_person_is_named_on_the_member_s_page_and_only_by_who_may(app, member_id, page, today):
    person = given_person("support", email="li@example.test")
    given_tier_grant(member_id, "gold", today + timedelta(days=9))
    support, auditor = browser(app, "support"), browser(app, "auditor")
    assert "Nobody, but needs one" in support.get(page).text

    done = send(support, page, f"{page}/care", person="li@example.test", reason="gold card")

    assert done.status_code == 303
    assert "Nobody, but needs one" not in support.get(page).text
    assert f"{page}/care" not in auditor.get(page).text
    with database.begin() as session:
        assert care.manager_of(session, member_id, today).staff_id == person.staff_id


@pytest.mark.parametrize(("language", "kind"), [("en", "Tier given by hand"), ("zh-CN", "人工授予等级")])
def test_a_grant_is_decided_here(app, member_id, today, language, kind):
    with database.begin() as session:
        wanted = grants.Wanted("gold", today + timedelta(days=9), "a long outage")
        case = grants.propose(session, given_person("support"), member_id, wanted, clock.now())
    place = f"/staff/tier-grants/{approvals.reference(case.proposal.proposal_id)}"
    checker = browser(app, "checker", language=language)

    assert f'<a href="{place}">{kind}</a>' in checker.get("/staff/approvals").text
    assert "a long outage" in checker.get(place).text
    assert send(checker, place, f"{place}/approve").status_code == 303

    with database.begin() as session:
        assert tiers.codes(session, member_id, today) == ["gold"]


@pytest.mark.parametrize(
    ("language", "said", "from_day"),
    [("en", "the calendar year", "Jan 1, 2099"), ("zh-CN", "自然年", "2099年1月1日")],
)
def test_a_ladder_is_decided_here(app, db, language, said, from_day):
    given_programme("mzone")
    day = date(2099, 1, 1)
    with database.begin() as session:
        wanted = proposals.Wanted("mzone", "card", day, None, 12, CARD, "new cards")
        case = proposals.propose(session, given_person("editor"), wanted, clock.now())
    place = f"/staff/tier-policies/{approvals.reference(case.proposal.proposal_id)}"
    checker = browser(app, "checker", language=language)

    shown = checker.get(place).text
    assert send(checker, place, f"{place}/approve").status_code == 303

    for text in (said, from_day, "new cards", "12,000"):
        assert text in shown
