"""The owner of the tables: for tests that do to the database what the application itself must not be able to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from sqlalchemy import Connection, Engine, create_engine, pool, text

from base.config import Config


@contextmanager
def owner(config: Config) -> Iterator[Connection]:
    """A transaction of the owner's role."""
    with _engine(config.database_owner_url or "").begin() as connection:
        yield connection


@cache
def _engine(url: str) -> Engine:
    return create_engine(url, poolclass=pool.NullPool)


def forget_everything(config: Config) -> None:
    """No row in any table, so that the next test, or the check of the books, finds nothing of this one.

    Tables without a row are left alone: emptying them would take as long as if they had any.
    """
    with owner(config) as connection:
        names = connection.scalars(
            text(
                "select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version'"
            )
        )
        filled = " union all ".join(f"select '{n}' where exists (select from {n})" for n in sorted(names))
        if found := connection.scalars(text(filled)).all():
            connection.execute(text(f"truncate {', '.join(found)} cascade"))
