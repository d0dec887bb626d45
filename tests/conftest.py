"""What all tests stand on: a real PostgreSQL and Redis of their own, a clean database each, faces to act through."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, pool, text

os.environ["JIFEN_ENV"] = "test"

from app import create_app  # noqa: E402
from app.wiring import findings, wire  # noqa: E402
from base import database, local, logs, schema  # noqa: E402
from base.config import Config  # noqa: E402

KEPT = {"alembic_version"}


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local.Servers]:
    """PostgreSQL and Redis, started for this run."""
    started = local.start(tmp_path_factory.mktemp("servers"), durable=False)
    yield started
    local.remove(started.data_dir)


@pytest.fixture(scope="session")
def config(servers: local.Servers, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The configuration of the tests, its database migrated, this process wired to it."""
    schema.migrate(servers.owner_url)
    os.environ["JIFEN_DATA"] = str(tmp_path_factory.mktemp("data"))
    made = Config.from_env().at(
        database_url=servers.database_url,
        database_owner_url=servers.owner_url,
        redis_url=servers.redis_url,
        billing_backoff_s=0,
    )
    logs.init(as_json=True, level=40)
    return made


@pytest.fixture
def db(config: Config) -> Iterator[Config]:
    """An empty database; after the test `jifen verify` must be green."""
    wire(config, pool_size=16)
    owner = create_engine(config.database_owner_url or "", poolclass=pool.NullPool)
    with owner.begin() as connection:
        tables = connection.execute(text("select tablename from pg_tables where schemaname = 'public'")).scalars()
        names = ", ".join(sorted(set(tables) - KEPT))
        connection.execute(text(f"truncate {names}"))
    owner.dispose()
    yield config
    with database.begin() as session:
        broken = list(findings(session))
    assert not broken, f"verify found: {broken[:5]}"


@pytest.fixture
def app(db: Config):
    """The web application on the empty database."""
    made = create_app(db)
    made.testing = False
    return made


@pytest.fixture
def session(db: Config) -> Iterator[object]:
    """One open transaction, committed at the end of the test; for tests straight at the rules."""
    with database.begin() as opened:
        yield opened


ROOT = Path(__file__).resolve().parent.parent
