"""jifen bonuses, jifen import bonuses and what jifen why says of them: exit codes, JSON, safe to run twice."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from app.cli import jifen
from base import database
from base.approvals.approvals import OwnProposal
from points.members import members
from tests.given import given_bonus_rule, given_member, given_person, given_programme
from tests.points.bonuses.giving import balance, today
from tests.second_factor import typed

DAY = timedelta(days=1)


@pytest.fixture
def programme(db):
    return given_programme()


def customer(member_id) -> str:
    with database.begin() as session:
        return members.by_id(session, member_id).customer_id


def test_what_is_due_is_given_once_and_counted_by_programme_and_rule(db, cli, programme):
    given_bonus_rule(programme, "welcome", "sign-up")
    given_bonus_rule(programme, "club", "member-day", month_day=today().day, points=5)
    people = [given_member(db, programme, joined_on=today()) for _ in range(3)]

    first = cli("bonuses", "--as-of", today(), "--json")
    second = cli("bonuses", "--as-of", today())

    facts = json.loads(first.stdout)
    none = {"refused": {}, "used_up": False}
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert facts["given"] == {
        "gotone": {
            "club": {"bonuses": 3, "points": 15} | none,
            "welcome": {"bonuses": 3, "points": 30} | none,
        }
    }
    assert "gotone: 0 points in 0 bonuses welcome" in second.stdout
    assert "bonuses gotone welcome: 100 %" in first.stderr
    assert [balance(one) for one in people] == [15] * 3


def test_a_budget_that_does_not_suffice_is_a_finding(db, cli, programme):
    given_bonus_rule(programme, "welcome", "sign-up", budget_points=10)
    for _ in range(2):
        given_member(db, programme, joined_on=today())

    told = cli("bonuses", "--as-of", today(), "--programme", "gotone")

    assert told.exit_code == 1
    assert (
        "10 points in 1 bonuses welcome (not given: 1 budget-used-up; the budget is used up)" in told.stdout
    )


@pytest.mark.parametrize("days", [(1, None), (0, 1), (-1, -400)])
def test_days_that_cannot_be_are_refused(cli, programme, days):
    on, since = (today() + n * DAY if n is not None else None for n in days)

    told = cli("bonuses", "--as-of", on, *(("--since", since) if since else ()))

    assert told.exit_code == 2


def test_a_file_of_bonuses_is_taken_in_once(db, cli, programme, tmp_path):
    given_bonus_rule(programme, most_per_member=2)
    one, other = given_member(db, programme), given_member(db, programme)
    path = tmp_path / "surveys.csv"
    rows = [
        f"survey,{customer(one)},{today()},S-1",
        f"survey,{customer(one)},{today() - DAY},S-1",
        f"survey,{customer(one)},{today()},S-2",
        f"survey,{customer(one)},{today()},S-3",
        f"survey,{customer(other)},{today()},S-1",
        f"quiz,{customer(other)},{today()},Q-1",
        f"survey,C404,{today()},S-1",
        f"survey,{customer(other)},{today() + DAY},S-9",
        f"survey,{customer(other)},yesterday,S-9",
    ]
    path.write_text("\n".join(["rule,customer_id,on,ref", *rows, ""]))

    dry = cli("import", "bonuses", path, "--dry-run", "--json", "--quiet")
    nothing = balance(one)
    first = cli("import", "bonuses", path, "--json", "--quiet")
    second = cli("import", "bonuses", path, "--json", "--quiet")

    tried, facts, again = (json.loads(answer.stdout) for answer in (dry, first, second))
    counts = ("read", "posted", "already_there", "refused", "points")
    assert {name: facts[name] for name in counts} == {
        "read": 9, "posted": 3, "already_there": 1, "refused": 5, "points": {"survey": 30},
    }  # fmt: skip
    assert {name: tried[name] for name in counts} == {name: facts[name] for name in counts}
    assert (first.exit_code, nothing) == (1, 0)
    assert (again["posted"], again["already_there"], again["refused"]) == (0, 4, 5)
    said = {error["line"]: error["error"].split(":")[0] for error in facts["errors"]}
    assert said == {
        5: "bonus-cap-reached", 7: "bonus-rule-unknown", 8: "customer_id", 9: "bad-bonus", 10: "on",
    }  # fmt: skip
    assert (balance(one), balance(other)) == (20, 10)


@pytest.mark.parametrize(
    ("language", "origin", "movement"),
    [
        ("en", "welcome bonus of {on} (joining, rule welcome) (movement 1 of {on})",
         "Movement 1: welcome bonus (joining, {on}): by the rule welcome of {since} = 10 points"),
        ("zh-CN", "{on} welcome 奖励（入会，规则 welcome） ({on} 第 1 笔)",
         "第 1 笔: welcome 奖励（入会，{on}）：按 {since} 起的规则 welcome = 10 积分"),
    ],
)  # fmt: skip
def test_why_names_rule_occasion_and_day_in_both_languages(db, cli, programme, language, origin, movement):
    given_bonus_rule(programme, "welcome", "sign-up")
    member_id = given_member(db, programme, joined_on=today())
    cli("bonuses", "--as-of", today(), "--quiet")

    whole = cli("why", customer(member_id), "--language", language)
    one = cli("why", customer(member_id), "--posting", 1, "--language", language)
    facts = json.loads(cli("why", customer(member_id), "--json").stdout)

    days = {"on": today(), "since": today() - 30 * DAY}
    assert origin.format(**days) in whole.stdout
    assert movement.format(**days) in one.stdout
    assert facts["parts"][0]["origins"][0]["bonus"]["occasion"] == "sign-up"


def test_a_rule_and_goodwill_under_it_are_two_persons_work(db, cli, programme):
    given_bonus_rule(programme)  # brings the policy of promotions
    member_id, people = given_member(db, programme), ("maker@example.test", "checker@example.test")
    for email in people:
        given_person("editor", "support", "checker", email=email)

    def run(*words):
        return CliRunner().invoke(jifen, [str(word) for word in words], input=typed(db, words))

    def proposed(*words):
        return json.loads(run(*words, "--as", people[0], "--json").stdout)

    def approve(group, proposal, who):
        return run(
            group, "approve", proposal["id"], "--hash", proposal["content_hash"], "--as", who, "--json"
        )

    names = ("--name-zh", "致歉", "--name-en", "Sorry", "--programme", "gotone", "--from", today())
    rule = proposed("bonus-rules", "propose", "sorry", "goodwill", 100, *names, "--budget", 150)
    made = json.loads(approve("bonus-rules", rule, people[1]).stdout)
    why = ("--text", "a long outage", "--ticket", "T-17")
    asked = proposed("goodwill", "propose", customer(member_id), "sorry", 80, *why)
    own = approve("goodwill", asked, people[0])
    given = json.loads(approve("goodwill", asked, people[1]).stdout)
    listed = json.loads(run("bonus-rules", "list", "--state", "approved", "--json").stdout)["data"]

    assert (rule["state"], made["state"], given["posting"]) == ("proposed", "approved", 1)
    assert isinstance(own.exception, OwnProposal)
    assert (balance(member_id), listed[0]["given_points"], listed[0]["left_points"]) == (80, 80, 70)
