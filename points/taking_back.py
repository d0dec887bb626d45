"""A file of bill lines is taken back as long as it is untouched: each line that it brought is corrected to nothing.

Untouched is a line of which nothing was told since, and whose points still lie in the lot that they entered: nobody has spent,
held or given them, and they have not lapsed. A line that is touched is refused, and only a correction of its own, which may
leave a debt, takes it back. Entries stay as they are: what is taken back has entries of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Unpack

from sqlalchemy.orm import Session

from base import clock
from points import bills, corrections, line_history, staged_imports, waiting
from points.bills import BillLineIn
from points.corrections import CorrectionIn
from points.imports import Format, Outcome, Report, What, refused
from points.kinds import Kind
from points.line_history import Corrected, Line, Named, Place
from points.models import Programme
from points.staged_imports import How

RUN = "bills taken back"
TOLD_SINCE = "bill_id: a correction or payment of this line came since; send a correction"
TOUCHED = "points: spent, held, given or lapsed in part; send a correction, which may leave a debt"


def take_back(programme: Programme, path: Path, name: str, **how: Unpack[How]) -> Report:
    """Take a file of bill lines back; its own transactions, see points/staged_imports.py.

    `name`: the id of the corrections, the same whenever the same file is taken back. Lines that are not in the books as the
    file has them (refused when it was taken in) count as already there: nothing of them is to be taken back, and those that
    wait for a rule wait no longer.
    """
    return staged_imports.run(programme, path, partial(form, name=name), **how)


def form(session: Session, programme: Programme, name: str) -> Format[BillLineIn]:
    """How bill lines are taken back, by corrections of that id."""
    return replace(
        bills.form(session, programme),
        kind=RUN,
        earns=False,  # the postings of a part may lie in a savepoint, whose number the count again does not know
        take=lambda session, lines: undo(session, programme, lines, name),
    )


def undo(session: Session, programme: Programme, lines: Sequence[BillLineIn], name: str) -> list[Outcome]:
    """Correct lines to nothing, one outcome each in the same order; safe to repeat. Nothing is committed here."""
    today = clock.day(clock.now(), programme.zone)
    there = line_history.of_customers(session, programme, map(_named, lines))
    outcomes: dict[int, Outcome] = {}
    asked: dict[int, CorrectionIn] = {}
    for number, line in enumerate(lines):
        found = there.get(_named(line))
        if found is None or not _as_it_came(found, line) or _undone(found, name):
            outcomes[number] = Outcome(What.THERE)
        elif found.events:
            outcomes[number] = refused(TOLD_SINCE)
        else:
            day = max(today, found.latest.day)
            asked[number] = CorrectionIn(line.customer_id, name, line.bill_id, line.line_no, day, 0, 0)
    waiting.forget(session, programme, [line for line in lines if _named(line) not in there])
    places = {number: there[_named(lines[number])].place for number in asked}
    outcomes |= _corrected(session, programme, asked, places)
    return [outcomes[number] for number in range(len(lines))]


def _named(line: BillLineIn) -> Named:
    return line.customer_id, line.bill_id, line.line_no


def _as_it_came(found: Line, line: BillLineIn) -> bool:
    first = (found.first.day, found.line_type, found.first.amount_fen, found.first.waived_fen)
    said = (line.bill_day, line.line_type, line.amount_fen, line.waived_fen)
    return first == said and found.first.paid_fen == line.paid_fen


def _undone(found: Line, name: str) -> bool:
    return any(isinstance(event, Corrected) and event.correction_id == name for event in found.events)


def _corrected(
    session: Session, programme: Programme, asked: Mapping[int, CorrectionIn], places: Mapping[int, Place]
) -> dict[int, Outcome]:
    """The corrections that touch nothing but the lines' own points; the others are refused, and leave no trace."""
    outcomes: dict[int, Outcome] = {}
    while asked:
        part = session.begin_nested()
        posted = corrections.post_corrections(session, programme, list(asked.values()))
        touched = _touched(session, {number: places[number] for number in asked}, next(iter(asked.values())))
        if not touched:
            part.commit()
            return outcomes | dict(zip(asked, posted, strict=True))
        part.rollback()
        outcomes |= dict.fromkeys(touched, refused(TOUCHED))
        asked = {number: one for number, one in asked.items() if number not in touched}
    return outcomes


def _touched(session: Session, places: Mapping[int, Place], correction: CorrectionIn) -> set[int]:
    """Which lines' corrections left a debt, or took points of another lot."""
    found = session.connection().exec_driver_sql(
        "select c.member_id, c.bill_id, c.line_no from unnest(%s::bigint[], %s::text[], %s::int[]) k(m, b, n) "
        "join bill_correction c on c.member_id = k.m and c.bill_id = k.b and c.line_no = k.n and c.correction_id = %s "
        "join posting p on p.member_id = c.member_id and p.seq = any(c.seqs) "
        "join posting o on o.member_id = p.member_id and o.seq = p.rev_of "
        "where p.kind = %s or cardinality(p.lots) <> 3 or p.lots[1] <> o.lots[1]",
        (*map(list, zip(*places.values(), strict=True)), correction.correction_id, int(Kind.OWE)),
    )
    there = {tuple(row) for row in found}
    return {number for number, place in places.items() if place in there}
