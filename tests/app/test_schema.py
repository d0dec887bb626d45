"""The database that the migrations make is the one that the models describe; each migration runs from nothing."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, pool, text
from sqlalchemy.dialects import postgresql

from app.web import create_app  # imports every model
from base import schema
from base.config import Config
from base.database import Base
from base.local import Servers

assert create_app
WITHOUT_MODEL = {"alembic_version"}  # and procrastinate's own
_numbers = itertools.count(1)


@pytest.fixture
def empty_database(servers: Servers, config: Config) -> Iterator[str]:
    """A database of the owner's with nothing in it; the URL."""
    name = f"fresh_{next(_numbers)}"
    admin = create_engine(servers.admin_url, isolation_level="AUTOCOMMIT", poolclass=pool.NullPool)
    with admin.connect() as connection:
        connection.execute(text(f"create database {name} owner jifen_owner"))
    yield (config.database_owner_url or "").replace("/jifen?", f"/{name}?")
    with admin.connect() as connection:
        connection.execute(text(f"drop database {name} with (force)"))


def ours(names: Any) -> set[str]:
    return {name for name in names if not name.startswith("procrastinate_")} - WITHOUT_MODEL


def test_every_table_has_a_model_and_every_model_a_table(db, config):
    inspector = inspect(create_engine(config.database_owner_url or "", poolclass=pool.NullPool))

    assert ours(inspector.get_table_names()) == set(Base.metadata.tables)


def test_columns_agree_in_name_type_and_whether_they_may_be_empty(db, config):
    inspector, dialect = (
        inspect(create_engine(config.database_owner_url or "", poolclass=pool.NullPool)),
        postgresql.dialect(),
    )

    def plain(columns: Any) -> dict[str, tuple[str, bool]]:
        return {
            c["name"]: (c["type"].compile(dialect), c["nullable"]) if isinstance(c, dict)
            else (c.type.compile(dialect), c.nullable) for c in columns
        }  # fmt: skip

    differing = {}
    for name, table in Base.metadata.tables.items():
        in_database = {
            c["name"]: (c["type"].compile(dialect), c["nullable"]) for c in inspector.get_columns(name)
        }
        in_model = {c.name: (c.type.compile(dialect), bool(c.nullable)) for c in table.columns}
        if in_database != in_model:
            differing[name] = sorted(set(in_database.items()) ^ set(in_model.items()))

    assert differing == {}


def test_primary_keys_agree_and_those_of_hot_tables_begin_with_the_member(db, config):
    inspector = inspect(create_engine(config.database_owner_url or "", poolclass=pool.NullPool))
    keys = {name: inspector.get_pk_constraint(name)["constrained_columns"] for name in Base.metadata.tables}

    assert keys == {name: [c.name for c in table.primary_key] for name, table in Base.metadata.tables.items()}
    hot = {
        "wallet",
        "posting",
        "hold",
        "bill_line",
        "bill_correction",
        "bill_payment",
        "redemption",
        "voucher",
        "acceptance",
        "void",
        "quote",
        "seat",
        "outbox",
        "idempotency_key",
        "spender",
        "spent",
        "line_event",
        "member_merge",
        "bonus",
        "segment_member",
    }
    assert {name for name in hot if keys[name][0] != "member_id"} == set()
    for name in hot:
        unique = inspector.get_unique_constraints(name) + [
            i for i in inspector.get_indexes(name) if i["unique"]
        ]
        assert all("member_id" in found["column_names"] for found in unique), name


COLD_AND_TIED = [
    "decision",
    "endorsement",
]  # to the maker and the content of its proposal; no deed of a member touches it


def test_hot_tables_have_no_foreign_key_no_trigger_and_no_sequence(db, config):
    with create_engine(config.database_owner_url or "", poolclass=pool.NullPool).connect() as connection:
        foreign = connection.scalars(
            text(
                "select conrelid::regclass::text from pg_constraint where contype = 'f' and conrelid::regclass::text !~ 'procrastinate'"
            )
        ).all()
        triggers = connection.scalars(
            text(
                "select tgrelid::regclass::text from pg_trigger where not tgisinternal and tgrelid::regclass::text !~ 'procrastinate'"
            )
        ).all()
        sequences = connection.scalars(
            text("select relname from pg_class where relkind = 'S' and relname !~ 'procrastinate'")
        ).all()

    assert (foreign, triggers, sequences) == (COLD_AND_TIED, [], [])


def revisions() -> list[str]:
    script = ScriptDirectory(str(schema.MIGRATIONS))
    return [found.revision for found in script.walk_revisions()][::-1]


def test_there_is_one_line_of_versions():
    assert len(ScriptDirectory(str(schema.MIGRATIONS)).get_heads()) == 1
    assert revisions()[-1] == schema.newest()


def test_an_empty_database_is_brought_up_one_version_at_a_time_and_twice_is_harmless(empty_database):
    seen = []
    for revision in revisions():
        schema.migrate(empty_database, revision)
        with create_engine(empty_database, poolclass=pool.NullPool).connect() as connection:
            seen.append(MigrationContext.configure(connection).get_current_revision())
    schema.migrate(empty_database)

    assert seen == revisions()
    inspector = inspect(create_engine(empty_database, poolclass=pool.NullPool))
    assert ours(inspector.get_table_names()) == set(Base.metadata.tables)


def test_two_first_starts_at_once_migrate_once(empty_database):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as together:
        list(together.map(schema.migrate, [empty_database] * 2))

    with create_engine(empty_database, poolclass=pool.NullPool).connect() as connection:
        assert schema.present(connection) == schema.newest()
