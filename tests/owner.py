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
    return create_engine(url, pool_size=1, pool_pre_ping=True, poolclass=pool.QueuePool)


# A table without a page has never had a row since it was emptied last; one whose rows are gone may have pages.
_WITH_PAGES = text(
    "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace "
    "and relname <> 'alembic_version' and pg_relation_size(oid) > 0 order by relname"
)


def filled(connection: Connection) -> list[str]:
    """The tables that may have rows; every one that has is among them."""
    return list(connection.scalars(_WITH_PAGES))


def forget_everything(config: Config) -> None:
    """No row in any table, so that the next test, or the check of the books, finds nothing of this one.

    Tables without a row are left alone: emptying them would take as long as if they had any.
    """
    with owner(config) as connection:
        if found := filled(connection):
            connection.execute(text(f"truncate {', '.join(found)} cascade"))


def wrote_nothing(config: Config) -> bool:
    """Whether every table is as `forget_everything` left it; of what was written and taken back it says no."""
    with owner(config) as connection:
        return not filled(connection)
