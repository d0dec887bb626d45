"""jifen import payments: exit codes, the count, and the error file that can be sent again."""

import json

import pytest

from base import database
from points import bills, policies
from points.bills import BillLineIn
from points.members import members
from points.members.members import Enrolment
from tests.given import LONG_AGO, given_programme, secrets_of

HEAD = "payment_id,bill_id,line_no,customer_id,paid_day,paid_fen\n"
GOOD = HEAD + "P1,B1,1,C1,2025-04-01,4000\n"


@pytest.fixture
def file(db, tmp_path):
    """Customer C1 of gotone has an unpaid line of 100.00; a file of payments."""
    programme = given_programme()
    with database.begin() as session:
        members.enrol_many(session, programme, secrets_of(db), [Enrolment("C1", LONG_AGO)])
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        line = BillLineIn("C1", "B1", 1, LONG_AGO, "plan", 10_000, 0, 0)
        bills.post_lines(session, programme, versions, [line])

    def write_it(text=GOOD):
        path = tmp_path / "payments.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write_it


def test_done_is_0_and_says_what_was_released(cli, file):
    path = file()
    dry = json.loads(cli("import", "payments", path, "--dry-run", "--json").stdout)
    result = cli("import", "payments", path, "--programme", "gotone")

    assert (dry["kind"], dry["posted"], dry["points"]) == ("payments", 1, {"plan": 40})
    assert result.exit_code == 0, result.output
    assert "40  points for plan" in result.stdout
    assert "1  already there" in cli("import", "payments", path).stdout


def test_bad_rows_are_1_and_can_be_corrected_and_sent_again(cli, file):
    path = file(GOOD + "P2,B404,1,C1,2025-04-01,4000\nP3,B1,1,C1,2025-04-01,6001\n")

    result = cli("import", "payments", path)
    bad = path.with_name("payments.errors.csv")
    bad.write_text(
        bad.read_text(encoding="utf-8").replace("B404", "B1").replace("6001", "2000"), encoding="utf-8"
    )

    assert result.exit_code == 1
    assert "line 3: bill_id: this customer has no such bill line in this programme" in result.stdout
    assert "line 4: paid_fen: is more than the 6000 that are still to be paid" in result.stdout
    assert cli("import", "payments", bad).exit_code == 0


def test_a_file_with_other_columns_is_2(cli, file):
    assert cli("import", "payments", file("bill_id,line_no\nB1,1\n")).exit_code == 2
