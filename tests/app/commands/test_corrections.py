"""jifen import corrections: exit codes, the count, and the error file that can be sent again."""

import json

import pytest
from click.testing import CliRunner

from app import local_setup
from app.commands.imports import imports
from base import database
from points import bills, policies
from points.bills import BillLineIn
from points.imports import What
from points.members import members
from points.members.members import Enrolment
from tests.given import LONG_AGO, given_programme, secrets_of

HEAD = "correction_id,bill_id,line_no,customer_id,correction_day,amount_fen\n"
GOOD = HEAD + "K1,B1,1,C1,2025-04-01,7000\n"


@pytest.fixture
def run(db, monkeypatch):
    monkeypatch.setattr(local_setup, "ready", lambda: db)
    return lambda *args: CliRunner().invoke(imports, ["corrections", *map(str, args)])


@pytest.fixture
def line(db):
    """Customer C1 of gotone has line 1 of bill B1 with 100 points."""
    programme = given_programme("gotone")
    with database.begin() as session:
        members.enrol_many(session, programme, secrets_of(db), [Enrolment("C1", LONG_AGO)])
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        first = BillLineIn("C1", "B1", 1, LONG_AGO, "plan", 10_000)
        [outcome] = bills.post_lines(session, programme, versions, [first])
    assert outcome.what is What.POSTED


@pytest.fixture
def file(tmp_path):
    def write_it(text=GOOD):
        path = tmp_path / "corrections.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write_it


def test_done_is_0_and_says_what_moved(run, line, file):
    result = run(file(), "--programme", "gotone")

    assert result.exit_code == 0, result.output
    assert "1 rows read" in result.stdout
    assert "-30  points for plan" in result.stdout
    assert "1  already there" in run(file()).stdout


def test_a_dry_run_keeps_nothing(run, line, file):
    dry = json.loads(run(file(), "--dry-run", "--json").stdout)
    real = json.loads(run(file(), "--json").stdout)

    assert (dry["posted"], real["posted"]) == (1, 1)
    assert (dry["kind"], dry["points"]) == ("corrections", {"plan": -30})


def test_bad_rows_are_1_and_can_be_corrected_and_sent_again(run, line, file):
    path = file(GOOD + "K1,B404,1,C1,2025-04-01,7000\n")

    result = run(path)
    bad = path.with_name("corrections.errors.csv")
    bad.write_text(
        bad.read_text(encoding="utf-8").replace("B404", "B1").replace("K1", "K2"), encoding="utf-8"
    )

    assert result.exit_code == 1
    assert "line 3: bill_id: this customer has no such bill line in this programme" in result.stdout
    assert str(bad) in result.stdout
    assert run(bad).exit_code == 0


def test_a_missing_column_is_2(run, line, file):
    result = run(file("correction_id,bill_id\nK1,B1\n"))

    assert result.exit_code == 2
    assert "missing: 'line_no'" in result.stderr
