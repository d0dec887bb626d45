"""Holidays come from a file of the operator, line by line or not at all, and are listed."""

from datetime import date

import pytest
from sqlalchemy import select

from base import database
from base.models import AuditRow
from merchants import business_days

HOLIDAYS = "day,state\n2026-10-01,closed\n2026-10-02,closed\n2026-10-10,open\n2027-01-01,closed\n"


@pytest.fixture
def file(tmp_path):
    def written(text):
        path = tmp_path / "days.csv"
        path.write_text(text, "utf-8")
        return str(path)

    return written


def calendar():
    with database.begin() as session:
        return business_days.load(session)


def test_a_file_is_taken_in_and_listed_and_the_same_again_changes_nothing(db, cli, file):
    first = cli("merchants", "calendar", file(HOLIDAYS)).output
    again = cli("merchants", "calendar", file(HOLIDAYS)).output
    listed = cli("merchants", "calendar", "--year", "2026").output

    assert (first, again) == ("4 days read, 4 of them said anew\n", "4 days read, 0 of them said anew\n")
    assert listed.splitlines() == [
        "2026-10-01  Thu  closed",
        "2026-10-02  Fri  closed",
        "2026-10-10  Sat  open",
    ]
    assert calendar()[date(2026, 10, 10)] is True
    with database.begin() as session:
        assert (
            len(session.scalars(select(AuditRow).where(AuditRow.action == "business-days.said")).all()) == 1
        )


def test_a_day_is_said_anew(db, cli, file):
    cli("merchants", "calendar", file(HOLIDAYS))

    said = cli("merchants", "calendar", file("day,state\n2026-10-10,closed\n")).output

    assert said == "1 days read, 1 of them said anew\n"
    assert calendar()[date(2026, 10, 10)] is False


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("2026-10-01,shut", "line 3: state: must be open or closed"),
        ("1 October,closed", "line 3: day:"),
        ("2026-05-01,closed", "line 3: day: twice in the file"),
        ("2026-10-01", "line 3: 1 fields instead of 2"),
    ],
)
def test_a_file_with_a_wrong_line_is_not_taken_in_at_all(db, cli, file, line, told):
    refused = cli("merchants", "calendar", file(f"day,state\n2026-05-01,closed\n{line}\n"))

    assert told in str(refused.exception)
    assert calendar() == {}
