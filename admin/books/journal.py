"""The journal of a time: every document in the order of days, each with its lines; as a file for the operator's own ledger."""

import csv
import heapq
import io
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from itertools import chain
from typing import NamedTuple

from sqlalchemy.orm import Session

from admin.books import balances, facts, rules
from admin.books.balances import Effects
from admin.books.facts import Fact, Span
from admin.books.rules import Line
from base import clock, ids
from base.csv_files import neutralised
from base.money import yuan_text

HEADER = ("date", "event", "document", "account", "debit", "credit", "currency", "text")


class Document(NamedTuple):
    """Something that happened, with its balanced lines."""

    at: datetime
    event: str
    name: str
    currency: str
    lines: tuple[Line, ...]


def documents(session: Session, span: Span) -> Iterator[Document]:
    """All documents of a time, in order; the same again while no fact was added to it."""
    codes = balances.merchant_codes(session)
    streams: list[Iterator[Document]] = [
        (_document(fact, codes) for fact in facts.one_by_one(session, source, span))
        for source in facts.there(session)
    ]
    if span.merchant_id is None:
        streams.append(iter(sorted(_of_points(session, span), key=_place)))
    return heapq.merge(*streams, key=_place)


def counted(found: Iterator[Document], advance: Callable[[int], None]) -> Iterator[Document]:
    """The same, telling a progress of each."""
    for one in found:
        yield one
        advance(1)


def rows(found: Iterator[Document], zone: str) -> Iterator[tuple[str, ...]]:
    """Rows of the file: a debit and a credit for each line. Amounts in yuan."""
    for one in found:
        day, text = str(clock.day(one.at, zone)), rules.RULES[one.event].en
        for debit, credit, fen in one.lines:
            amount = yuan_text(fen)
            yield day, one.event, one.name, neutralised(debit), amount, "", one.currency, text
            yield day, one.event, one.name, neutralised(credit), "", amount, one.currency, text


def written(rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    """The file, line by line, header first."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in chain((HEADER,), rows):
        writer.writerow(row)
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def _document(fact: Fact, codes: dict[int, str]) -> Document:
    lines = rules.lines(fact.source.event, fact.amounts, codes.get(fact.merchant_id, ""), fact.brand)
    name = ids.public(fact.source.prefix, *fact.key)
    return Document(fact.at, fact.source.event, name, fact.currency, tuple(lines))


def _of_points(session: Session, span: Span) -> Iterator[Document]:
    """A document for each day and event of points: the first thing of a day is not before its last moment."""
    effects = Effects()
    for one in facts.sums(session, span):
        if one.source.moves_points:
            for amounts, sign in ((one.above, 1), (one.below, -1)):
                signed = {name: sign * fen for name, fen in amounts.items()}
                effects.add(one.programme_id, one.day, one.source.event, signed)
    for programme, _, daily in balances.of_points(session, span, effects):
        for day, event, fen in daily:
            amounts = {rules.RULES[event].amounts[0]: fen}
            at, name = _end(day, span.zone), f"points:{programme.code}:{day}"
            lines = tuple(rules.lines(event, amounts))
            if lines:
                yield Document(at, event, name, programme.currency, lines)


def _end(day: date, zone: str) -> datetime:
    return clock.start_of(day + timedelta(days=1), zone) - timedelta(microseconds=1)


def _place(one: Document) -> tuple[datetime, str, str]:
    return one.at, one.event, one.name
