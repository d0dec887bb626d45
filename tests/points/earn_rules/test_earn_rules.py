"""Earn rules by two persons: from a later day on, or before the first of a type, for which lines wait; never edited."""

import json
from datetime import date, timedelta

import pytest
from click.testing import CliRunner

from app.cli import jifen
from base import clock, database
from base.approvals import approvals
from points import policies
from points.earn_rules import earn_rules
from points.earn_rules.earn_rules import BadEarnRule, Row, Wanted
from points.policies import SameDayVersion
from tests.admin.console.test_approvals import browser
from tests.given import ZONE, caller, given_person, given_programme, staff_token
from tests.points.test_ledger import at_once
from tests.second_factor import typed

DAY = timedelta(days=1)
TODAY = clock.day(clock.now(), ZONE)
SOON = TODAY + DAY


@pytest.fixture
def programme(db):
    """1 point a yuan on plan and data."""
    return given_programme()


def propose(*rows):
    with database.begin() as session:
        wanted = Wanted("gotone", rows, "a new year")
        return earn_rules.propose(session, given_person("editor"), wanted, clock.now()).proposal


def approve(proposal, *, at=None, checker=None):
    with database.begin() as session:
        seen = proposal.content_hash.hex()
        approvals.approve(
            session, checker or given_person("checker"), proposal.proposal_id, seen, at or clock.now()
        )


def earned(programme, line_type, on):
    with database.begin() as session:
        return policies.load(session, programme.programme_id).earn_rule(line_type, on).points


def test_two_persons_change_what_lines_earn_over_http_and_the_past_stays(app, programme):
    maker, checker = caller(app, staff_token("editor")), caller(app, staff_token("checker"))
    rows = [
        {"line_type": "plan", "from_day": str(SOON), "points": 2, "per_fen": 100},
        {"line_type": "roaming", "from_day": "2026-01-01", "points": 3, "per_fen": 100},
    ]
    made = maker.post(
        "/v1/earn-rules/proposals", {"programme": "gotone", "rows": rows, "reason": "a new year"}
    ).json
    path = f"/v1/earn-rules/proposals/{made['id']}"
    pages = [
        browser(app, "checker", language=one).get(f"/staff/earn-rule-proposals/{made['id']}").text
        for one in ("en", "zh-CN")
    ]

    done = checker.post(f"{path}/approve", {"content_hash": made["content_hash"]})
    listed = checker.get("/v1/earn-rules", programme="gotone").json

    assert done.json["state"] == "approved"
    assert [(one["line_type"], one["points"], one["state"]) for one in listed] == [
        ("data", 1, "current"), ("plan", 1, "current"), ("plan", 2, "future"), ("roaming", 3, "current"),
    ]  # fmt: skip
    assert (earned(programme, "plan", TODAY), earned(programme, "plan", SOON)) == (1, 2)
    assert "2 points for ¥1.00" in " ".join(pages[0].split())
    assert "套餐费" in pages[1]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (Row("plan", TODAY, 2, 100), "from_day"),
        (Row("plan", date(2021, 1, 1), 2, 100), "from_day"),
        (Row("plan", SOON, -1, 100), "points"),
        (Row("plan", SOON, 1, 0), "per_fen"),
        (Row(" plan", SOON, 1, 100), "line_type"),
        (Row("", SOON, 1, 100), "line_type"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(programme, row, field):
    with pytest.raises(BadEarnRule) as refusal:
        propose(row)

    assert [one["pointer"] for one in refusal.value.facts["errors"]] == [f"/rows/0/{field}"]


def test_no_two_versions_begin_on_a_day_also_of_two_approved_at_once(programme):
    with pytest.raises(SameDayVersion):
        propose(Row("plan", SOON, 2, 100), Row("plan", SOON, 3, 100))
    cases, checkers = (
        [propose(Row("plan", SOON, points, 100)) for points in (2, 3)],
        [given_person("checker") for _ in range(2)],
    )

    came = at_once(2, lambda number: approve(cases[number], checker=checkers[number]))

    assert sorted(type(one).__name__ for one in came) == ["NoneType", "SameDayVersion"]
    late = propose(Row("data", SOON, 2, 100))
    with pytest.raises(BadEarnRule):
        approve(late, at=clock.start_of(SOON, ZONE))


def test_the_command_line_proposes_and_lists(cli, db, programme):
    given_person("editor", email="maker@example.test")

    def run(*words):
        return CliRunner().invoke(jifen, [str(word) for word in words], input=typed(db, words))

    asked = (
        "plan",
        "--points",
        2,
        "--per-fen",
        100,
        "--from",
        SOON,
        "--reason",
        "x",
        "--as",
        "maker@example.test",
    )
    made = json.loads(run("earn-rules", "propose", *asked, "--json").stdout)

    assert made["rows"] == [{"line_type": "plan", "from_day": str(SOON), "points": 2, "per_fen": 100}]
    assert made["id"] in run("earn-rules", "list").stdout
