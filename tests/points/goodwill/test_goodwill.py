"""Points of goodwill: two persons, a rule, a budget; where there is a rule, an adjustment is not the way."""

from datetime import timedelta

import pytest

from base import clock, database, ids
from points.adjustments.adjustments import GoodwillHasABudget, Wanted
from points.adjustments.adjustments import propose as propose_adjustment
from tests.given import (
    caller,
    given_bonus_rule,
    given_member,
    given_person,
    given_programme,
    member_token,
    service_key,
    staff_token,
)
from tests.points.bonuses.giving import balance, budget_left, today


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def rule(programme):
    return given_bonus_rule(programme, "sorry", "goodwill", points=100, budget_points=150, most_per_member=2)


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme)


@pytest.fixture
def maker(app, db):
    return caller(app, staff_token("support"))


@pytest.fixture
def checker(app, db):
    return caller(app, staff_token("checker"))


def body(member_id, points=80, **more):
    said = {"rule": "sorry", "points": points, "text": "a long outage", "ticket": "T-17"}
    return {"member": ids.public("mbr", member_id)} | said | more


def approve(checker, proposal):
    return checker.post(f"/v1/goodwill/{proposal['id']}/approve", {"content_hash": proposal["content_hash"]})


def kind_of(answer) -> str:
    return f"{answer.status_code} {answer.json['type'].removeprefix('/problems/')}"


def test_goodwill_is_given_when_another_person_approves_it(app, rule, member_id, maker, checker):
    proposal = maker.post("/v1/goodwill", body(member_id)).json
    before = balance(member_id)

    answer = approve(checker, proposal)

    said = caller(app, member_token(member_id)).get("/v1/members/me/postings").json["data"][0]["explanation"]
    since = today() - timedelta(days=30)
    assert (before, answer.json["posting"], balance(member_id), budget_left(rule.rule_id)) == (0, 1, 80, 70)
    assert said == {
        "en": f"sorry bonus (goodwill, {today()}): by the rule sorry of {since}, at most 100 at a time, "
        f"approval {proposal['id']} = 80 points",
        "zh-CN": f"sorry 奖励（客户关怀，{today()}）：按 {since} 起的规则 sorry，每次至多 100 积分，"
        f"审批 {proposal['id']} = 80 积分",
    }


def test_what_budget_or_cap_refuses_leaves_the_proposal_open(db, programme, rule, member_id, maker, checker):
    other = given_member(db, programme)
    asked = [maker.post("/v1/goodwill", body(one, points)).json for one, points in ((member_id, 100), (other, 60), (other, 50))]  # fmt: skip

    answers = [approve(checker, one) for one in asked]

    assert [one.status_code for one in answers] == [200, 403, 200]
    assert kind_of(answers[1]) == "403 budget-used-up"
    assert maker.get(f"/v1/goodwill/{asked[1]['id']}").json["state"] == "proposed"
    assert (balance(other), budget_left(rule.rule_id)) == (50, 0)


def test_one_person_alone_a_system_and_another_rule_give_nothing(
    app, programme, rule, member_id, maker, checker
):
    given_bonus_rule(programme)
    both = caller(app, staff_token("support", "checker"))
    system = caller(app, service_key(programme, "bonuses:write"))
    own = both.post("/v1/goodwill", body(member_id)).json
    direct = {k: body(member_id)[k] for k in ("member", "rule")} | {"on": str(today()), "ref": "x"}

    assert kind_of(approve(both, own)) == "403 own-proposal"
    assert kind_of(approve(maker, own)) == "403 not-allowed"
    assert kind_of(system.post("/v1/bonuses", direct)) == "403 needs-two-persons"
    assert kind_of(maker.post("/v1/goodwill", body(member_id, 101))) == "422 bad-bonus"
    assert kind_of(maker.post("/v1/goodwill", body(member_id, 0))) == "422 invalid"
    assert kind_of(maker.post("/v1/goodwill", body(member_id, 5, rule="survey"))) == "422 bad-bonus"
    assert kind_of(maker.post("/v1/goodwill", body(member_id, rule="nothing"))) == "404 bonus-rule-unknown"
    assert kind_of(maker.post("/v1/goodwill", body(12345))) == "404 member-unknown"
    assert kind_of(checker.post("/v1/goodwill", body(member_id))) == "403 not-allowed"
    assert balance(member_id) == 0


def test_where_there_is_a_goodwill_rule_an_adjustment_up_is_not_the_way(db, programme, member_id):
    person = given_person("support")

    def adjust(direction, reason):
        with database.begin() as session:
            wanted = Wanted(direction, 5, reason, "a long outage", "T-17")
            propose_adjustment(session, person, member_id, wanted, clock.now())

    adjust("up", "goodwill")
    given_bonus_rule(programme, "sorry", "goodwill", until_day=today())

    with pytest.raises(GoodwillHasABudget):
        adjust("up", "goodwill")
    adjust("down", "goodwill")
    adjust("up", "mistake")
    with clock.stopped(clock.now() + timedelta(days=1)):
        adjust("up", "goodwill")  # the rule has ended
