"""Hot tables can be spread by the member, one member's rows on one machine: said by the models and by the database."""

import json
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, Table, Text, UniqueConstraint, create_engine, pool, text

from app import distribution
from app.distribution import MEMBER, Place, Spread, Unclassified
from app.web import create_app  # imports every model
from base.database import Base
from tests.owner import owner

assert create_app
# A stand-in for what Citus does with a table, and for what it refuses; Citus itself is no part of the tests' PostgreSQL.
CITUS = """
create table pg_dist_partition (logicalrelid regclass primary key, partkey text, beside text);
create function create_distributed_table(t regclass, distribution_column text, colocate_with text default 'default')
returns void language plpgsql as $$
begin
  if exists (select from pg_index x where x.indrelid = t and x.indisunique and not exists (
    select from pg_attribute a where a.attrelid = t and a.attname = distribution_column and a.attnum = any(x.indkey)))
  then raise 'cannot create constraint on "%"', t; end if;
  if colocate_with not in ('none', 'default')
    and not exists (select from pg_dist_partition where logicalrelid = colocate_with::regclass)
  then raise '% is not distributed', colocate_with; end if;
  insert into pg_dist_partition values (t, distribution_column, colocate_with);
end $$;
create function create_reference_table(t regclass) returns void language sql as $$
  insert into pg_dist_partition values (t, null, null) $$;
"""


@pytest.fixture
def citus(db):
    """The database of the test with the stand-in for Citus."""
    with owner(db) as connection:
        connection.exec_driver_sql(CITUS.replace("%", "%%"))
    yield db
    with owner(db) as connection:
        connection.exec_driver_sql("drop function create_distributed_table, create_reference_table")
        connection.exec_driver_sql("drop table pg_dist_partition")


def planned() -> dict[str, Spread]:
    return {one.table: one for one in distribution.plan(Base.metadata)}


def test_every_table_has_its_place_and_every_place_names_tables_that_are_there():
    tables = set(Base.metadata.tables)

    assert set(planned()) == tables
    named = (distribution.REFERENCE, set(distribution.OTHER), set(distribution.LOCAL))
    assert set().union(*named) <= tables
    assert sum(map(len, named)) == len(set().union(*named)), "a table with two places"


def test_the_tables_of_a_members_deed_are_all_spread_by_the_member():
    hot = {name for name, one in planned().items() if one.place is Place.MEMBER}

    assert {
        "wallet", "posting", "hold", "redemption", "voucher", "acceptance", "void", "quote", "seat", "outbox", "gift",
        "idempotency_key", "notice", "bill_line", "bill_correction", "phone", "segment_member",
    } <= hot  # fmt: skip


def counts(default: Any) -> bool:
    return default is not None and "nextval" in str(default.arg)


def test_in_the_models_every_key_of_a_hot_table_has_the_member_first_in_the_primary_one():
    wrong = []
    for name, one in planned().items():
        if one.key is None:
            continue
        table = Base.metadata.tables[name]
        unique = [
            [c.name for c in found.columns]
            for found in table.constraints
            if isinstance(found, UniqueConstraint)
        ]
        unique += [[c.name for c in index.columns] for index in table.indexes if index.unique]
        unique += [[c.name for c in table.primary_key]]
        wrong += [f"{name} {columns}" for columns in unique if one.key not in columns]
        if one.place is Place.MEMBER and next(iter(table.primary_key)).name != MEMBER:
            wrong.append(f"{name}: primary key")
        wrong += [f"{name}: foreign key" for _ in table.foreign_keys]
        wrong += [f"{name}.{c.name}: counts" for c in table.columns if c.identity or counts(c.server_default)]

    assert wrong == []


def test_in_the_database_nothing_keeps_a_table_from_being_spread(db):
    with owner(db) as connection:
        assert list(distribution.obstacles(connection, planned().values())) == []


@pytest.mark.parametrize(
    ("planted", "away", "told"),
    [
        (
            "create unique index x on voucher (digest)",
            "drop index x",
            "voucher: x (digest) is unique without member_id",
        ),
        (
            "create unique index x on hold ((seq + 1)) include (member_id)",
            "drop index x",
            "hold: x (?) is unique without member_id",
        ),
        (
            "create unique index x on statement (statement_no)",
            "drop index x",
            "statement: x (statement_no) is unique without merchant_id",
        ),
        (
            "alter table hold add constraint x foreign key (member_id) references wallet (member_id)",
            "alter table hold drop constraint x",
            "hold: foreign key x",
        ),
        (
            "create trigger x before insert on posting for each row execute function suppress_redundant_updates_trigger()",
            "drop trigger x on posting",
            "posting: trigger x",
        ),
        (
            "create sequence x; alter table seat alter column seat_id set default nextval('x')",
            "alter table seat alter column seat_id drop default; drop sequence x",
            "seat: a default that counts, seat_id",
        ),
        (
            "alter table gift alter column gift_id add generated always as identity",
            "alter table gift alter column gift_id drop identity",
            "gift: a default that counts, gift_id",
        ),
    ],
)
def test_each_obstacle_that_is_planted_is_named(db, planted, away, told):
    with owner(db) as connection:
        connection.exec_driver_sql(planted)
        found = list(distribution.obstacles(connection, planned().values()))
        connection.exec_driver_sql(away)

    assert told in found


def test_a_table_of_which_nobody_said_where_it_goes_is_a_mistake():
    metadata = MetaData()
    Table("novelty", metadata, Column("novelty_id", Text, primary_key=True))

    with pytest.raises(Unclassified):
        distribution.plan(metadata)


def test_a_key_that_only_contains_the_member_does_not_make_a_table_hot():
    metadata = MetaData()
    Table("novelty", metadata, Column("code", Text, primary_key=True), Column(MEMBER, Text, primary_key=True))

    with pytest.raises(Unclassified):
        distribution.plan(metadata)


def test_the_wallet_is_spread_first_and_all_of_a_member_beside_it():
    statements = [one.statement for one in distribution.plan(Base.metadata) if one.place is Place.MEMBER]

    assert statements[0] == "select create_distributed_table('wallet', 'member_id', colocate_with => 'none')"
    assert len(statements) > 10
    assert all(said.endswith("'member_id', colocate_with => 'wallet')") for said in statements[1:])


# The command


def test_without_citus_it_says_what_it_would_do_and_that_nothing_was_changed(cli):
    answer = cli("db", "distribute")

    assert answer.exit_code == 2
    assert "Citus is not installed in this database: nothing was changed." in answer.stderr
    told = [line for line in answer.stdout.splitlines() if line.startswith("select ")]
    assert told == [f"{one.statement};" for one in planned().values() if one.statement]
    assert "-- member stays on the first machine" in answer.stdout


def test_a_dry_run_is_right_use_with_and_without_citus(cli, citus):
    answer = cli("db", "distribute", "--dry-run", "--json")

    assert answer.exit_code == 0
    found = json.loads(answer.stdout)
    assert (found["citus"], found["obstacles"]) == (True, [])
    assert not [one for one in found["tables"] if one["spread"]]
    with owner(citus) as connection:
        assert connection.scalar(text("select count(*) from pg_dist_partition")) == 0


def test_with_citus_every_table_is_spread_as_planned_and_twice_changes_nothing(cli, citus):
    first, second = cli("db", "distribute", "--quiet"), cli("db", "distribute", "--json", "--quiet")

    assert (first.exit_code, second.exit_code) == (0, 0), first.output
    with create_engine(citus.database_owner_url or "", poolclass=pool.NullPool).connect() as connection:
        rows = connection.execute(
            text("select logicalrelid::regclass::text, partkey, beside from pg_dist_partition")
        )
        spread = {row[0]: (row[1], row[2]) for row in rows}
    assert spread == {
        one.table: (one.key, (one.beside or "none") if one.key else None)
        for one in planned().values()
        if one.statement
    }
    told = json.loads(second.stdout)["tables"]
    assert {one["table"] for one in told if one["spread"]} == set(spread)


def test_an_obstacle_is_a_finding_and_nothing_is_spread(cli, citus):
    with owner(citus) as connection:
        connection.exec_driver_sql("create unique index x on voucher (digest)")
    try:
        answer = cli("db", "distribute", "--quiet")
    finally:
        with owner(citus) as connection:
            connection.exec_driver_sql("drop index x")

    assert answer.exit_code == 1
    assert "voucher: x (digest) is unique without member_id" in answer.stderr
    with owner(citus) as connection:
        assert connection.scalar(text("select count(*) from pg_dist_partition")) == 0
