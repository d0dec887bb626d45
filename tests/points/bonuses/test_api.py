"""Bonuses over HTTP: told by a system, asked about by members and staff, rules by two persons; refused by name."""

from datetime import timedelta

import pytest

from base import ids
from tests.given import (
    caller,
    given_bonus_rule,
    given_member,
    given_programme,
    member_token,
    service_key,
    staff_token,
)
from tests.points.bonuses.giving import balance, bonuses, today

DAY = timedelta(days=1)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme)


@pytest.fixture
def system(app, programme):
    return caller(app, service_key(programme, "bonuses:write"))


@pytest.fixture
def maker(app, db):
    return caller(app, staff_token("editor"))


@pytest.fixture
def checker(app, db):
    return caller(app, staff_token("checker"))


def kind_of(answer) -> str:
    return f"{answer.status_code} {answer.json['type'].removeprefix('/problems/')}"


def told(member_id, ref="S-1", **more):
    return {
        "rule": "survey",
        "member": ids.public("mbr", member_id),
        "on": today().isoformat(),
        "ref": ref,
    } | more


def a_rule(**more):
    return {
        "programme": "gotone", "code": "survey", "name_zh": "问卷", "name_en": "Survey", "occasion": "survey",
        "points": 30, "from_day": today().isoformat(), "lot_class": 1,
    } | more  # fmt: skip


def approve(checker, proposal):
    return checker.post(
        f"/v1/bonus-rules/{proposal['id']}/approve", {"content_hash": proposal["content_hash"]}
    )


def test_from_the_rule_to_the_members_history(app, programme, member_id, maker, checker, system):
    proposal = maker.post("/v1/bonus-rules", a_rule(budget_points=100, most_per_member=2)).json
    before = system.post("/v1/bonuses", told(member_id))
    approve(checker, proposal)

    first = system.post("/v1/bonuses", told(member_id), key="one")
    replayed = system.post("/v1/bonuses", told(member_id), key="one")
    again = system.post("/v1/bonuses", told(member_id))
    rule = checker.get(f"/v1/bonus-rules/{proposal['id']}").json
    me = caller(app, member_token(member_id))
    posting = me.get("/v1/members/me/postings").json["data"][0]
    lot = me.get("/v1/members/me/postings/1/lots").json

    assert kind_of(before) == "404 bonus-rule-unknown"
    assert (first.status_code, first.json["points"], first.json["posting"]) == (201, 30, 1)
    assert first.json["left"] == {"member": 1, "member_day": None, "day": None, "budget_points": 70}
    assert (replayed.data, replayed.headers["Idempotency-Replayed"]) == (first.data, "true")
    assert (again.status_code, again.json["repeated"], again.json["posting"]) == (200, True, 1)
    assert (rule["given_points"], rule["left_points"], rule["state"]) == (30, 70, "approved")
    assert posting["explanation"] == {
        "en": f"Survey (survey, {today()}): by the rule survey of {today()} = 30 points",
        "zh-CN": f"问卷（问卷调查，{today()}）：按 {today()} 起的规则 survey = 30 积分",
    }
    bonus = str(lot)
    assert "'rule': 'survey'" in bonus
    assert "'occasion': 'survey'" in bonus
    assert balance(member_id) == 30


def test_rules_are_listed_with_what_they_gave_and_refused_by_name(maker, checker, system, member_id):
    first = maker.post("/v1/bonus-rules", a_rule()).json
    approve(checker, first)
    system.post("/v1/bonuses", told(member_id))
    maker.post("/v1/bonus-rules", a_rule(code="quiz", occasion="quiz", budget_points=60))

    listed = maker.get("/v1/bonus-rules", limit=1).json
    rest = maker.get("/v1/bonus-rules", limit=1, cursor=listed["next_cursor"]).json

    assert [(one["code"], one["given_points"], one["left_points"]) for one in listed["data"] + rest["data"]] == [
        ("quiz", None, None), ("survey", 30, None),
    ]  # fmt: skip
    for more, refusal in (
        ({"points": 0}, "422 invalid"),
        ({"points": -1}, "422 invalid"),
        ({"points": "ten"}, "422 invalid"),
        ({"until_day": "2020-01-01"}, "422 bad-bonus-rule"),
        ({"occasion": "wedding"}, "422 invalid"),
        ({"programme": "nothing"}, "404 programme-unknown"),
        ({"code": "survey"}, "422 bad-bonus-rule"),
        ({"left_points": 1}, "422 invalid"),
    ):
        assert kind_of(maker.post("/v1/bonus-rules", a_rule(code="other") | more)) == refusal, more


def test_a_bonus_may_name_the_customer_and_only_one_of_both(db, programme, system, member_id):
    from base import database
    from points.members import members

    given_bonus_rule(programme)
    with database.begin() as session:
        customer = members.by_id(session, member_id).customer_id
    body = {"rule": "survey", "customer_id": customer, "on": today().isoformat(), "ref": "S-1"}
    stranger = given_member(db, given_programme("other"))

    assert system.post("/v1/bonuses", body).json["member"] == ids.public("mbr", member_id)
    assert kind_of(system.post("/v1/bonuses", body | told(member_id))) == "422 invalid"
    assert (
        kind_of(system.post("/v1/bonuses", {k: v for k, v in body.items() if k != "customer_id"}))
        == "422 invalid"
    )
    assert kind_of(system.post("/v1/bonuses", body | {"customer_id": "C404"})) == "404 member-unknown"
    assert kind_of(system.post("/v1/bonuses", told(stranger))) == "404 member-unknown"
    assert kind_of(system.post("/v1/bonuses", told(member_id, member="mbr_x"))) == "404 not-found"
    assert kind_of(system.post("/v1/bonuses", told(member_id, on="tomorrow"))) == "422 invalid"


def test_a_refusal_says_which_cap_and_when_it_counts_anew_in_both_languages(programme, system, member_id):
    given_bonus_rule(programme, most_per_member_day=1)
    system.post("/v1/bonuses", told(member_id))

    refused = system.post("/v1/bonuses", told(member_id, "S-2"), key="k")
    over = system.post("/v1/bonuses", told(member_id, "S-2", on=(today() - 31 * DAY).isoformat()))
    retried = system.post("/v1/bonuses", told(member_id, "S-2", on=(today() - DAY).isoformat()), key="k")

    assert kind_of(refused) == "403 bonus-cap-reached"
    assert (refused.json["cap"], refused.json["resets_on"]) == ("member-day", (today() + DAY).isoformat())
    assert kind_of(over) == "409 bonus-not-running"
    assert over.json["from_day"] == (today() - 30 * DAY).isoformat()
    assert retried.status_code == 201  # a refusal leaves no key


def test_asking_writes_nothing_and_is_refused_as_the_bonus_would_be(app, db, programme, system, member_id):
    given_bonus_rule(programme, budget_points=50, most_per_member=1)
    me, support = caller(app, member_token(member_id)), caller(app, staff_token("support"))
    analyst, name = caller(app, staff_token("analyst")), ids.public("mbr", member_id)
    other = ids.public("mbr", given_member(db, programme))

    mine = me.post("/v1/bonuses/estimate", {"rule": "survey"})
    theirs = support.post("/v1/bonuses/estimate", {"rule": "survey", "member": name})
    written = bonuses()
    given = system.post("/v1/bonuses", told(member_id)).json
    after = me.post("/v1/bonuses/estimate", {"rule": "survey"})

    assert (mine.json["points"], mine.json["last_day"]) == (given["points"], given["last_day"])
    assert mine.json["left"] == {"member": 0, "member_day": None, "day": None, "budget_points": None}
    assert theirs.json["left"]["budget_points"] == 40
    assert (written, kind_of(after)) == (0, "403 bonus-cap-reached")
    assert kind_of(me.post("/v1/bonuses/estimate", {"rule": "survey", "member": other})) == "403 not-allowed"
    assert (
        kind_of(analyst.post("/v1/bonuses/estimate", {"rule": "survey", "member": name})) == "403 not-allowed"
    )
    assert kind_of(support.post("/v1/bonuses/estimate", {"rule": "survey"})) == "422 invalid"


@pytest.mark.parametrize("scope", ["wallet:issue", "bills:write"])
def test_a_system_without_the_scope_gives_nothing(app, programme, member_id, scope):
    given_bonus_rule(programme)

    answer = caller(app, service_key(programme, scope)).post("/v1/bonuses", told(member_id))

    assert kind_of(answer) == "403 not-allowed"
