"""The owner of the tables: for tests that do to the database what the application itself must not be able to do."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from sqlalchemy import Connection, Engine, create_engine, pool, text

from base.config import Config
from base.local import Servers
from tests.engines import never_forgetting


@contextmanager
def owner(config: Config) -> Iterator[Connection]:
    """A transaction of the owner's role."""
    with _engine(config.database_owner_url or "").begin() as connection:
        yield connection


def connected(config: Config) -> Connection:
    """A connection of the owner's role, which remembers what was compiled and prepared for the tests before."""
    return _engine(config.database_owner_url or "").connect()


@contextmanager
def undone(config: Config) -> Iterator[Connection]:
    """A transaction of the owner's role that leaves nothing behind."""
    with connected(config) as connection:
        yield connection
        connection.rollback()


@cache
def _engine(url: str) -> Engine:
    return never_forgetting(create_engine(url, pool_size=1, pool_pre_ping=True, poolclass=pool.QueuePool))


def may_forget(servers: Servers) -> None:
    """Let the owner delete rows while no trigger and no foreign key looks: `forget_everything` asks for that."""
    admin = create_engine(servers.admin_url, poolclass=pool.NullPool)
    with admin.begin() as connection:
        connection.execute(text("grant set on parameter session_replication_role to jifen_owner"))


# A table without a page has never had a row since it was truncated last; one whose rows are gone has pages.
_WITH_PAGES = text(
    "select relname, pg_relation_size(oid) / 8192 from pg_class where relkind = 'r' "
    "and relnamespace = 'public'::regnamespace and relname <> 'alembic_version' and pg_relation_size(oid) > 0 "
    "order by relname"
)
MANY_PAGES = 30


def filled(connection: Connection, tables: Sequence[str]) -> list[str]:
    """Those of the tables that have a row."""
    looks = (f"select '{table}' where exists (select from {table})" for table in tables)
    return list(connection.scalars(text(" union all ".join(looks)))) if tables else []


def forget_everything(config: Config) -> None:
    """No row in any table, so that the next test, or the check of the books, finds nothing of this one.

    Rows are deleted: to truncate tables takes ten times as long, and all who read them must plan anew. Only a table
    that has grown is truncated. Whoever still writes is waited for.
    """
    with owner(config) as connection:
        pages = dict(connection.execute(_WITH_PAGES).all())
        if not pages:
            return
        connection.execute(text(f"lock table {', '.join(pages)} in share mode"))
        if found := filled(connection, list(pages)):
            connection.execute(text("set local session_replication_role = replica"))
            connection.execute(text("; ".join(f"delete from {table}" for table in found)))
        if grown := [table for table, count in pages.items() if count > MANY_PAGES]:
            connection.execute(text(f"truncate {', '.join(grown)} cascade"))


def tables_with_rows(config: Config) -> set[str]:
    """None where all is as `forget_everything` left it."""
    with owner(config) as connection:
        return set(filled(connection, list(dict(connection.execute(_WITH_PAGES).all()))))
