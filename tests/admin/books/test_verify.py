"""The books held against the tables: a mirror left out or doubled, a forgotten unit, a fen too much, each is named."""

import dataclasses

import pytest
from sqlalchemy import text

from admin.books import facts, verify
from base import database
from tests.owner import owner


def found() -> list[tuple[str, str]]:
    with database.begin() as session:
        return [(one.place, one.text) for one in verify.findings(session)]


def places() -> set[str]:
    return {place for place, _ in found()}


@pytest.fixture
def asks(monkeypatch):
    """The question of an event asked otherwise."""

    def otherwise(event, change):
        changed = tuple(
            dataclasses.replace(one, question=change(one.question)) if one.event == event else one
            for one in facts.SOURCES
        )
        monkeypatch.setattr(facts, "SOURCES", changed)

    yield otherwise
    monkeypatch.undo()


@pytest.fixture
def undone(trade):
    """A use that was undone, and one that stands."""
    redemption = trade.issued()
    trade.voided(trade.accepted(redemption))
    trade.accepted(redemption)
    return redemption


def test_books_that_are_right_have_no_finding(undone):
    assert found() == []


def test_a_mirror_left_out_is_found(undone, asks):
    asks("acceptance-voided", lambda question: f"select * from ({question}) q limit 0")

    assert places() == {"voucher_liability CNY", "payable_open:tea CNY", "mirrors"}


def test_a_mirror_written_twice_is_found(undone, asks):
    asks("acceptance-voided", lambda question: f"{question} union all {question}")

    assert places() == {"voucher_liability CNY", "payable_open:tea CNY", "mirrors"}


def test_a_void_that_is_gone_is_found_with_its_acceptance(db, undone):
    with owner(db) as connection:
        row = connection.execute(text("delete from void returning *")).mappings().one()

    told = found()

    assert (
        f"member {row['member_id']} acceptance {row['acceptance_id']}",
        "0 mirrors of its one void or none",
    ) in told
    with owner(db) as connection:
        names = ", ".join(row)
        connection.execute(
            text(f"insert into void ({names}) values ({', '.join(f':{name}' for name in row)})"), dict(row)
        )


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("update voucher set units_left = units_left + 1 where units = 2", "voucher_liability CNY"),
        ("update acceptance set booked_fen = booked_fen + 1 where void_id is null", "voucher_liability CNY"),
        ("update wallet set balance = balance + 1", "points of gotone"),
    ],
)
def test_what_an_owners_hand_changed_is_found(db, trade, statement, place):
    trade.accepted(trade.issued(2), 1)
    with owner(db) as connection:
        table = statement.split()[1]
        connection.execute(text(f"create table kept as table {table}"))
        connection.execute(text(statement))

    told = places()

    with owner(db) as connection:
        connection.execute(text(f"delete from {table}"))
        connection.execute(text(f"insert into {table} select * from kept"))
        connection.execute(text("drop table kept"))
    assert place in told
