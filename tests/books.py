"""The check of the books after a test: all that `jifen verify` would find, without asking about empty tables again.

What a part of verify finds follows from the tables that it reads. It is asked once while the database is empty: it
finds nothing, and the locks of its transaction name the tables. As long as these are empty it goes the same way.
"""

from collections.abc import Iterator
from functools import cache

from sqlalchemy import text

from app import proof
from base import database
from base.findings import Finding

_READ = text(
    "select relation::regclass::text from pg_locks where locktype = 'relation' and pid = pg_backend_pid() "
    "and database = (select oid from pg_database where datname = current_database())"
)


@cache
def read_when_empty() -> tuple[frozenset[str], ...]:
    """The tables that each part of verify reads while there is no row in the database."""
    return tuple(_read(number) for number in range(len(proof.parts())))


def _read(number: int) -> frozenset[str]:
    with database.begin() as session:
        assert not list(proof.parts()[number](session))
        return frozenset(session.scalars(_READ))


def faults(filled: set[str]) -> Iterator[Finding]:
    """What verify finds in the database of this process, of whose tables no others than these have rows."""
    if not filled:
        return
    with database.begin() as session:
        for part, read in zip(proof.parts(), read_when_empty(), strict=True):
            if read & filled:
                yield from part(session)
