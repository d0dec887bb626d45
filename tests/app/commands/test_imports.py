"""jifen import: exit codes, one JSON object, and errors with a next step instead of a traceback."""

import json

import pytest
from click.testing import CliRunner

from app import local_setup
from app.commands.imports import imports
from base import clock, csv_files, database, locks
from points import bills, preview, programmes
from tests.admin.test_airline import write
from tests.given import given_programme

GOOD = "bill_id,line_no,customer_id,bill_day,line_type,amount_fen\nB1,1,C1,2025-03-05,plan,12345\n"


@pytest.fixture
def run(db, monkeypatch):
    monkeypatch.setattr(local_setup, "ready", lambda: db)
    return lambda *args: CliRunner().invoke(imports, [str(arg) for arg in args])


@pytest.fixture
def gotone(run, tmp_path):
    """A programme with one member, C1."""
    given_programme("gotone")
    path = tmp_path / "members.csv"
    path.write_text("customer_id,joined_on\nC1,2024-01-01\n")
    assert run("members", path, "--quiet").exit_code == 0


@pytest.fixture
def bill_file(tmp_path):
    def write_it(text=GOOD):
        path = tmp_path / "bills.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write_it


def test_done_is_0_and_says_what_was_done(run, gotone, bill_file):
    result = run("bills", bill_file(), "--programme", "gotone")

    assert result.exit_code == 0, result.output
    assert "1 rows read" in result.stdout
    assert "123  points for plan" in result.stdout
    assert "bills: 100 %" in result.stderr


def test_json_is_one_object_on_standard_output(run, gotone, bill_file):
    result = run("bills", bill_file(), "--json")

    facts = json.loads(result.stdout)
    assert (facts["read"], facts["posted"], facts["points"], facts["adds_up"]) == (1, 1, {"plan": 123}, True)


def test_quiet_says_nothing(run, gotone, bill_file):
    assert run("bills", bill_file(), "--quiet").output == ""


def test_bad_rows_are_1_and_named_with_their_file(run, gotone, bill_file):
    path = bill_file(GOOD + "B1,2,C404,2025-03-05,plan,1\n")

    result = run("bills", path)

    assert result.exit_code == 1
    assert "line 3: customer_id: no such customer" in result.stdout
    assert str(path.with_name("bills.errors.csv")) in result.stdout


def test_a_dry_run_says_that_it_kept_nothing(run, gotone, bill_file):
    assert "would be posted (dry run, nothing was kept)" in run("bills", bill_file(), "--dry-run").stdout
    assert "1  posted" in run("bills", bill_file()).stdout


def test_a_file_that_cannot_be_read_is_2_with_the_next_step(run, gotone, tmp_path):
    path = tmp_path / "bills.csv"
    path.write_bytes(GOOD.encode() + "全球通".encode("gb18030"))

    result = run("bills", path)

    assert result.exit_code == 2
    assert "line 3 is not UTF-8; save the file as UTF-8" in result.stderr
    assert "Traceback" not in result.output
    assert run("bills", tmp_path / "nowhere.csv").exit_code == 2


def test_of_several_programmes_one_must_be_named(run, gotone, bill_file):
    given_programme("m-zone")

    result = run("bills", bill_file())
    unknown = run("bills", bill_file(), "--programme", "easyown")

    assert (result.exit_code, unknown.exit_code) == (2, 2)
    assert "gotone, m-zone" in result.stderr
    assert "There is no such programme." in unknown.stderr


def test_without_any_programme_the_next_step_is_named(run, bill_file):
    result = run("bills", bill_file())

    assert result.exit_code == 2
    assert "jifen demo" in result.stderr


def test_wrong_use_is_2(run):
    assert run("bills").exit_code == 2
    assert run("airline", "nowhere").exit_code == 2


def test_ctrl_c_says_that_the_same_command_goes_on(run, gotone, bill_file, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(bills, "post_lines", interrupted)
    result = run("bills", bill_file())

    assert result.exit_code == 130
    assert "the same command goes on" in result.stderr


def test_the_airline_makes_its_own_programme(run, tmp_path):
    result = run("airline", write(tmp_path), "--json")

    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert (facts["members"], facts["openings"], facts["posted"], facts["refused"]) == (4, 1, 8, [])
    assert "8  already there" in run("airline", tmp_path).stdout


def test_a_closed_programme_takes_no_file_though_it_is_the_only_one(run, gotone, bill_file):
    with database.begin() as session:
        programmes.by_code(session, "gotone").closed_at = clock.now()

    result = run("bills", bill_file())

    assert result.exit_code == 2
    assert "closed" in result.stderr


def test_a_dry_run_tells_what_would_be_owed_by_which_rule_and_to_whom(run, gotone, bill_file):
    path = bill_file()

    result = run("bills", path, "--dry-run")
    facts = json.loads(run("bills", path, "--dry-run", "--json").stdout)

    assert result.exit_code == 0, result.output
    assert "123  fen more owed, at the programme's rate for bill credit" in result.stdout
    assert "123  points in 1 postings by the rule for plan from 2020-01-01 on, class 1" in result.stdout
    assert "123  **** in 1 postings" in result.stdout
    assert "line 2: bill_id B1, line_no 1, customer_id ****, bill_day 2025-03-05" in result.stdout
    assert (facts["preview"]["liability_fen"], facts["recounted"]) == (123, 123)


def test_so_many_workers_do_the_same(run, gotone, bill_file):
    rows = "".join(f"B1,{n},C1,2025-03-05,plan,12345\n" for n in range(2, 2_500))

    result = run("bills", bill_file(GOOD + rows), "--workers", "2", "--json")

    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["posted"], facts["points"]) == (0, 2_499, {"plan": 2_499 * 123})
    assert result.stderr.count("bills: 100 %") == 1


@pytest.mark.parametrize("workers", ["0", "65", "two"])
def test_a_senseless_number_of_workers_is_2(run, gotone, bill_file, workers):
    assert run("bills", bill_file(), "--workers", workers).exit_code == 2


def test_a_file_that_is_being_taken_in_is_2_with_the_next_step(run, gotone, bill_file):
    path = bill_file()
    with database.begin() as session:
        programme = programmes.by_code(session, "gotone")
    file = csv_files.opened(path, bills.REQUIRED, bills.OPTIONAL)

    with locks.held(f"import {programme.programme_id} bills {file.sha256.hex()}"):
        result = run("bills", path)

    assert result.exit_code == 2
    assert "Another run is taking this file in" in result.stderr
    assert "the same command then says what became of the file" in result.stderr
    assert run("bills", path).exit_code == 0


def test_points_that_the_ledger_does_not_hold_are_1(run, gotone, bill_file, monkeypatch):
    monkeypatch.setattr(preview, "recounted", lambda session, before: 122)

    result = run("bills", bill_file())

    assert result.exit_code == 1
    assert "do not add up" in result.stderr


def test_members_with_all_there_is_and_groups_come_in_by_several_processes(run, tmp_path):
    given_programme("gotone")
    people, companies = tmp_path / "people.csv", tmp_path / "companies.csv"
    people.write_text(
        "customer_id,joined_on,name,area\nG1,2024-01-01,,\nC1,2024-01-01,张三,3301\n", encoding="utf-8"
    )
    companies.write_text(
        "group,name,class,contact,rank,cap_points\nG1,Acme,A,C1,中层领导,50\n", encoding="utf-8"
    )

    dry = run("members", people, "--workers", "2", "--dry-run", "--json", "--quiet")
    done = run("members", people, "--workers", "2", "--json", "--quiet")
    first, second = (run("groups", companies, "--json", "--quiet") for _ in range(2))

    assert [json.loads(one.stdout)["posted"] for one in (dry, done, first, second)] == [2, 2, 1, 0]
    assert [one.exit_code for one in (dry, done, first, second)] == [0, 0, 0, 0]
    assert "张三" not in dry.output + done.output
