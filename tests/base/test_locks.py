"""A lock of the database is held by one at a time and ends with its holder."""

from sqlalchemy import text

from base import database, locks


def test_the_second_is_told_and_another_name_is_another_lock(db):
    with locks.held("a") as first, locks.held("a") as second, locks.held("b") as other:
        assert (first, second, other) == (True, False, True)

    with locks.held("a") as again:
        assert again


def test_it_ends_with_the_block_however_that_ends(db):
    try:
        with locks.held("a"):
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass

    with locks.held("a") as again:
        assert again


def test_it_holds_no_transaction_open(db):
    with locks.held("a"), database.begin() as session:
        states = session.scalars(
            text(
                "select a.state from pg_locks l join pg_stat_activity a on a.pid = l.pid where l.locktype = 'advisory'"
            )
        ).all()

    assert states == ["idle"]
