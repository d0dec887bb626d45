"""The owner of the tables: for tests that do to the database what the application itself must not be able to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, pool, text

from base.config import Config


@contextmanager
def owner(config: Config) -> Iterator[Connection]:
    """A transaction of the owner's role."""
    engine = create_engine(config.database_owner_url or "", poolclass=pool.NullPool)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def forget_everything(config: Config) -> None:
    """Empty every table, so that what a test broke on purpose does not fail the check of the books after it."""
    with owner(config) as connection:
        names = connection.scalars(
            text(
                "select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version'"
            )
        ).all()
        connection.execute(text(f"truncate {', '.join(sorted(names))}"))
