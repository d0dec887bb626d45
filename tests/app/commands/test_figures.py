"""jifen liability, figures, report: exit codes, JSON, safe to run twice."""

import json
from datetime import UTC, datetime

import pytest

from base import clock
from tests.given import given_member, given_programme

AFTER = datetime(2026, 11, 26, 4, tzinfo=UTC)


@pytest.fixture
def programme(db):
    found = given_programme()
    with clock.stopped(datetime(2026, 10, 2, 4, tzinfo=UTC)):
        given_member(db, found, points=700)
    with clock.stopped(AFTER):
        yield found


def test_the_liability_is_told_with_what_the_ledger_says(programme, cli):
    told = cli("liability", "--json", "--quiet")
    words = cli("liability", "--as-of", "2026-10-31", "--quiet")
    aloud = cli("liability", "--as-of", "2026-10-31", "--programme", "gotone")

    found = json.loads(told.stdout)["programmes"][0]
    assert (told.exit_code, found["as_of"], found["points"], found["ledger_points"], found["difference"]) == (
        0,
        "2026-11-25",
        700,
        700,
        0,
    )
    assert words.stdout == ""
    assert "2026-10" in aloud.stdout
    assert "The ledger says the same." in aloud.stdout
    assert "liability gotone: parts: 100 %" in aloud.stderr


def test_a_day_that_is_not_over_has_none(programme, cli):
    result = cli("liability", "--as-of", "2026-11-26")

    assert result.exit_code != 0
    assert type(result.exception).__name__ == "DayNotOver"


def test_all_that_is_due_is_taken_and_a_second_time_nothing(programme, cli):
    first, again = (json.loads(cli("figures", "--json", "--quiet").stdout)["taken"] for _ in range(2))

    assert {one["topic"] for one in first} == {"liability", "premium", "mix", "report"}
    assert again == []


def test_a_report_is_the_same_file_byte_for_byte(programme, db, cli, tmp_path):
    first = cli("report", "--period", "2026-10", "--quiet", "--out", tmp_path / "a.csv")
    given_member(db, programme)
    again = cli("report", "--period", "2026-10", "--quiet", "--out", tmp_path / "b.csv")
    shown = cli("report", "--period", "2026-10", "--quiet")

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes() == shown.stdout_bytes
    assert b"gotone,2026-10,2026-10-01,2026-10-31,hq" in shown.stdout_bytes


def test_a_wrong_period_names_what_is_right(programme, cli):
    result = cli("report", "--period", "november")

    assert type(result.exception).__name__ == "BadPeriod"
