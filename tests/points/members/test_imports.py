"""A list of members: enrolled once, closed when they left, refused where it contradicts what is known."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from base import clock, database
from points import ledger
from points.imports import CHUNK
from points.kinds import State
from points.members import imports, members
from points.members.models import Member, Phone
from tests.given import given_programme, secrets_of

HEAD = "customer_id,joined_on,phone,left_on\n"


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def take_in(db, programme, tmp_path):
    def run(text, **more):
        path = tmp_path / "members.csv"
        path.write_text(text, encoding="utf-8")
        return imports.take_in(programme, secrets_of(db), path, quiet=True, **more)

    return run


def stored(programme):
    with database.begin() as session:
        rows = session.scalars(select(Member).where(Member.programme_id == programme.programme_id))
        return {row.customer_id: row for row in rows}


def test_members_are_enrolled_with_wallet_and_phone(db, programme, take_in):
    report = take_in(HEAD + "C1,2024-02-29,13800138000,\nC2,2023-01-01,,\n")

    assert (report.read, report.posted, report.refused) == (2, 2, 0)
    with database.begin() as session:
        found = members.by_phone(session, secrets_of(db), programme.programme_id, "13800138000")
        assert found is not None
        wallet = ledger.read(session, found.member_id)
    assert (found.customer_id, found.joined_on) == ("C1", date(2024, 2, 29))
    assert (wallet.state, wallet.balance) == (State.OPEN, 0)
    assert wallet.at == clock.start_of(date(2024, 2, 29), programme.zone)


def test_only_two_columns_are_needed(programme, take_in):
    assert take_in("joined_on,customer_id\n2024-01-01,C1\n").posted == 1


def test_who_has_left_is_enrolled_and_closed(programme, take_in):
    take_in(HEAD + "C1,2023-01-01,,2024-05-31\n")

    member = stored(programme)["C1"]
    with database.begin() as session:
        assert ledger.read(session, member.member_id).state is State.CLOSED
    assert member.left_on == date(2024, 5, 31)


def test_a_later_list_closes_who_has_left_since(programme, take_in):
    take_in(HEAD + "C1,2023-01-01,13800138000,\nC2,2023-01-01,,\n")

    report = take_in(HEAD + "C1,2023-01-01,13800138000,2024-05-31\nC2,2023-01-01,,\n")

    assert (report.posted, report.already_there, report.refused) == (1, 1, 0)
    member = stored(programme)["C1"]
    with database.begin() as session:
        assert ledger.read(session, member.member_id).state is State.CLOSED
    assert member.left_on == date(2024, 5, 31)


def test_the_same_list_again_changes_nothing(programme, take_in):
    rows = [f"C{n},2023-01-01,{13800000000 + n},{'2024-01-31' if n % 2 else ''}\n" for n in range(CHUNK + 20)]

    first, second = take_in(HEAD + "".join(rows)), take_in(HEAD + "".join(rows))

    assert (first.posted, second.posted, second.already_there) == (CHUNK + 20, 0, CHUNK + 20)
    with database.begin() as session:
        assert session.scalar(select(func.count()).select_from(Phone)) == CHUNK + 20


def test_a_customer_twice_in_a_list_is_enrolled_once(programme, take_in):
    report = take_in(HEAD + "C1,2023-01-01,,\nC1,2023-01-01,,\nC1,2023-01-02,,\n")

    assert (report.posted, report.already_there, report.refused) == (1, 1, 1)
    assert report.errors[0]["error"].startswith("changed: ")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("C1,2023-01-02,,", "joined_on: changed; the customer joined on 2023-01-01"),
        ("C1,2023-01-01,13900000000,", "phone: changed"),
        ("C2,2023-01-01,,", "left_on: changed; the customer left on 2024-01-31"),
        ("C2,2023-01-01,,2024-02-29", "left_on: changed"),
        ("C2,2024-06-01,,", "joined_on: the customer left on 2024-01-31; coming back"),
    ],
)
def test_a_list_does_not_change_what_is_known(programme, take_in, row, reason):
    take_in(HEAD + "C1,2023-01-01,13800138000,\nC2,2023-01-01,,2024-01-31\n")
    before = {c: (m.member_id, m.joined_on, m.left_on) for c, m in stored(programme).items()}

    report = take_in(HEAD + row + "\n")

    assert report.errors[0]["error"].startswith(reason)
    assert {c: (m.member_id, m.joined_on, m.left_on) for c, m in stored(programme).items()} == before


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",2023-01-01,,", "customer_id: is empty"),
        ("C 1,2023-01-01,,", "customer_id: "),
        ("客户,2023-01-01,,", "customer_id: "),
        ("C１,2023-01-01,,", "customer_id: "),
        ("C1,2023-02-30,,", "joined_on: '2023-02-30' is not a day"),
        ("C1,,,", "joined_on: "),
        ("C1,0001-01-01,,", "joined_on: must lie between"),
        (f"C1,{date.max},,", "joined_on: must lie between"),
        ("C1,2023-01-01,,2022-12-31", "left_on: must lie between"),
        ("C1,2023-01-01,,2999-01-01", "left_on: must lie between"),
        ("C1,2023-01-01,138-0013,", "phone: "),
        ("C1,2023-01-01,１３８００１３８０００,", "phone: "),
        ("C1,2023-01-01", "2 fields instead of 4"),
    ],
)
def test_a_wrong_row_is_refused_and_the_next_one_is_taken(programme, take_in, row, reason):
    report = take_in(HEAD + row + "\nC9,2023-01-01,,\n")

    assert (report.posted, report.refused) == (1, 1)
    assert report.errors[0]["error"].startswith(reason)
    assert set(stored(programme)) == {"C9"}


def test_today_is_the_programmes_today(programme, take_in):
    today = clock.day(clock.now(), programme.zone)

    report = take_in(HEAD + f"C1,{today},,\nC2,{today + timedelta(days=1)},,\n")

    assert (report.posted, report.refused) == (1, 1)


def test_a_dry_run_enrols_nobody(programme, take_in):
    report = take_in(HEAD + "C1,2023-01-01,,\nC2,2023-01-01,,2024-01-31\nC1,2023-01-01,,\n", dry_run=True)

    assert (report.posted, report.already_there) == (2, 1)
    assert stored(programme) == {}
