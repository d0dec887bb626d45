"""A pooler before PostgreSQL, such as PgBouncer in transaction mode: found out by each connection, and what it may not do then.

Behind one, what a session keeps (prepared statements, settings, advisory locks, LISTEN) lies on a connection that another
client has a moment later. So nothing is prepared there; the settings that we give when we connect, which a pooler drops, it
must give by itself; what else needs a session has a transaction instead (base/locks.py), or refuses (base/schema.py).
"""

from typing import Any

import psycopg

from base.config import ConfigError

ZONE = "UTC"
_ASKS = (
    "select pg_backend_pid(), current_setting('lock_timeout'), current_setting('statement_timeout'), "
    "current_setting('idle_in_transaction_session_timeout'), current_setting('timezone')"
)
_NAMES = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")


class Unguarded(ConfigError):
    """The pooler before the database drops our time-outs and gives none itself: a lock could make everybody wait for ever."""


def connected(driver: psycopg.Connection[Any], record: object = None) -> None:
    """Look who answers on a fresh connection; behind a pooler prepare nothing on it. Unguarded."""
    before, driver.autocommit = driver.autocommit, True
    found = driver.execute(_ASKS, prepare=False).fetchone()
    driver.autocommit = before
    assert found is not None
    pid, *limits, zone = found
    if pid == driver.info.backend_pid:
        return
    driver.prepare_threshold = None  # which also overrules whoever asks for it statement by statement
    missing = [name for name, limit in zip(_NAMES, limits, strict=True) if limit == "0"]
    missing += [] if zone == ZONE else [f"timezone ({zone}, not {ZONE})"]
    if missing:
        driver.close()
        raise Unguarded(
            f"DATABASE_URL leads through a pooler that does not set {', '.join(missing)}: name them in its connect_query, "
            "as docs/many-machines.md shows"
        )


def is_between(driver: psycopg.Connection[Any]) -> bool:
    """Whether a pooler stands between us and the server on this connection, which `connected` has looked at."""
    return driver.prepare_threshold is None
