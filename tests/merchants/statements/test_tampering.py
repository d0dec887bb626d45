"""Every change of a sealed statement by the owner of the tables is found: each column, a line less, a line more."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from base import clock, database
from merchants import items
from merchants.items import Amounts
from merchants.models import ADJUSTMENT, DAILY
from merchants.statements import closing, seals
from merchants.statements import verify as statements_verify
from merchants.statements.models import Statement, StatementLine
from tests.given import ZONE, closed, given_shop, given_taken
from tests.owner import owner as as_owner

FIRST = date(2026, 3, 2)
DAY = timedelta(days=1)
CHANGES = {
    "BIGINTEGER": "{0} + 1", "INTEGER": "{0} + 1", "SMALLINTEGER": "{0} - 1", "TEXT": "{0} || 'x'", "DATE": "{0} + 1",
    "BYTEA": "sha256({0})", "DATETIME": "{0} + interval '1 microsecond'", "TIMESTAMP": "{0} + interval '1 microsecond'",
    "JSONB": "case jsonb_typeof({0}) when 'array' then {0} || '[\"trs_1\"]' else {0} || '{{\"void\": {{}}}}' end",
}  # fmt: skip
COLUMNS = [
    (table.__tablename__, column.name, type(column.type).__name__.upper())
    for table in (Statement, StatementLine)
    for column in table.__table__.columns
]


@pytest.fixture
def books(db):
    """Two merchants with three statements each, one of which carries, keeps a reserve and gives it back."""
    for code in ("tea", "noodles"):
        shop = given_shop(code, cycle=DAILY, draft_days=0, reserve_bp=1_000, reserve_days=1)
        given_taken(shop, noon(0), 1_000, 20, 1, voided_at=noon(0) + timedelta(minutes=1))
        given_taken(shop, noon(0), 900)
        given_taken(shop, noon(2), 700)
        with database.begin() as session:
            items.add(
                session, shop.merchant.merchant_id, ADJUSTMENT, Amounts(-5_000), at=noon(1), reason="x", actor="staff:1"
            )  # fmt: skip
        for day in range(3):
            closed(shop, FIRST + day * DAY)
    assert found_after(db) == set()
    return db


def noon(day):
    return clock.start_of(FIRST + day * DAY, ZONE) + timedelta(hours=12)


def found_after(config, *changes):
    """The rules that speak up after what the owner did; nothing of it stays."""
    with as_owner(config) as connection:
        inside = connection.begin_nested()
        for change in changes:
            assert connection.execute(text(change)).rowcount != 0, change
        with database.Session(connection, join_transaction_mode="create_savepoint") as session:
            found = {finding.rule for finding in statements_verify.findings(session)}
        inside.rollback()
    return found


# The checks of the tables would refuse some changes; whoever owns them can take the checks away.
LOOSE = (
    "alter table statement drop constraint statement_rest, drop constraint statement_check, drop constraint statement_check1",
    "alter table statement_line drop constraint statement_line_kind_check",
)


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_every_column_of_statement_and_line_is_watched(books, place):
    one = (
        "merchant_id = (select min(merchant_id) from statement) and statement_no = "
        + {"first": "1", "middle": "2", "last": "3"}[place]
    )
    unseen = []
    for table, column, kind in COLUMNS:
        where = one + (" and line_no = 1" if table == "statement_line" else "")
        if column == "due_day":
            changed = "coalesce(due_day, '2020-01-01') + 1"
        elif column == "previous_hash":
            changed = "sha256(previous_hash)"
        else:
            changed = CHANGES[kind].format(column)
        if column in ("statement_no", "merchant_id") or (table, column) == ("statement_line", "line_no"):
            changed = f"{column} + 1000"
        if not found_after(books, *LOOSE, f"update {table} set {column} = {changed} where {where}"):
            unseen.append((table, column))

    assert len(COLUMNS) == 31
    assert unseen == []


def test_a_line_less_a_line_more_and_lines_exchanged_are_found(books):
    some = "merchant_id = (select min(merchant_id) from statement)"
    more = (
        "insert into statement_line select merchant_id, statement_no, line_no + 900, kind, member_id, source_id + 900, "
        f"recorded_at, owed_fen, fee_fen, vat_fen from statement_line where {some} and statement_no = 1 and line_no = 1"
    )
    fitting = (
        "update statement set line_count = line_count + 1, owed_fen = owed_fen + 1000, fee_fen = fee_fen + 20, "
        f"vat_fen = vat_fen + 1, net_fen = net_fen + 979, payable_fen = payable_fen + 979 where {some} and statement_no = 1"
    )
    exchanged = (
        f"update statement_line set line_no = line_no + 50 where {some} and statement_no = 1 and line_no = 1",
        f"update statement_line set line_no = 1 where {some} and statement_no = 1 and line_no = 2",
        f"update statement_line set line_no = 2 where {some} and statement_no = 1 and line_no = 51",
    )

    assert "statement seal" in found_after(
        books, f"delete from statement_line where {some} and statement_no = 3 and line_no = 2"
    )
    assert "statement seal" in found_after(books, more)
    assert "statement seal" in found_after(books, more, fitting)
    assert "statement seal" in found_after(books, *exchanged)


def test_a_statement_that_is_gone_or_was_made_up_is_found(books):
    some = "merchant_id = (select min(merchant_id) from statement)"
    for number in (1, 2, 3):
        gone = found_after(books, f"delete from statement where {some} and statement_no = {number}")
        assert gone, number
    made_up = (
        "insert into statement select merchant_id, statement_no + 1, to_at, to_at + interval '1 day', sealed_at, owed_fen, fee_fen, "
        "vat_fen, net_fen, line_count, currency, hash, sha256(hash), form, opening_fen, payable_fen, carried_fen, reserve_fen, "
        f"due_day, sums, terms from statement where {some} and statement_no = 3"
    )
    assert "statement seal" in found_after(books, made_up)


def test_who_seals_anew_what_was_changed_breaks_the_next_one(books):
    with as_owner(books) as connection:
        inside = connection.begin_nested()
        connection.execute(
            text("update statement set sealed_at = sealed_at + interval '1 hour' where statement_no = 1")
        )
        with database.Session(connection, join_transaction_mode="create_savepoint") as session:
            for statement in session.query(Statement).filter_by(statement_no=1):
                fitting = seals.of(statement, closing.lines_of(session, statement))
                session.execute(
                    text("update statement set hash = :hash where merchant_id = :m and statement_no = 1"),
                    {"hash": fitting, "m": statement.merchant_id},
                )
            found = list(statements_verify.findings(session))
        inside.rollback()

    assert [(one.rule, one.place.split()[-1]) for one in found] == [("statement chain", "2")] * 2


def test_the_first_broken_statement_of_a_merchant_is_named_and_no_later_one(books):
    with as_owner(books) as connection:
        inside = connection.begin_nested()
        connection.execute(text("update statement set sealed_at = sealed_at + interval '1 hour'"))
        with database.Session(connection, join_transaction_mode="create_savepoint") as session:
            places = [one.place for one in statements_verify.findings(session)]
        inside.rollback()

    assert [place.split()[-1] for place in places] == ["1", "1"]


def test_a_statement_of_the_first_form_can_still_be_proved(books):
    """As one was stored before there were sums, reserves and what is carried."""
    with database.begin() as session:
        shop = given_shop("old")
        number = given_taken(shop, noon(0), 1_000, 20, 1)
        line = StatementLine(
            merchant_id=shop.merchant.merchant_id, statement_no=1, line_no=1, kind="acceptance", source_id=number,
            member_id=0, recorded_at=noon(0), owed_fen=1_000, fee_fen=20, vat_fen=1,
        )  # fmt: skip
        line.member_id = session.scalar(
            text("select member_id from acceptance where acceptance_id = :id"), {"id": number}
        )
        old = Statement(
            merchant_id=shop.merchant.merchant_id, statement_no=1, from_at=noon(0), to_at=noon(1), sealed_at=noon(2),
            owed_fen=1_000, fee_fen=20, vat_fen=1, net_fen=979, line_count=1, currency="CNY", payable_fen=979,
            carried_fen=0, previous_hash=seals.FIRST_HASH, form=1,
        )  # fmt: skip
        old.hash = seals.of(old, [line])
        session.add_all([old, line])

    assert found_after(books) == set()
    given_taken(shop, noon(3), 500)
    assert closed(shop, FIRST + 3 * DAY).previous_hash == old.hash
