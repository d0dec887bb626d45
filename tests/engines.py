"""One engine for all tests of a process: what was compiled stays compiled, what is connected connected.

Each test is wired as a process is at its start, with an engine of its own, but over the connections and the compiled
statements of the tests before: to compile and to connect anew took half of the time of all tests.
"""

from typing import Any

from sqlalchemy import Connection, Engine, event

from app.wiring import wire
from base import database
from base.config import Config

POOL_SIZE = 16
PREPARED = 1_000  # `verify` alone has more statements than the driver keeps by itself

_kept: Engine | None = None
_given: Engine | None = None
_plain = database.new_engine


def wire_again(config: Config) -> None:
    """Connect this process for the next test.

    Connections are fresh when the last test connected by itself or has not given all of them back.
    """
    global _given
    if database._sessions is not None:
        last, database._sessions = database.engine(), None
        if last is not _given or last.pool.checkedout():
            last.dispose()
            if _kept is not None:
                _kept.dispose()
    database.new_engine = _engine
    try:
        wire(config, pool_size=POOL_SIZE)
    finally:
        database.new_engine = _plain
    _given = database.engine()


def _engine(url: str, **options: Any) -> Engine:
    """An engine that shares with the one of the tests before all but its identity and its listeners."""
    global _kept
    if _kept is None or _kept.url.render_as_string(hide_password=False) != url:
        if _kept is not None:
            _kept.dispose()
        _kept = never_forgetting(_plain(url, **options))
    return _kept.execution_options()


def never_forgetting(engine: Engine) -> Engine:
    """The engine, whose connections keep all statements prepared."""
    event.listen(engine, "connect", _keep_more)
    event.listen(engine, "rollback", _roll_back)
    return engine


def _keep_more(driver: Any, record: object) -> None:
    driver.prepared_max = PREPARED


def _roll_back(connection: Connection) -> None:
    """Ahead of the driver, which would forget all that it has prepared: half of the tests are about a refusal."""
    connection.connection.driver_connection.pgconn.exec_(b"ROLLBACK")
