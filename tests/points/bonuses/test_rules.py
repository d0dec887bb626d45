"""Bonus rules by two persons: what may be proposed, what an approval makes, and which version counts on a day."""

from datetime import date, timedelta

import pytest

from base import clock, database
from base.approvals import approvals
from base.approvals.approvals import NotAPerson, OwnProposal
from base.auth.principals import Service
from base.errors import NotAllowed, Problem
from points import policies
from points.bonuses import rules
from points.bonuses.refusals import BadBonusRule, BonusNotRunning, BonusRuleUnknown
from points.bonuses.rules import Wanted
from points.policies import NoRuleInForce, SameDayVersion
from points.programmes import ProgrammeClosed, ProgrammeUnknown
from tests.given import LONG_AGO, given_bonus_rule, given_person, given_programme
from tests.owner import owner
from tests.points.bonuses.giving import budget_left, today

DAY = timedelta(days=1)


@pytest.fixture
def programme(db):
    programme = given_programme()
    with database.begin() as session:
        policies.add_expiry_policy(
            session, programme.programme_id, policies.PROMOTION_POINTS, LONG_AGO, months=12
        )
    return programme


@pytest.fixture
def maker(db):
    return given_person("editor")


@pytest.fixture
def checker(db):
    return given_person("checker")


def a_rule(**more) -> Wanted:
    said = {
        "programme": "gotone", "code": "survey", "name_zh": "问卷", "name_en": "Survey", "occasion": "survey",
        "points": 10, "from_day": today(),
    }  # fmt: skip
    return Wanted(**(said | more))


def propose(person, **more):
    with database.begin() as session:
        return rules.propose(session, person, a_rule(**more), clock.now()).proposal


def approve(person, proposal):
    with database.begin() as session:
        seen = proposal.content_hash.hex()
        approvals.approve(session, person, proposal.proposal_id, seen, clock.now())
        return rules.made(session, proposal)


def test_an_approval_makes_just_the_version_that_was_proposed(programme, maker, checker):
    more = {
        "until_day": today() + 9 * DAY, "most_per_member": 3, "most_per_member_day": 1, "most_per_day": 500,
        "budget_points": 1000, "tier": "gold", "least_days": 30, "lot_class": 1,
    }  # fmt: skip
    proposal = propose(maker, **more)

    rule = approve(checker, proposal)

    assert rules.said_by(rule, programme) == a_rule(**more) == rules.wanted_of(proposal)
    assert rule.approval == approvals.reference(proposal.proposal_id)
    assert budget_left(rule.rule_id) == 1000


def test_one_person_alone_and_a_system_make_no_rule(programme, maker):
    both, system = (
        given_person("editor", "checker"),
        Service("k", programme.programme_id, frozenset({"bonuses:propose"})),
    )
    own, proposal = propose(both), propose(maker)

    for person, asked, refusal in (
        (both, own, OwnProposal),
        (maker, proposal, NotAllowed),
        (system, own, NotAPerson),
    ):
        with pytest.raises(refusal):
            approve(person, asked)
    with pytest.raises(NotAPerson):
        propose(system)
    with pytest.raises(NotAllowed):
        propose(given_person("support"))


BAD = {
    "no points": ({"points": 0}, BadBonusRule),
    "less than none": ({"points": -5}, BadBonusRule),
    "far too many": ({"points": 1_000_001}, BadBonusRule),
    "an end before the start": ({"until_day": date(2020, 1, 1)}, BadBonusRule),
    "a code of capitals": ({"code": "Survey"}, BadBonusRule),
    "no code": ({"code": ""}, BadBonusRule),
    "a name of spaces": ({"name_en": " "}, BadBonusRule),
    "a name with a line break": ({"name_zh": "a\nb"}, BadBonusRule),
    "another occasion": ({"occasion": "wedding"}, BadBonusRule),
    "a member day without a day": ({"occasion": "member-day"}, BadBonusRule),
    "a member day on the 32nd": ({"occasion": "member-day", "month_day": 32}, BadBonusRule),
    "a day of the month for nothing": ({"month_day": 1}, BadBonusRule),
    "a cap of none": ({"most_per_member": 0}, BadBonusRule),
    "a cap of none a day": ({"most_per_day": 0}, BadBonusRule),
    "a budget below nothing": ({"budget_points": -1}, BadBonusRule),
    "a budget of less than one": ({"budget_points": 9}, BadBonusRule),
    "a tier of spaces": ({"tier": "a b"}, BadBonusRule),
    "no days": ({"least_days": 0}, BadBonusRule),
    "days since one has just joined": ({"occasion": "sign-up", "least_days": 1}, BadBonusRule),
    "a class below": ({"lot_class": -1}, BadBonusRule),
    "a class without a policy": ({"lot_class": 7}, NoRuleInForce),
    "long ago": ({"from_day": date(2021, 1, 1)}, BadBonusRule),
    "no programme": ({"programme": "nothing"}, ProgrammeUnknown),
}


def test_what_cannot_be_a_rule_is_refused_by_name(programme, maker):
    told = {}
    for name, (more, _) in BAD.items():
        with pytest.raises(Problem) as refused:
            propose(maker, **more)
        told[name] = type(refused.value)

    assert told == {name: refusal for name, (_, refusal) in BAD.items()}


def test_a_closed_programme_gets_no_rule(db, programme, maker, checker):
    proposal = propose(maker)
    with owner(db) as connection:
        connection.exec_driver_sql("update programme set closed_at = now()")

    with pytest.raises(ProgrammeClosed):
        approve(checker, proposal)
    with pytest.raises(ProgrammeClosed):
        propose(maker)


def test_a_change_begins_after_the_day_of_its_approval_and_once_a_day(programme, maker, checker):
    approve(checker, propose(maker))
    waits, same = (
        propose(maker, from_day=today() + DAY, points=20),
        propose(maker, from_day=today() + DAY, points=30),
    )
    with pytest.raises(BadBonusRule) as at_once:
        propose(maker, points=20)
    with pytest.raises(BadBonusRule) as other:
        propose(maker, from_day=today() + DAY, occasion="quiz")
    approve(checker, waits)

    with pytest.raises(SameDayVersion):
        approve(checker, same)
    with clock.stopped(clock.now() + DAY), pytest.raises(BadBonusRule):  # the day has come while it waited
        approve(checker, same)
    assert at_once.value.facts["errors"][0]["pointer"] == "/from_day"
    assert other.value.facts["errors"][0]["pointer"] == "/occasion"


def test_the_version_of_a_day_is_the_latest_that_has_begun(programme):
    first = given_bonus_rule(programme, until_day=today() + 5 * DAY)
    second = given_bonus_rule(programme, from_day=today() + 2 * DAY, until_day=today() + 3 * DAY, points=20)
    third = given_bonus_rule(programme, from_day=today() + 7 * DAY, points=30)
    with database.begin() as session:
        found = rules.versions(session, programme.programme_id)

    def version(days):
        try:
            return rules.in_force(found, "survey", today() + days * DAY).rule_id
        except BonusNotRunning as refusal:
            return refusal.facts["until_day"]

    ended = (today() + 3 * DAY).isoformat()
    assert [version(days) for days in (0, 1, 2, 3, 4, 6, 7, 99)] == [
        first.rule_id, first.rule_id, second.rule_id, second.rule_id, ended, ended, third.rule_id, third.rule_id,
    ]  # fmt: skip
    assert version(-31) == (today() + 5 * DAY).isoformat()
    with pytest.raises(BonusRuleUnknown):
        rules.in_force(found, "quiz", today())
    spans = [rules.days_of(one, found, today(), today() + 99 * DAY) for one in (first, second, third)]
    assert spans == [
        (today(), today() + DAY), (today() + 2 * DAY, today() + 3 * DAY), (today() + 7 * DAY, today() + 99 * DAY),
    ]  # fmt: skip
