"""jifen import balances: the totals are proposed, another person approves them, the same file is posted; or nothing moves."""

import json

import pytest
from click.testing import CliRunner

from app.cli import jifen
from base import database
from points import ledger
from points.members import members
from points.members.members import Enrolment
from tests.given import LONG_AGO, given_person, given_programme, secrets_of
from tests.second_factor import typed

MAKER, CHECKER = "maker@example.test", "checker@example.test"
ROWS = "key,customer_id,class,last_day,points,source,value_fen\nK1,C1,1,2031-03-31,100,boss,90\nK2,C2,1,2031-03-31,20,boss,\n"


@pytest.fixture
def programme(db):
    programme = given_programme()
    with database.begin() as session:
        members.enrol_many(session, programme, secrets_of(db), [Enrolment(c, LONG_AGO) for c in ("C1", "C2")])
    return programme


@pytest.fixture
def run(cli, db, programme):
    given_person("editor", "checker", email=MAKER)
    given_person("checker", email=CHECKER)

    def command(*words, password="a long password"):
        return CliRunner().invoke(jifen, [str(word) for word in words], input=typed(db, words, password))

    return command


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "balances.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def balance(programme, customer_id="C1"):
    with database.begin() as session:
        member_id = members.find_many(session, programme.programme_id, [customer_id])[customer_id]
        return ledger.read(session, member_id).balance


def propose(run, file, *more):
    return run("import", "balances", file, "--as", MAKER, "--json", "--quiet", *more)


def approve(run, proposal, who=CHECKER):
    return run(
        "balances", "approve", proposal["id"], "--hash", proposal["content_hash"], "--as", who, "--json"
    )


def test_from_the_file_to_the_ledger_by_two_persons(run, programme, file):
    alone = run("import", "balances", file)
    told = propose(run, file, "--expect-lines", 2, "--expect-points", 120)
    proposal = json.loads(told.stdout)
    waiting = run("import", "balances", file)
    listed = run("balances", "list")
    before = balance(programme)
    done = approve(run, proposal)
    posted = run("import", "balances", file, "--json", "--quiet")
    again = run("import", "balances", file, "--json", "--quiet", "--workers", "2")

    assert (alone.exit_code, told.exit_code, waiting.exit_code) == (2, 0, 1)
    assert "--as EMAIL" in alone.output
    assert proposal["totals"]["by_class"] == [{"class": 1, "until": "2031-03", "points": 120}]
    assert (proposal["totals"]["value_fen"], proposal["totals"]["without_value"]) == (90, 1)
    assert "points 120" in listed.stdout
    assert before == 0
    assert json.loads(done.stdout)["posted"]["points"] == 0
    assert (posted.exit_code, json.loads(posted.stdout)["posted"]) == (0, 2)
    assert (again.exit_code, json.loads(again.stdout)["already_there"]) == (0, 2)
    assert (balance(programme), balance(programme, "C2")) == (100, 20)
    assert (
        json.loads(run("balances", "list", "--state", "approved", "--json").stdout)["data"][0]["posted"][
            "points"
        ]
        == 120
    )


def test_a_dry_run_tells_the_totals_and_proposes_nothing(run, file):
    told = run("import", "balances", file, "--dry-run", "--json", "--quiet")

    assert json.loads(told.stdout)["sums"]["points"] == 120
    assert json.loads(run("balances", "list", "--json").stdout)["data"] == []


@pytest.mark.parametrize("more", [("--expect-lines", 3), ("--expect-points", 119)])
def test_other_totals_than_expected_are_not_proposed(run, file, more):
    told = propose(run, file, *more)

    assert told.exit_code == 2
    assert json.loads(run("balances", "list", "--json").stdout)["data"] == []


def test_nobody_proposes_and_approves(run, programme, file):
    proposal = json.loads(propose(run, file).stdout)

    assert approve(run, proposal, MAKER).exit_code != 0
    assert propose(run, file).exit_code == 1
    assert balance(programme) == 0


def test_who_may_not_propose_does_not(run, file):
    assert run("import", "balances", file, "--as", CHECKER).exit_code == 2
    assert run("import", "balances", file, "--as", MAKER, password="wrong").exit_code == 2


def test_a_file_that_was_changed_after_its_approval_is_refused(run, programme, file):
    approve(run, json.loads(propose(run, file).stdout))
    file.write_text(ROWS.replace("100", "10000"), encoding="utf-8")

    told = run("import", "balances", file, "--as", MAKER)

    assert told.exit_code == 2
    assert "not the file whose totals were approved" in told.output
    assert balance(programme) == 0


def test_less_than_was_approved_is_told(run, programme, file):
    approve(run, json.loads(propose(run, file).stdout))
    with database.begin() as session:
        member_id = members.find_many(session, programme.programme_id, ["C2"])["C2"]
        members.leave(session, member_id, LONG_AGO)

    told = run("import", "balances", file)

    assert told.exit_code == 1
    assert "Not as approved: points: approved 120, posted 100" in told.output
