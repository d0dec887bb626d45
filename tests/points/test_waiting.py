"""A bill line without a rule is refused, waits where it can be seen, and is rated once somebody has decided."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from base import database
from points import bills, ledger, policies, waiting
from points.bills import BillLineIn
from points.imports import What
from points.members import members
from points.members.members import Enrolment
from points.models import WaitingLine
from tests.given import LONG_AGO, given_programme, secrets_of, staff_token

DAY = date(2025, 3, 5)
LINE = BillLineIn("C1", "B1", 1, DAY, "roaming", 10_000)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def customers(db, programme):
    with database.begin() as session:
        rows = [Enrolment(f"C{number}", LONG_AGO) for number in range(1, 4)]
        return members.enrol_many(session, programme, secrets_of(db), rows)


def post(programme, *lines):
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        return bills.post_lines(session, programme, versions, lines)


def decide(programme, line_type="roaming", points=1):
    with database.begin() as session:
        policies.add_earn_rule(
            session, programme.programme_id, line_type, LONG_AGO, points=points, per_fen=100
        )


def counts(programme):
    with database.begin() as session:
        return waiting.counts(session, programme.programme_id)


def work_off(programme):
    done = waiting.Step()
    while True:
        with database.begin() as session:
            versions = policies.load(session, programme.programme_id)
            done.add(waiting.step(session, programme, versions, done.last))
        if done.last is None:
            return done


def stored():
    with database.begin() as session:
        return session.scalars(select(WaitingLine).order_by(WaitingLine.member_id, WaitingLine.line_no)).all()


def balance(member_id):
    with database.begin() as session:
        return ledger.read(session, member_id).balance


def test_a_line_of_an_unknown_type_is_refused_and_waits(programme, customers):
    outcome, good = post(programme, LINE, replace(LINE, line_no=2, line_type="plan"))

    assert (
        outcome.reason == "line_type: no rule is in force for roaming on 2025-03-05; the line waits for one"
    )
    assert good.what is What.POSTED
    assert counts(programme) == {"roaming": 1}
    assert work_off(programme).facts() == {
        "posted": 0,
        "points": {},
        "waiting": {"roaming": 1},
        "refused": [],
    }


def test_once_there_is_a_rule_the_line_is_rated_once(programme, customers):
    post(
        programme,
        replace(LINE, waived_fen=1_000, paid_fen=4_500),
        replace(LINE, line_no=2, line_type="games"),
    )
    decide(programme)

    first, second = work_off(programme), work_off(programme)

    assert first.facts() == {"posted": 1, "points": {"roaming": 45}, "waiting": {"games": 1}, "refused": []}
    assert second.facts() == {"posted": 0, "points": {}, "waiting": {"games": 1}, "refused": []}
    assert balance(customers["C1"]) == 45
    assert [row.line_type for row in stored()] == ["games"]


def test_a_line_that_comes_again_with_other_amounts_waits_as_it_came_last(programme, customers):
    post(programme, LINE, replace(LINE, amount_fen=9_000))
    post(programme, replace(LINE, amount_fen=8_000))
    decide(programme)

    assert work_off(programme).points == {"roaming": 80}


def test_a_line_that_a_file_rated_meanwhile_no_longer_waits(programme, customers):
    post(programme, LINE)
    decide(programme)
    post(programme, replace(LINE, amount_fen=7_000))

    assert counts(programme) == {}
    assert work_off(programme).facts() == {"posted": 0, "points": {}, "waiting": {}, "refused": []}
    assert (stored(), balance(customers["C1"])) == ([], 70)


def test_who_left_meanwhile_is_named_and_stays_in_the_queue(programme, customers):
    post(programme, LINE)
    decide(programme)
    with database.begin() as session:
        members.leave(session, customers["C1"], DAY)

    done = work_off(programme)

    assert done.refused == ["C1 bill B1 line 1: customer_id: the customer left on 2025-03-05"]
    assert len(stored()) == 1


def test_a_wrong_line_does_not_wait(programme, customers):
    post(
        programme,
        replace(LINE, amount_fen=-1),
        replace(LINE, waived_fen=10_001),
        replace(LINE, customer_id="C404"),
        replace(LINE, bill_day=date(2999, 1, 1)),
    )

    assert stored() == []


def test_a_dry_run_lets_nothing_wait(programme, customers, tmp_path):
    path = tmp_path / "bills.csv"
    path.write_text(",".join(bills.REQUIRED) + "\nB1,1,C1,2025-03-05,roaming,10000\n")

    dry = bills.take_in(programme, path, dry_run=True, quiet=True)
    before = stored()
    real = bills.take_in(programme, path, quiet=True)

    assert (dry.refused, real.refused, before, len(stored())) == (1, 1, [], 1)


def test_a_long_queue_is_worked_off_in_parts_and_each_programme_has_its_own(
    programme, customers, monkeypatch
):
    monkeypatch.setattr(waiting, "CHUNK", 3)
    other = given_programme("other")
    post(programme, *[replace(LINE, customer_id=f"C{n % 3 + 1}", line_no=n) for n in range(10)])
    decide(programme)

    assert counts(other) == {}
    assert work_off(other).posted == 0
    assert work_off(programme).posted == 10
    assert sum(map(balance, customers.values())) == 1_000


def test_staff_see_what_waits(app, programme, customers):
    post(programme, LINE, replace(LINE, line_no=2, line_type="games"))
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token("editor"))

    page = client.get("/staff/rates?programme=gotone&lang=en").text

    assert "Bill lines without a rule wait for one" in page
    assert "games" in page


def test_the_command_says_what_still_waits_and_ends_with_1_until_nothing_does(programme, customers, cli):
    post(programme, LINE)

    before = cli("import", "waiting")
    decide(programme)
    after, again = cli("import", "waiting", "--json", "--quiet"), cli("import", "waiting", "--quiet")

    assert (before.exit_code, after.exit_code, again.exit_code) == (1, 0, 0)
    assert "1  of type roaming wait for a rule" in before.stdout
    assert '"points": {"roaming": 100}' in after.stdout
