"""One at a time over all processes and machines: advisory locks of the database, which end with whoever holds them."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, exc, func, select, text
from sqlalchemy.orm import Session

from base import database, pooler
from base.database import NotConnected


@contextmanager
def held(name: str) -> Iterator[bool]:
    """Hold the lock of a name while the block runs; False: somebody else holds it, and the block runs without it.

    It lies on a connection of its own without a transaction: killed, cut off or restarted, nobody holds it any longer.
    Behind a pooler that connection would soon be somebody else's; there a transaction that does nothing holds the lock.
    So it spares double work; what must not happen twice needs a guard in its own transaction.
    """
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    engine = database.new_engine(database.engine().url.render_as_string(hide_password=False), pool_size=1)
    try:
        try:
            connection = engine.connect()
            mine = _taken(connection, number)
        except exc.OperationalError as error:
            raise NotConnected(retry_after_s=2) from error
        if not mine:
            connection.close()
        try:
            yield mine
        finally:
            with suppress(exc.DBAPIError):
                connection.close()
    finally:
        engine.dispose()


def in_turn(session: Session, name: str) -> None:
    """Until the end of this transaction everybody else who takes the same name waits here. StillRunning where it takes long."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def _taken(connection: Connection, number: int) -> bool:
    """Whether the lock is ours now, for the session, or behind a pooler for a transaction."""
    if not pooler.is_between(connection.connection.driver_connection):  # type: ignore[arg-type]
        connection.execution_options(isolation_level="AUTOCOMMIT")
        return bool(connection.scalar(_FOR_A_SESSION, {"number": number}))
    mine = bool(connection.scalar(_FOR_A_TRANSACTION, {"number": number}))
    # Said last, it lets go of the snapshot too, which would keep the database from cleaning up as long as the lock is held.
    connection.exec_driver_sql("set local idle_in_transaction_session_timeout = 0")
    return mine


_FOR_A_SESSION = text("select pg_try_advisory_lock(:number)")
_FOR_A_TRANSACTION = text("select pg_try_advisory_xact_lock(:number)")
