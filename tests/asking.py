"""Many questions put to the database at once: are they answered today as they were answered before?

Each is asked within one statement a part of verify, and all of those without waiting for the answer of the one before.
"""

import re
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy.orm import Session

from base import database

LONGEST_MS = 30_000  # each of them has five seconds by itself


@dataclass(frozen=True)
class Question:
    """A statement as the driver was given it, and its values; two are the same when both are."""

    statement: str
    values: Any = field(compare=False)
    written: str  # the values, as text

    def named(self, prefix: str) -> tuple[str, dict[str, Any]]:
        """The statement and its values under names that no other question has."""
        if self.values is None:
            return self.statement.replace("%", "%%"), {}
        values: dict[str, Any] = {}

        def name(found: re.Match[str]) -> str:
            if found[0] == "%%":
                return "%%"
            key = f"{prefix}_{found[1] or len(values)}"
            values[key] = self.values[found[1] if found[1] else len(values)]
            return f"%({key})s"

        return re.sub(r"%(?:%|\((\w+)\)s|s)", name, self.statement), values


@contextmanager
def heard(session: Session) -> Iterator[list[Question]]:
    """All that the session asks from now on, whichever way it asks."""
    driver, questions = database.driver(session), list[Question]()

    def keep(query: Any, values: Any) -> None:
        text = query if isinstance(query, str) else query.as_string(driver)
        questions.append(Question(text, values, repr(values)))

    class Client(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
            keep(query, params)
            return super().execute(query, params, **more)

    class Server(psycopg.ServerCursor[Any]):
        def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
            keep(query, params)
            return super().execute(query, params, **more)

    plain = driver.cursor_factory, driver.server_cursor_factory
    driver.cursor_factory, driver.server_cursor_factory = Client, Server
    try:
        yield questions
    finally:
        driver.cursor_factory, driver.server_cursor_factory = plain


@dataclass(frozen=True)
class Part:
    """What a part of verify asks whenever it is asked, how it was answered, and whether that is all that it asks."""

    questions: tuple[Question, ...]
    statement: str
    values: dict[str, Any]
    answers: tuple[Any, ...]
    whole: bool

    def went(self, same: Set[Question]) -> bool:
        """Whether it goes the way that it went when it was learned: nothing that it asks is answered otherwise."""
        return self.whole and same.issuperset(self.questions)


def learned(session: Session, questions: Sequence[Question], *, whole: bool) -> Part:
    """The part that asks these, answered by the database as it is now. Where there is no row, none shall come."""
    questions, driver = tuple(dict.fromkeys(questions)), database.driver(session)
    columns, values = [], {}
    for number, question in enumerate(questions):
        statement, named = question.named(f"q{number}")
        column = f"(select array_agg(x::text) from ({statement}) x)"
        (rows,) = driver.execute(f"select {column}", named).fetchone() or ()
        columns.append(f"exists ({statement})" if rows is None else column)
        values |= named
    together = f"select {', '.join(columns)}"
    answers = driver.execute(together, values).fetchone() or ()
    return Part(questions, together, values, tuple(answers), whole)


def answered_alike(session: Session, parts: Sequence[Part]) -> set[Question]:
    """Those questions of the parts that are answered now as they were when these were learned."""
    driver = database.driver(session)
    with driver.pipeline():
        driver.execute(f"set local statement_timeout = {LONGEST_MS}")
        cursors = [driver.execute(part.statement, part.values) for part in parts]
    return {
        question
        for part, cursor in zip(parts, cursors, strict=True)
        for question, answer, before in zip(
            part.questions, cursor.fetchone() or (), part.answers, strict=True
        )
        if answer == before
    }
