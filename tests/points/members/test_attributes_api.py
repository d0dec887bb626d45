"""What members are, told over HTTP and by file: dated, by whom and why; never edited, never of a day to come."""

from datetime import timedelta

import pytest

from base import database, ids
from points.members import attribute_files, facts, members
from points.members.attributes import Told, tell
from points.members.models import MemberFacts
from tests.given import caller, given_member, given_programme, service_key, staff_token
from tests.points.segments.peopled import today
from tests.points.test_ledger import at_once

DAY = "2024-06-01"


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme)


@pytest.fixture
def system(app, programme):
    return caller(app, service_key(programme, "members:read", "members:write"))


def path(member_id):
    return f"/v1/members/{ids.public('mbr', member_id)}/attributes"


def body(name="risk", value="3", day=DAY, **more):
    return {"name": name, "from_day": day, "value": value} | more


def known(member_id):
    with database.begin() as session:
        row = session.get(MemberFacts, member_id)
        return {"risk": row.risk, "area": row.area, "arpu": row.arpu_fen, "birthday": row.birthday}


def test_a_risk_grade_is_told_with_its_day_and_reason_and_stands_in_the_facts(system, member_id):
    told = system.post(path(member_id), body(reason="index of June"))

    assert told.status_code == 201
    assert (told.json["value"], told.json["from_day"], told.json["reason"]) == ("3", DAY, "index of June")
    assert told.json["source"].startswith("service:")
    with database.begin() as session:
        assert facts.of(session, member_id, today()).risk == 3


def test_the_latest_day_counts_whichever_is_told_last(system, member_id):
    for day, value in (("2024-06-01", "3"), ("2025-01-01", "1"), ("2024-12-31", "4")):
        assert system.post(path(member_id), body(value=value, day=day)).status_code == 201

    assert known(member_id)["risk"] == 1
    rows = system.get(path(member_id)).json["data"]
    assert [(row["from_day"], row["value"]) for row in rows] == [
        ("2025-01-01", "1"), ("2024-12-31", "4"), ("2024-06-01", "3"),
    ]  # fmt: skip


def test_the_same_again_is_there_and_another_value_for_the_day_is_refused(system, member_id):
    first, again, other = (system.post(path(member_id), body(value=value)) for value in ("3", "3", "4"))

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert other.json["type"] == "/problems/attribute-changed"
    assert known(member_id)["risk"] == 3


@pytest.mark.parametrize(
    ("name", "value", "day", "status"),
    [
        ("risk", "3", str(today() + timedelta(days=2)), 422),
        ("risk", "3", "1949-12-31", 422),
        ("risk", "5", DAY, 422),
        ("risk", "-1", DAY, 422),
        ("risk", "３", DAY, 422),
        ("area", "3301x", DAY, 422),
        ("arpu_fen", "88.5", DAY, 422),
        ("birthday", "02-30", DAY, 422),
        ("mood", "good", DAY, 422),
    ],
)
def test_what_cannot_be_told_is_refused_and_changes_nothing(system, member_id, name, value, day, status):
    assert system.post(path(member_id), body(name, value, day)).status_code == status
    assert known(member_id) == {"risk": None, "area": "", "arpu": None, "birthday": None}


def test_everything_that_may_be_told_reaches_the_facts(system, member_id):
    for name, value in (("area", "330106"), ("arpu_fen", "8800"), ("risk", "0")):
        assert system.post(path(member_id), body(name, value)).status_code == 201

    assert known(member_id) == {"risk": 0, "area": "330106", "arpu": 8800, "birthday": None}


def test_a_birthday_is_not_told_here_where_its_value_would_be_kept(system, member_id):
    refused = system.post(path(member_id), body("birthday", "02-29"))

    assert (refused.status_code, refused.json["type"]) == (422, "/problems/bad-attribute")
    assert known(member_id)["birthday"] is None


def test_the_history_goes_page_by_page(system, member_id):
    for number in range(1, 6):
        system.post(path(member_id), body(value="1", day=f"2024-0{number}-01"))
        system.post(path(member_id), body("area", "33", day=f"2024-0{number}-01"))

    pages, cursor = [], None
    while True:
        page = system.get(path(member_id), limit=3, **({"cursor": cursor} if cursor else {})).json
        pages += page["data"]
        if not page["has_more"]:
            break
        cursor = page["next_cursor"]

    assert pages == system.get(path(member_id)).json["data"]
    assert len(pages) == 10


def test_a_member_of_another_programme_is_not_there(app, db, member_id):
    stranger = caller(app, service_key(given_programme("mzone"), "members:read", "members:write"))

    assert stranger.post(path(member_id), body()).json["type"] == "/problems/member-unknown"
    assert stranger.get(path(member_id)).json["type"] == "/problems/member-unknown"


def test_staff_who_may_read_members_see_the_history(app, system, member_id):
    system.post(path(member_id), body())

    assert len(caller(app, staff_token("support")).get(path(member_id)).json["data"]) == 1
    assert caller(app, staff_token("editor")).get(path(member_id)).status_code == 403


def test_of_two_who_tell_different_things_at_once_one_is_refused(db, programme, member_id):
    def say(number):
        with database.begin() as session:
            return tell(session, member_id, Told("risk", today(), str(number), "test"), today())

    answers = at_once(2, say)

    assert sorted(type(answer).__name__ for answer in answers) == ["AttributeChanged", "bool"]


# By file

HEAD = "customer_id,name,from_day,value,source,reason\n"


@pytest.fixture
def take_in(programme, tmp_path):
    def run(text, **more):
        file = tmp_path / "attributes.csv"
        file.write_text(text, encoding="utf-8")
        return attribute_files.take_in(programme, file, quiet=True, **more)

    return run


@pytest.fixture
def customer(member_id):
    with database.begin() as session:
        return members.by_id(session, member_id).customer_id


def test_a_file_tells_what_members_are_and_twice_changes_nothing(system, take_in, member_id, customer):
    text = (
        HEAD
        + f"{customer},risk,{DAY},4,crm,index\n{customer},area,{DAY},330106,,\n{customer},arpu_fen,{DAY},9900,,\n"
    )

    first, again = take_in(text), take_in(text)

    assert (first.posted, first.refused, again.posted, again.already_there) == (3, 0, 0, 3)
    assert known(member_id) == {"risk": 4, "area": "330106", "arpu": 9900, "birthday": None}
    said = {row["name"]: (row["source"], row["reason"]) for row in system.get(path(member_id)).json["data"]}
    assert said == {"risk": ("crm", "index"), "area": ("import", None), "arpu_fen": ("import", None)}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("nobody,risk,2024-06-01,1,,", "customer_id: no such customer"),
        ("{c},risk,2999-01-01,1,,", "from_day: must lie between"),
        ("{c},risk,2024-06-01,5,,", "value: is not a whole number from 0 to 4"),
        ("{c},mood,2024-06-01,5,,", "name: is one of"),
        ("{c},risk,2024-05-01,2,,", "changed: "),
        ("{c},risk,2024-02-30,2,,", "from_day: "),
    ],
)
def test_a_row_that_cannot_be_is_refused_and_the_next_is_taken(take_in, member_id, customer, row, reason):
    report = take_in(
        HEAD
        + f"{customer},risk,2024-05-01,1,,\n"
        + row.format(c=customer)
        + f"\n{customer},area,{DAY},33,,\n"
    )

    assert (report.posted, report.refused) == (2, 1)
    assert report.errors[0]["error"].startswith(reason)
    assert known(member_id)["area"] == "33"


def test_a_dry_run_tells_nothing(take_in, member_id, customer):
    report = take_in(HEAD + f"{customer},risk,{DAY},4,,\n{customer},risk,{DAY},3,,\n", dry_run=True)

    assert (report.posted, report.refused) == (1, 1)
    assert known(member_id)["risk"] is None


def test_the_command_takes_the_file(cli, programme, member_id, customer, tmp_path):
    file = tmp_path / "risk.csv"
    file.write_text(HEAD + f"{customer},risk,{DAY},4,,\n")

    assert cli("import", "attributes", file, "--quiet").exit_code == 0
    assert known(member_id)["risk"] == 4
