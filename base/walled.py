"""The wall: settings of a transaction by which the database itself hides what somebody's query forgot to ask about."""

from collections.abc import Callable, Mapping
from itertools import chain

from sqlalchemy import Connection
from sqlalchemy.orm import Session, SessionTransaction

from base.errors import NotFound

Wall = Mapping[str, str]


class OutOfReach(NotFound):
    """There is nothing here that you may see or change."""

    zh = "没有找到。"


def _open() -> Wall | None:
    return None


standing: Callable[[], Wall | None] = _open  # until the guard at the door tells otherwise, by `behind`


def behind(found: Callable[[], Wall | None]) -> None:
    """Tell how it is found out which settings a transaction that begins now is held to; None: to none.

    The settings last as long as the transaction, so that a pooled connection carries nothing on.
    """
    global standing
    standing = found


def begin(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    """Hold a transaction that begins to the settings of its wall."""
    settings = standing()
    if settings and not transaction.nested:
        connection.exec_driver_sql(*_said(settings))


def _said(settings: Wall) -> tuple[str, tuple[str, ...]]:
    """One statement that sets all of them until the transaction ends."""
    each = ", ".join(["set_config(%s, %s, true)"] * len(settings))
    return f"select {each}", tuple(chain.from_iterable(settings.items()))
