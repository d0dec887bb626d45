"""What every command stands on: a configuration whose database is there. Without DATABASE_URL a local PostgreSQL is
started (and left running; `jifen stop` ends it) and brought to the newest schema."""

from app.wiring import wire
from base import local, schema
from base.config import DEVELOPMENT, TEST, Config


def ready(config: Config | None = None, *, each_s: float | None = None) -> Config:
    """The configuration, connected and migrated; local.CannotStart, ConfigError. `each_s`: as of `wire`."""
    config = with_servers(config or Config.from_env())
    wire(config, statement_timeout_ms=60_000, each_s=each_s)
    return config


def with_servers(config: Config) -> Config:
    """Fill in local servers for those that are not configured, and migrate the local database."""
    if config.database_url is not None:
        return config
    assert config.environment in (DEVELOPMENT, TEST)
    servers = local.start(config.data_dir)
    schema.migrate(servers.owner_url)
    return config.at(
        database_url=servers.database_url,
        database_owner_url=servers.owner_url,
        redis_url=config.redis_url or servers.redis_url,
    )
