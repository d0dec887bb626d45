"""The schema's version: bring the database to the newest, or tell how far behind it is."""

import secrets
import time
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, exc, pool, text

from base.config import ConfigError

TRIES, WAITS_S = 30, (0.5, 2.0)
MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
_LOCK = 0x6A6966656E  # "jifen": of two migrations at once, the second waits


def alembic_config(owner_url: str) -> AlembicConfig:
    """alembic's settings for this database."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", owner_url.replace("%", "%%"))
    return config


def migrate(owner_url: str, revision: str = "head") -> None:
    """Bring the schema to the newest version; harmless when it is there already. ConfigError: a pooler is between."""
    engine = create_engine(owner_url, poolclass=pool.NullPool)
    with engine.connect() as guard:
        _stands_alone(guard)
        guard.execute(text("select pg_advisory_lock(:lock)"), {"lock": _LOCK})
        try:
            _patiently(owner_url, revision)
        finally:
            guard.execute(text("select pg_advisory_unlock(:lock)"), {"lock": _LOCK})
    engine.dispose()


def _stands_alone(guard: Connection) -> None:
    """A migration sets what its session may do, and holds a lock over many transactions."""
    driver: psycopg.Connection[Any] = guard.connection.driver_connection  # type: ignore[assignment]
    if guard.scalar(text("select pg_backend_pid()")) != driver.info.backend_pid:
        raise ConfigError("DATABASE_OWNER_URL leads through a pooler; migrations need PostgreSQL itself")


def _patiently(owner_url: str, revision: str) -> None:
    """A migration that met a lock within its second is tried again from where it was; at last raises what it met."""
    for left in reversed(range(TRIES)):
        try:
            return command.upgrade(alembic_config(owner_url), revision)
        except exc.OperationalError as error:
            if not isinstance(error.orig, psycopg.errors.LockNotAvailable) or not left:
                raise
            time.sleep(secrets.SystemRandom().uniform(*WAITS_S))  # not in step with what holds the lock


def newest() -> str | None:
    """The newest version that this program knows."""
    return _scripts().get_current_head()


def serves(version: str | None) -> bool:
    """Whether this program can work on a schema of this version: on its newest, and on one that it has never heard of.

    Such a one was brought by a newer program, which may not take away what this one needs while it is still running.
    """
    return version == newest() or (version is not None and version not in _known())


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in _scripts().walk_revisions())


@cache
def _scripts() -> ScriptDirectory:
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return ScriptDirectory.from_config(config)


def present(connection: Connection) -> str | None:
    """The version that the database has."""
    return MigrationContext.configure(connection).get_current_revision()
