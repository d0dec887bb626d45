"""The check of the books after a test: all that `jifen verify` would find, without asking about empty tables again.

Verify is asked once while the database is empty. From then on a statement that names empty tables only is told what it
was told then, and a part of verify that reads empty tables only is left out: it goes the same way, and found nothing.
So does a part all of whose statements are answered today as they were then; that is asked all at once (tests/asking.py).
"""

import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import Executable, Result, event, text
from sqlalchemy.orm import ORMExecuteState, Session

from app import proof
from base import clock, database
from base.findings import Finding
from tests import asking
from tests.asking import Question

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
    asks: dict[Any, list[Question]] = field(default_factory=dict)
    parts: list[asking.Part] = field(default_factory=list)

    def learn(self, number: int) -> None:
        with database.begin() as session, asking.heard(session) as questions:
            _intercept(session, lambda key, ask: self._keep(key, ask, questions))
            assert not list(proof.parts()[number](session))
        with clock.stopped(clock.now() + timedelta(days=500)), database.begin() as session:
            with asking.heard(session) as asked_later:
                assert not list(proof.parts()[number](session))
            self.read.append(frozenset(session.scalars(_LOCKED)))
        about = [one for one in questions if one in asked_later and self._among(one.statement)]
        with database.begin() as session:
            self.parts.append(asking.learned(session, about, whole=questions == asked_later))

    def _keep(self, key: Any, ask: Callable[[], Result[Any]], questions: list[Question]) -> Result[Any]:
        before = len(questions)
        kept = ask().freeze()
        self.asks[key] = questions[before:]
        self.told[key] = self._among(" ".join(one.statement for one in questions[before:])), kept
        return kept()

    def _among(self, statements: str) -> frozenset[str]:
        return self.tables & set(re.findall(r"\w+", statements))

    def recall(self, session: Session, filled: Set[str], same: Set[Question]) -> None:
        """Whatever the session asks of tables that are not filled, or is told the same today, it is told from memory."""

        def answer(key: Any, ask: Callable[[], Result[Any]]) -> Result[Any]:
            tables, kept = self.told.get(key, (filled, None))
            known = kept is not None and (not tables & filled or same.issuperset(self.asks[key]))
            return kept() if known else ask()

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
        concerned = [number for number, read in enumerate(known.read) if read & filled]
        same = asking.answered_alike(session, [known.parts[number] for number in concerned])
        known.recall(session, filled, same)
        for number in concerned:
            if not known.parts[number].went(same):
                yield from proof.parts()[number](session)
