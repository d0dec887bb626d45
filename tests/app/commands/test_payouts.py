"""jifen payouts: a run by two persons, its file for the bank, the bank's answer, where everything stands."""

import hashlib
import json

import pytest
from click.testing import CliRunner

from app.cli import jifen
from base import clock
from base.approvals.approvals import ForHeadquarters, OwnProposal
from base.errors import NotAllowed
from tests.given import given_person
from tests.merchants.payouts.paying import DAY, given_bank, given_merchant, given_statement, payout_of
from tests.second_factor import typed

MAKER, CHECKER = "maker@example.test", "checker@example.test"


@pytest.fixture
def run(cli, db):
    """run(*words): a command, with the password on standard input."""
    given_person("finance", email=MAKER)
    given_person("checker", email=CHECKER)
    return lambda *words: CliRunner().invoke(jifen, [str(word) for word in words], input=typed(db, words))


@pytest.fixture
def statement(db):
    merchant = given_merchant("tea")
    given_bank(db, merchant)
    return given_statement(merchant, 12_345)


@pytest.fixture
def case(run, statement):
    told = run(
        "payouts",
        "run",
        "--route",
        "bank",
        "--until",
        clock.now().date() + 400 * DAY,
        "--as",
        MAKER,
        "--json",
    )
    assert told.exit_code == 0, told.output
    return json.loads(told.stdout)


def approve(run, case, who):
    return run("payouts", "approve", case["id"], "--hash", case["content_hash"], "--as", who, "--json")


def test_a_run_is_proposed_approved_written_and_taken_back(run, case, statement, tmp_path):
    listed = run("payouts", "list")
    own = approve(run, case, MAKER)
    done = approve(run, case, CHECKER)
    file, back = tmp_path / "out.csv", tmp_path / "back.csv"
    written = run("payouts", "files", case["run"], "--to", file, "--as", MAKER, "--json")
    back.write_text(f"reference,amount_fen,state,reason\n{case['run']}-1,12345,paid,\nnobody,1,paid,\n")
    taken = run("payouts", "return", back, "--as", MAKER)
    again = run("payouts", "return", back, "--as", MAKER)

    assert case["id"] in listed.stdout
    assert isinstance(own.exception, OwnProposal)
    assert done.exit_code == 0
    assert (
        json.loads(written.stdout)["sha256"]
        == hashlib.sha256(file.read_bytes()).hexdigest()
        == case["sha256"]
    )
    assert file.stat().st_mode & 0o077 == 0
    assert (taken.exit_code, "1 paid, 0 returned, 1 not understood" in taken.stdout) == (1, True)
    assert "reference: no payout of ours" in (tmp_path / "back.errors.csv").read_text()
    assert type(again.exception).__name__ == "FileTakenIn"
    assert payout_of(statement).state == "paid"


def test_show_tells_how_many_stand_where_and_each_step_of_one(run, case, statement):
    approve(run, case, CHECKER)

    everything = run("payouts", "show")
    some = json.loads(run("payouts", "show", "--state", "sent", "--json").stdout)
    one = run("payouts", "show", case["payouts"][0]["statement"])

    assert "1 sent" in everything.stdout
    assert "123.45 CNY" in everything.stdout
    assert (some["counts"], len(some["data"])) == ({"sent": 1}, 1)
    assert [word for word in ("planned", "approved", "sent") if word in one.stdout] == [
        "planned", "approved", "sent",
    ]  # fmt: skip


def test_who_may_not_handle_files_gets_none(run, case, tmp_path):
    approve(run, case, CHECKER)

    refused = run("payouts", "files", case["run"], "--to", tmp_path / "f.csv", "--as", CHECKER)

    assert isinstance(refused.exception, NotAllowed)
    assert not (tmp_path / "f.csv").exists()


def test_a_person_of_one_area_gets_no_banks_file_and_takes_none_in(run, case, tmp_path):
    approve(run, case, CHECKER)
    given_person("finance", email="area@example.test", area="33")

    file = run("payouts", "files", case["run"], "--to", tmp_path / "f.csv", "--as", "area@example.test")
    back = run("payouts", "return", tmp_path / "f.csv", "--as", "area@example.test")

    assert isinstance(file.exception, ForHeadquarters)
    assert isinstance(back.exception, ForHeadquarters)
    assert not (tmp_path / "f.csv").exists()
