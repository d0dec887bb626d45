"""Connections of the pool as they are lent out: not those that the server has ended, told to the watchdog, and opened only
while there is time for it.
"""

import time
from functools import partial
from select import POLLIN, poll
from typing import Any

import psycopg
from sqlalchemy import URL, Engine, event, exc

from base import deadlines
from base.deadlines import CONNECT_S, watchdog


def watch(engine: Engine, each_s: float | None) -> None:
    """Shut a connection when what it was lent for has a deadline that passed, and without one after `each_s` seconds."""
    watchdog.watches(partial(_attempt, engine.url), each_s)
    for moment, deed in (("checkout", _lent), ("checkin", _came_back), ("do_connect", _in_time)):
        event.listen(engine, moment, deed)


def still_open(connection: psycopg.Connection, record: Any, proxy: Any) -> None:
    """At a checkout: DisconnectionError where the server has ended this connection, so that the pool opens another.

    The server is not asked, and so it is for every transaction: to a connection that lies in the pool it says nothing but that.
    """
    if connection.closed or _readable(connection.fileno()):
        raise exc.DisconnectionError("the server ended this connection while it lay in the pool")


def _readable(number: int) -> bool:
    look = poll()
    look.register(number, POLLIN)
    return bool(look.poll(0))


def _lent(connection: psycopg.Connection, record: Any, proxy: Any) -> None:
    watchdog.lend(id(record), connection)


def _came_back(connection: psycopg.Connection | None, record: Any) -> None:
    watchdog.back(id(record), well=connection is not None and not connection.closed)


def _in_time(dialect: Any, record: Any, args: Any, options: Any) -> Any:
    """Connect, unless that would take too long for what it is for; who waits in vain tells all others."""
    deadline = deadlines.present()
    if deadline and time.monotonic() > deadline.connects_until:
        raise psycopg.OperationalError("too late to connect")
    try:
        return dialect.connect(*args, **options)
    except psycopg.errors.ConnectionTimeout:
        watchdog.away()
        raise


def _attempt(url: URL) -> None:
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, connect_timeout=CONNECT_S) as connection, deadlines.within(CONNECT_S):
        watchdog.lend(id(connection), connection)
        try:
            connection.execute("select 1")
        finally:
            watchdog.back(id(connection), well=False)


def is_late() -> bool:
    """Whether the deadline of what is being done has passed."""
    deadline = deadlines.present()
    return deadline is not None and deadline.passed
