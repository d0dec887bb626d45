"""A list of members: enrolled once, closed when they left, refused where it contradicts what is known."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, text

from base import clock, database
from points import ledger
from points.imports import CHUNK
from points.kinds import State
from points.members import attributes, imports, members
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


# Tier and birthday

MORE = "customer_id,joined_on,tier,tier_from,birthday\n"


def known(programme, customer_id="C1"):
    with database.begin() as session:
        member_id = members.find_many(session, programme.programme_id, [customer_id])[customer_id]
        return attributes.of_many(session, [member_id]).get(member_id)


def test_a_list_may_tell_tier_and_birthday(programme, take_in):
    report = take_in(MORE + "C1,2020-01-01,star5,2024-06-01,02-29\nC2,2020-01-01,,,\n")

    assert (report.posted, report.refused) == (2, 0)
    assert known(programme).tiers == ((date(2024, 6, 1), "star5"),)
    assert known(programme).birthday == "02-29"
    assert known(programme, "C2") is None


def test_a_tier_without_a_day_holds_from_the_day_of_the_list(programme, take_in):
    today = clock.day(clock.now(), programme.zone)
    take_in(MORE + "C1,2020-01-01,star5,,\n")

    again = take_in(MORE + "C1,2020-01-01,star5,,\n")

    assert (again.posted, again.already_there) == (0, 1)
    assert known(programme).tier_on(today) == "star5"
    assert known(programme).tier_on(today - timedelta(days=1)) is None


def test_another_tier_from_another_day_is_taken_and_the_old_one_stays_what_it_was(programme, take_in):
    for row in ("star5,2024-06-01", "star4,2025-01-01", "star5,2024-06-01", "star6,2023-01-01"):
        assert take_in(f"{MORE}C1,2020-01-01,{row},\n").refused == 0

    told = [
        known(programme).tier_on(date(*day))
        for day in ((2022, 12, 31), (2023, 1, 1), (2024, 6, 1), (2025, 1, 1))
    ]
    assert told == [None, "star6", "star5", "star4"]


def test_a_known_customer_may_get_a_birthday_later_but_never_another(programme, take_in):
    take_in(MORE + "C1,2020-01-01,,,\n")

    first, again, other = [take_in(f"{MORE}C1,2020-01-01,,,{day}\n") for day in ("05-06", "05-06", "06-06")]

    assert [(one.posted, one.already_there, one.refused) for one in (first, again, other)] == [
        (1, 0, 0), (0, 1, 0), (0, 0, 1),
    ]  # fmt: skip
    assert other.errors[0]["error"].startswith("birthday: changed")
    assert known(programme).birthday == "05-06"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",,02-30", "birthday: is not a day of the year (MM-DD, without the year)"),
        (",,13-01", "birthday: "),
        (",,00-10", "birthday: "),
        (",,04-31", "birthday: "),
        (",,1990-05-06", "birthday: "),
        (",,5-6", "birthday: "),
        (",,０５-06", "birthday: "),
        (",,05-06 ", "birthday: "),
        ("五星,,", "tier: is not 1 to 32 letters"),
        ("ｓｔａｒ5,,", "tier: "),
        ("a b,,", "tier: "),
        ("x" * 33 + ",,", "tier: "),
        ("star5,２０２４-01-01,", "tier_from: "),
        ("star5,2024-02-30,", "tier_from: "),
        ("star5,2999-01-01,", "tier_from: must lie between"),
        ("star5,1949-12-31,", "tier_from: must lie between"),
        (",2024-01-01,", "tier_from: names a day and no tier"),
    ],
)
def test_a_tier_or_birthday_that_cannot_be_is_refused(programme, take_in, row, reason):
    report = take_in(f"{MORE}C1,2020-01-01,{row}\nC2,2020-01-01,star5,2024-01-01,05-06\n")

    assert (report.posted, report.refused) == (1, 1)
    assert report.errors[0]["error"].startswith(reason)
    assert "C1" not in stored(programme)


def test_two_tiers_from_one_day_contradict_each_other(programme, take_in):
    take_in(MORE + "C1,2020-01-01,star5,2024-06-01,\n")

    report = take_in(MORE + "C1,2020-01-01,star4,2024-06-01,\n")

    assert report.errors[0]["error"] == "tier: changed; from 2024-06-01 on it is star5"
    assert known(programme).tier_on(date(2026, 1, 1)) == "star5"


def test_a_birthday_is_nowhere_but_in_its_table(programme, take_in, owner):
    take_in(MORE + "C1,2020-01-01,star5,2024-06-01,02-29\n")

    tables = (
        owner.execute(text("select tablename from pg_tables where schemaname = 'public'")).scalars().all()
    )
    found = {
        table
        for table in tables
        if owner.execute(text(f"select count(*) from {table} t where t::text ~ '02-29'")).scalar_one()
    }
    assert found == {"member_facts"}
