"""The check of the books after a test: all that `jifen verify` would find, without asking about empty tables again.

Verify is asked once while the database is empty. From then on a statement that names empty tables only is told what it
was told then, and a part of verify that reads empty tables only is left out: it goes the same way, and found nothing.
"""

import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Executable, Result, event, text
from sqlalchemy.orm import ORMExecuteState, Session

from app import proof
from base import database
from base.findings import Finding

_TABLES = text("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace")
_VIEWS = text(
    "select count(*) from pg_class where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace"
)
_LOCKED = text(
    "select relname from pg_locks join pg_class on pg_class.oid = relation where locktype = 'relation' "
    "and pid = pg_backend_pid() and relkind = 'r' and relnamespace = 'public'::regnamespace"
)


@dataclass
class Empty:
    """What the parts of verify read, and what each of their statements is told, while there is no row at all."""

    tables: frozenset[str]
    read: list[frozenset[str]] = field(default_factory=list)
    told: dict[Any, tuple[frozenset[str], Callable[[], Result[Any]]]] = field(default_factory=dict)

    def learn(self, number: int) -> None:
        with database.begin() as session:
            named: list[str] = []
            event.listen(session.connection(), "before_cursor_execute", lambda *a: named.append(a[2]))
            _intercept(session, lambda key, ask: self._keep(key, ask, named))
            assert not list(proof.parts()[number](session))
        with database.begin() as session:
            list(proof.parts()[number](session))
            self.read.append(frozenset(session.scalars(_LOCKED)))

    def _keep(self, key: Any, ask: Callable[[], Result[Any]], named: list[str]) -> Result[Any]:
        before = len(named)
        kept = ask().freeze()
        self.told[key] = self._among(" ".join(named[before:])), kept
        return kept()

    def _among(self, statements: str) -> frozenset[str]:
        return self.tables & set(re.findall(r"\w+", statements))

    def recall(self, session: Session, filled: Set[str]) -> None:
        """Whatever the session asks of tables that are not filled, it is told from memory."""

        def answer(key: Any, ask: Callable[[], Result[Any]]) -> Result[Any]:
            tables, kept = self.told.get(key, (filled, None))
            return ask() if kept is None or tables & filled else kept()

        _intercept(session, answer)


def _intercept(session: Session, answer: Callable[[Any, Callable[[], Result[Any]]], Result[Any]]) -> None:
    """All statements of this session go through `answer`: the statement with its values, and how to ask the database."""

    def execute(state: ORMExecuteState) -> Result[Any]:
        return answer(_key(state.statement, state.parameters), state.invoke_statement)

    connection = session.connection()
    plain = connection.exec_driver_sql

    def exec_driver_sql(statement: str, values: Any = None, **options: Any) -> Result[Any]:
        return answer((statement, repr(values)), lambda: plain(statement, values, **options))

    event.listen(session, "do_orm_execute", execute)
    connection.exec_driver_sql = exec_driver_sql


def _key(statement: Executable, values: Any) -> Any:
    found = statement._generate_cache_key()
    return found.key, repr([bound.effective_value for bound in found.bindparams]), repr(values)


@cache
def when_empty() -> Empty:
    """To be called first while the database is empty."""
    with database.begin() as session:
        assert not session.scalar(_VIEWS), "a view would hide from us which tables a statement reads"
        known = Empty(frozenset(session.scalars(_TABLES)))
    for number in range(len(proof.parts())):
        known.learn(number)
    return known


def faults(filled: Set[str]) -> Iterator[Finding]:
    """What verify finds in the database of this process, of whose tables no others than these have rows."""
    if not filled:
        return
    known = when_empty()
    with database.begin() as session:
        known.recall(session, filled)
        for part, read in zip(proof.parts(), known.read, strict=True):
            if read & filled:
                yield from part(session)
