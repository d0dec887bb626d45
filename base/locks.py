"""One at a time over all processes and machines: advisory locks of the database, which end with whoever holds them."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import exc, text

from base import database
from base.database import NotConnected


@contextmanager
def held(name: str) -> Iterator[bool]:
    """Hold the lock of a name while the block runs; False: somebody else holds it, and the block runs without it.

    It lies on a connection of its own without a transaction: killed, cut off or restarted, nobody holds it any longer.
    So it spares double work; what must not happen twice needs a guard in its own transaction.
    """
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    engine = database.new_engine(database.engine().url.render_as_string(hide_password=False), pool_size=1)
    try:
        try:
            connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            mine = connection.scalar(text("select pg_try_advisory_lock(:number)"), {"number": number})
        except exc.OperationalError as error:
            raise NotConnected(retry_after_s=2) from error
        try:
            yield bool(mine)
        finally:
            with suppress(exc.DBAPIError):
                connection.close()
    finally:
        engine.dispose()
