"""The second wall: behind it nobody meets a row of another area or merchant, whatever a query asks; nobody else meets the wall."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from flask import g
from sqlalchemy import Connection, create_engine, exc, pool, text
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from app import safeguards, walls
from base import database, walled
from base.auth import wall
from base.auth.principals import ANONYMOUS, Clerk, Member, MerchantPerson, Service, Staff
from base.database import Base
from base.walled import OutOfReach
from points.members.models import MemberFacts
from tests.given import (
    caller,
    given_area,
    given_colleague,
    given_member,
    given_programme,
    given_shop,
    member_token,
    merchant_token,
    staff_token,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "second-wall.md"
ALL = walls.walled(Base.metadata) | {"webhook_replay"}  # which is its endpoint's
STAFF = Staff(1, frozenset({"support"}), "33")
PERSON = MerchantPerson(1, 1, "owner")
# Column -> whose a row is: one's own, another's.
WHOSE = {
    "member_id": (11, 22),
    "merchant_id": (1, 2),
    "area": ("330106", "440103"),
    "terminal_id": (111, 222),
    "endpoint_id": (5, 6),
    "draft_id": (7, 8),
}
MADE_UP = {
    "bigint": "{0}", "integer": "{0}", "smallint": "{0}", "text": "'k{0}'", "date": "date '2026-01-01' + {0}",
    "timestamp with time zone": "timestamptz '2026-01-01' + {0} * interval '1 day'", "bytea": "int4send({0})",
    "uuid": "lpad('{0}', 32, '0')::uuid",
}  # fmt: skip


# What is behind the wall


def policies(session: Session | Connection) -> dict[tuple[str, str], str]:
    """The rule of each policy by table and name."""
    asked = text("select tablename, policyname, qual from pg_policies where schemaname = 'public'")
    return {(row.tablename, row.policyname): row.qual for row in session.execute(asked)}


def words(rule: str | None) -> str:
    """What a rule comes to."""
    said = {
        None: "nothing",
        "member_facts f": "of members of the area",
        "merchant m": "of merchants of the area",
        "outlet o": "of merchants of the area",
        "terminal p": "of own terminals",
        "webhook_endpoint p": "of own endpoints",
        "campaign p": "of own campaigns",
        "(area ~>=~": "of the area",
        "(merchant_id = ": "own",
        "(member_id = 0": "about no member",
        "jifen.area_until": "all",
    }
    found = next(told for part, told in said.items() if rule is part or (part and rule and part in rule))
    if rule and "(member_id = 0)" in rule and "member_facts f" in rule:
        return f"{found}, or about none"
    return f"{found}, or of none" if rule and "area IS NULL" in rule else found


def inventory(session: Session) -> list[str]:
    """The lines of the table in the documents."""
    rules = policies(session)
    lines = []
    for table in sorted(ALL):
        staff = words(rules.get((table, "staff_reads")) or rules.get((table, "staff")))
        if (table, "staff_reads") in rules:
            staff += f"; changes what is {words(rules[table, 'staff'])}"
        lines.append(f"| `{table}` | {staff} | {words(rules.get((table, 'merchant')))} |")
    return lines


def test_each_table_that_says_whose_a_row_is_has_a_wall_or_stands_outside_for_a_reason(db):
    with database.begin() as session:
        secured = set(session.scalars(text(walls._SECURED)))
        rules = policies(session)

    scoped = {
        table.name for table in Base.metadata.tables.values() if walls.SCOPES & set(table.columns.keys())
    }
    assert secured == ALL
    assert set(walls.OUTSIDE) <= scoped
    assert all(walls.OUTSIDE.values())
    assert {rules[table, "application"] for table in secured} == {"true"}
    assert {table for table in secured if (table, "staff") not in rules} == set()


def test_the_documents_tell_what_is_behind_the_wall_and_what_is_not(db):
    page = PAGE.read_text("utf-8").splitlines()
    reasons: dict[str, list[str]] = {}
    for table, reason in walls.OUTSIDE.items():
        reasons.setdefault(reason, []).append(table)

    with database.begin() as session:
        lines = inventory(session)

    assert [line for line in page if line.startswith("| `")] == [
        *lines,
        *(f"| {', '.join(f'`{one}`' for one in sorted(some))} | {why} |" for why, some in reasons.items()),
    ]


# Rows


@pytest.fixture
def planted(db, servers) -> Iterator[Connection]:
    """In each walled table a row of one's own and one of another's, none of which outlives the test."""
    engine = create_engine(servers.admin_url.replace("/postgres?", "/jifen?"), poolclass=pool.NullPool)
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text("set local session_replication_role = replica"))
        for (statement,) in connection.execute(LOOSEN, {"tables": sorted(ALL)}).all():
            connection.execute(text(statement))
        for table in sorted(ALL):
            for own in (0, 1):
                connection.execute(text(row_of(connection, table, own, own)))
        yield connection
        transaction.rollback()
    engine.dispose()


LOOSEN = text("""
select format('alter table %I drop constraint %I', conrelid::regclass, conname) from pg_constraint
  where contype = 'c' and conrelid::regclass::text = any(:tables)
union all select format('alter table %I alter %I drop not null', c.table_name, c.column_name) from information_schema.columns c
  where c.table_schema = 'public' and c.is_nullable = 'NO' and c.table_name = any(:tables) and not exists (
    select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
    where i.indisprimary and i.indrelid = to_regclass(c.table_name) and a.attname = c.column_name)""")


def row_of(connection: Connection, table: str, own: int, number: int) -> str:
    """A statement that inserts a row with a key, and whose it is."""
    of = Base.metadata.tables[table]
    values = {}
    for column in of.columns:
        if column.name in WHOSE:
            values[column.name] = repr(WHOSE[column.name][own])
        elif column.primary_key:
            kind = connection.dialect.type_compiler_instance.process(column.type).lower()
            values[column.name] = MADE_UP[kind].format(number)
    return f"insert into {table} ({', '.join(values)}) values ({', '.join(values.values())})"


def scopes_of(table: str) -> list[str]:
    """The columns that say whose a row of a table is."""
    return [name for name in WHOSE if name in Base.metadata.tables[table].columns]


def behind(connection: Connection, settings: walled.Wall) -> None:
    connection.exec_driver_sql(*walled._said(settings))


def reads(connection: Connection, table: str) -> tuple[int, ...]:
    """How many rows of one's own there are, and of another's."""
    column = scopes_of(table)[0]
    asked = f"select count(*) from {table} where {column} = "
    return tuple(connection.scalar(text(asked + repr(one))) or 0 for one in WHOSE[column])


def writes(connection: Connection, table: str) -> dict[str, int | str]:
    """What comes of writing to another's row, of making one, of taking it, and of giving one's own away."""
    column = scopes_of(table)[0]
    mine, theirs = map(repr, WHOSE[column])
    to = [", ".join(f"{name} = {WHOSE[name][own]!r}" for name in scopes_of(table)) for own in (0, 1)]
    statements = {
        "added": row_of(connection, table, 1, 3),
        "changed": f"update {table} set {to[1]} where {column} = {theirs}",
        "taken": f"update {table} set {to[0]} where {column} = {theirs}",
        "given": f"update {table} set {to[1]} where {column} = {mine}",
        "deleted": f"delete from {table} where {column} = {theirs}",
    }
    return {deed: outcome(connection, statement) for deed, statement in statements.items()}


def outcome(connection: Connection, statement: str) -> int | str:
    """How many rows a statement came to, or the state it was refused with; nothing of it stays."""
    trial = connection.begin_nested()
    try:
        return connection.execute(text(statement)).rowcount
    except exc.DBAPIError as error:
        return str(getattr(error.orig, "sqlstate", ""))
    finally:
        trial.rollback()


@pytest.mark.parametrize("who", [STAFF, PERSON], ids=["staff", "merchant"])
def test_of_each_walled_table_the_rows_of_others_are_not_there_and_cannot_be_written(planted, who):
    role = "staff" if who is STAFF else "merchant"
    rules = policies(planted)
    behind(planted, wall.of(who) or {})
    wrong, shut_out = {}, set()

    for table in sorted(ALL):
        sees = words(rules.get((table, f"{role}_reads")) or rules.get((table, role)))
        changes = words(rules.get((table, role)))
        read, written = reads(planted, table), writes(planted, table)
        if read != (int(sees not in ("nothing", "about no member")), int(sees == "all")):
            wrong[table, "read"] = read
        if changes != "all" and not set(written.values()) <= {0, "42501"}:
            wrong[table, "written"] = written
        may_insert = planted.scalar(text(f"select has_table_privilege('jifen_app', '{table}', 'insert')"))
        own = outcome(planted, row_of(planted, table, 0, 3)) if may_insert else 1
        if own not in (1, "23505") and changes not in (
            "nothing",
            "about no member",
        ):  # let in, or already there
            shut_out.add(table)

    assert (wrong, shut_out) == ({}, set())


def test_without_a_scope_there_are_no_rows(planted):
    counts = {}
    for name, settings in (
        # as a transaction leaves them, and as they are where nobody ever set one
        (
            "left",
            {"role": "jifen_staff", "jifen.area_from": "", "jifen.area_until": "", "jifen.merchant": ""},
        ),
        ("left, of a merchant", {"role": "jifen_merchant"}),
    ):
        behind(planted, settings)
        counts[name] = {planted.scalar(text(f"select count(*) from {table}")) for table in sorted(ALL)}
    with database.engine().connect() as fresh:
        counts["fresh"] = set()
        for role in wall.ROLES:
            behind(fresh, {"role": role})
            counts["fresh"] |= set(fresh.scalars(text("select current_setting('jifen.area_until', true)")))

    assert counts.pop("fresh") <= {None, ""}  # empty, where the connection had one in an earlier transaction
    assert counts == {"left": {0}, "left, of a merchant": {0}}


def test_the_ledger_and_the_staff_are_closed_to_a_merchants_people(db):
    with database.begin() as session:
        session.execute(text("set local role jifen_merchant"))
        for table in ("wallet", "posting", "redemption", "staff", "recovery_code", "api_key"):
            with pytest.raises(exc.ProgrammingError), session.begin_nested():
                session.execute(text(f"select from {table}"))


# Who comes behind it


@contextmanager
def asking(app, principal) -> Iterator[None]:
    with app.test_request_context("/"):
        g.principal = principal
        yield


def role_now() -> tuple[str, str]:
    with database.begin() as session:
        row = session.execute(
            text("select current_user, coalesce(current_setting('jifen.area_until', true), '')")
        )
        return tuple(row.one())


def test_staff_of_an_area_and_merchants_people_come_behind_it_and_nobody_else(app):
    told = {}
    with asking(app, Staff(1, frozenset({"support"}))):
        told["headquarters"] = role_now()
    for who in (STAFF, PERSON, Member(1, 1), Clerk(1, 1, 1, 1), Service("k", 1, frozenset()), ANONYMOUS):
        with asking(app, who):
            told[who.kind] = role_now()
    told["job"] = role_now()

    assert told.pop("staff") == ("jifen_staff", "33~")
    assert told.pop("merchant") == ("jifen_merchant", "")
    assert set(told.values()) == {("jifen_app", "")}


def test_a_connection_carries_nothing_on(app, db):
    database.connect(db.database_url, pool_size=1)
    with asking(app, STAFF):
        first = role_now()
    second = role_now()
    with pytest.raises(OutOfReach), asking(app, STAFF), database.begin():
        raise OutOfReach

    assert (first, second, role_now()) == (("jifen_staff", "33~"), ("jifen_app", ""), ("jifen_app", ""))


def test_what_reads_statement_by_statement_is_behind_it_too(app):
    with asking(app, STAFF):
        with database.reading() as session:
            read = session.scalar(text("select current_user"))
        with database.alone() as connection:
            alone = connection.execute("select current_user").fetchone()

    assert (read, alone) == ("jifen_staff", ("jifen_staff",))


@contextmanager
def said(monkeypatch) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    asked: list[str] = []
    execute = psycopg.Cursor.execute

    def telling(self, query, *more, **options):
        asked.append(str(query))
        return execute(self, query, *more, **options)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", telling)
        yield asked


def test_it_costs_a_transaction_one_statement_and_a_member_none(app, db, monkeypatch):
    member_id = given_member(db, given_programme())
    shop = given_shop()
    told = {}
    for name, token, path in (
        ("staff", staff_token("support", area="33"), "/v1/proposals"),
        ("headquarters", staff_token("support"), "/v1/proposals"),
        ("merchant", merchant_token(given_colleague(shop, "owner", "71")), "/v1/merchant"),
        ("member", member_token(member_id), "/v1/members/me/wallet"),
    ):
        client = caller(app, token)
        with said(monkeypatch) as asked:
            assert client.get(path).status_code == 200
        told[name] = sum("set_config" in statement for statement in asked)

    assert told == {"staff": 1, "headquarters": 0, "merchant": 1, "member": 0}


# What it costs

ON_LISTS = {
    "acceptance": "select * from acceptance where merchant_id = 1 order by recorded_at desc limit 50",
    "voucher": "select * from voucher where member_id = 1 and voucher_id = 2",
    "facts": "select count(*) from member_facts where programme_id = 1 and area like '33%'",
    "upsert": "update voucher set units_left = 1 where member_id = 1 and voucher_id = 2 and units_left > 0 returning member_id",
}


def parts(plan: str) -> list[str]:
    """A plan without the order of its conditions."""
    return sorted(re.findall(r"\w+|\S", plan))


def plan(connection: Connection | Session, statement: str) -> str:
    return "\n".join(connection.scalars(text(f"explain (costs off) {statement}")))


def test_the_applications_own_plans_are_those_without_a_wall(db, owner):
    with database.begin() as session:
        plans = {name: parts(plan(session, statement)) for name, statement in ON_LISTS.items()}

    assert plans == {name: parts(plan(owner, statement)) for name, statement in ON_LISTS.items()}


def test_lists_behind_the_wall_go_by_their_indexes(app, db):
    with asking(app, STAFF), database.begin() as session:
        session.execute(text("set local enable_seqscan = off"))
        facts = plan(session, "select count(*) from member_facts")
        tickets = plan(session, "select * from ticket order by member_id, ticket_id limit 50")
    with asking(app, PERSON), database.begin() as session:
        session.execute(text("set local enable_seqscan = off"))
        takings = plan(session, "select * from statement order by statement_no desc limit 50")

    assert "member_facts_area_member_id_idx" in facts
    assert "Index Cond: ((area ~>=~ current_setting('jifen.area_from'" in facts
    assert "ticket_pkey" in tickets
    assert "member_facts_pkey" in tickets
    assert "Index Cond: (merchant_id = " in takings


# When a query forgets


def test_a_write_that_a_query_let_through_is_not_there_and_is_told_of(app, db):
    member_id = given_area(given_member(db, given_programme()), "440103")

    with asking(app, STAFF), capture_logs() as logs, pytest.raises(OutOfReach), database.begin() as session:
        session.execute(
            text("insert into preference (member_id, entry_id, since, at, consent, name, channel, sealed) "
                 "values (:m, 1, now(), now(), true, 'x', 'hotline', '')"),
            {"m": member_id},
        )  # fmt: skip

    assert [one["event"] for one in logs] == ["wall_held"]
    with asking(app, STAFF), database.begin() as session:
        assert session.get(MemberFacts, member_id) is None


def test_a_wall_that_has_fallen_is_a_finding(db, owner):
    owner.execute(text("alter table ticket disable row level security"))
    try:
        with database.begin() as session:
            (found,) = safeguards.unwalled(session)
    finally:
        owner.execute(text("alter table ticket enable row level security"))

    assert "ticket has no row-level security" in found.text
    with database.begin() as session:
        assert list(safeguards.unwalled(session)) == []
