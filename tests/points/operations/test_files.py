"""jifen import operations: a row each, safe to repeat, bad rows apart."""

import pytest
from click.testing import CliRunner

from app import local_setup
from app.commands.imports import imports
from base import clock, database
from points import ledger, policies
from points.members import members
from points.members.members import Enrolment
from tests.given import LONG_AGO, given_programme, secrets_of

HEAD = "key,customer_id,operation,points,of,on,class,ref\n"


@pytest.fixture
def run(db, monkeypatch, tmp_path):
    """Take a text in as a file of operations of gotone."""
    monkeypatch.setattr(local_setup, "ready", lambda: db)

    def take_in(text: str, *options: str):
        path = tmp_path / "operations.csv"
        path.write_text(HEAD + text, encoding="utf-8")
        return CliRunner().invoke(imports, ["operations", str(path), *options])

    return take_in


@pytest.fixture
def member_id(db) -> int:
    programme = given_programme()
    with database.begin() as session:
        policies.add_expiry_policy(
            session, programme.programme_id, policies.PROMOTION_POINTS, LONG_AGO, months=12
        )
        return members.enrol_many(session, programme, secrets_of(db), [Enrolment("C1", LONG_AGO)])["C1"]


def balance(member_id: int) -> tuple[int, int]:
    with database.begin() as session:
        wallet = ledger.read(session, member_id)
    return wallet.balance, wallet.held


def rows() -> str:
    on = clock.day(clock.now(), "Asia/Shanghai").isoformat()
    return f"k1,C1,earn,100,,{on},,welcome\nk2,C1,hold,60,,,,\nk3,C1,capture,25,k2,,,\n"


def test_a_file_is_done_once(run, member_id):
    first = run(rows())
    again = run(rows())

    assert (first.exit_code, again.exit_code) == (0, 0), first.output + again.output
    assert "3  posted" in first.stdout
    assert "3  already there" in again.stdout
    assert balance(member_id) == (40, 35)


def test_a_dry_run_keeps_nothing(run, member_id):
    assert "3  would be posted" in run(rows(), "--dry-run").stdout
    assert balance(member_id) == (0, 0)


def test_bad_rows_go_apart_and_harm_no_other(run, member_id, tmp_path):
    result = run(
        rows() + "k4,C9,redeem,1,,,,\nk5,C1,fly,1,,,,\nk6,C1,redeem,1000,,,,\nk1,C1,earn,7,,2024-01-01,,\n"
    )

    assert result.exit_code == 1
    told = (tmp_path / "operations.errors.csv").read_text(encoding="utf-8")
    assert "customer_id: no such customer" in told
    assert "operation: must be one of" in told
    assert "not-enough-points" in told
    assert "k1,C1,earn,7" in told
    assert balance(member_id) == (40, 35)
