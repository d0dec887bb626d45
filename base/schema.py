"""The schema's version: bring the database to the newest, or tell how far behind it is."""

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, pool, text

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
_LOCK = 0x6A6966656E  # "jifen": of two migrations at once, the second waits


def alembic_config(owner_url: str) -> AlembicConfig:
    """alembic's settings for this database."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", owner_url.replace("%", "%%"))
    return config


def migrate(owner_url: str, revision: str = "head") -> None:
    """Bring the schema to the newest version; harmless when it is there already."""
    engine = create_engine(owner_url, poolclass=pool.NullPool)
    with engine.connect() as guard:
        guard.execute(text("select pg_advisory_lock(:lock)"), {"lock": _LOCK})
        try:
            command.upgrade(alembic_config(owner_url), revision)
        finally:
            guard.execute(text("select pg_advisory_unlock(:lock)"), {"lock": _LOCK})
    engine.dispose()


def newest() -> str | None:
    """The newest version that this program knows."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return ScriptDirectory.from_config(config).get_current_head()


def present(connection: Connection) -> str | None:
    """The version that the database has."""
    return MigrationContext.configure(connection).get_current_revision()
