"""Proof of statements: chains whole, totals equal to their lines, every line what it names, openings and reserves continued.

Of a merchant's chain the first broken statement is named; what follows it would only say the same again.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import database
from base.findings import Finding
from merchants.models import RESERVE_IN, RESERVE_OUT
from merchants.statements import lines, seals
from merchants.statements.lines import NOTHING, Sum, Sums
from merchants.statements.models import CARRIED_IN, Statement

AT_ONCE = 500
MOST = 100


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong in statements and their lines."""
    previous: Statement | None = None
    broken: int | None = None
    for statement in _every(session):
        if previous is not None and previous.merchant_id != statement.merchant_id:
            previous = None
        if statement.merchant_id != broken:
            found = list(_statement(session, statement, previous))
            yield from found
            broken = statement.merchant_id if found else None
        previous = statement
        session.expunge(statement)
    yield from _lines(session)
    yield from _reserves(session)


def _every(session: Session) -> Iterator[Statement]:
    after = (0, 0)
    while True:
        rows = session.scalars(
            select(Statement)
            .where(
                (Statement.merchant_id > after[0])
                | ((Statement.merchant_id == after[0]) & (Statement.statement_no > after[1]))
            )
            .order_by(Statement.merchant_id, Statement.statement_no)
            .limit(AT_ONCE)
            .execution_options(populate_existing=True)  # what is stored, whatever this session has read
        ).all()
        yield from rows
        if len(rows) < AT_ONCE:
            return
        after = (rows[-1].merchant_id, rows[-1].statement_no)


def _statement(session: Session, statement: Statement, previous: Statement | None) -> Iterator[Finding]:
    place = f"merchant {statement.merchant_id} statement {statement.statement_no}"
    if statement.statement_no != (previous.statement_no + 1 if previous else 1):
        yield Finding("statement chain", place, "a number is missing before it")
    if statement.previous_hash != (previous.hash if previous else seals.FIRST_HASH):
        yield Finding("statement chain", place, "does not follow from the statement before it")
    counted = _Counted(lines.stored(session, statement))
    if statement.hash != seals.of(statement, counted):
        yield Finding("statement seal", place, "the hash does not fit header and lines")
    whole = lines.total(counted.sums)
    said = (statement.owed_fen, statement.fee_fen, statement.vat_fen, statement.line_count)
    if said != (found := (whole.owed_fen, whole.fee_fen, whole.vat_fen, whole.lines)):
        yield Finding("statement total", place, f"the lines add up to {found}")
    if statement.form >= seals.FORM:
        yield from _continued(statement, previous, counted.sums, place)


def _continued(
    statement: Statement, previous: Statement | None, found: Sums, place: str
) -> Iterator[Finding]:
    if statement.sums != lines.shown(found):
        yield Finding("statement total", place, "the sums of its kinds are not those of its lines")
    opening, reserve = (previous.carried_fen, previous.reserve_fen) if previous else (0, 0)
    if statement.opening_fen != opening or found.get(CARRIED_IN, NOTHING).owed_fen != opening:
        yield Finding("statement opening", place, f"the one before carried {opening} fen")
    if statement.reserve_fen != (there := reserve + lines.moved_in_reserve(found)):
        yield Finding("statement reserve", place, f"the moves of the reserve make {there} fen")


class _Counted:
    """Lines on their way to the seal, added up by kind as they pass."""

    def __init__(self, rows: Iterator[Any]) -> None:
        self._rows, self._found = rows, dict[str, list[int]]()

    def __iter__(self) -> Iterator[Any]:
        for row in self._rows:
            kept = self._found.setdefault(row.kind, [0, 0, 0, 0])
            kept[0] += 1
            kept[1] += row.owed_fen
            kept[2] += row.fee_fen
            kept[3] += row.vat_fen
            yield row

    @property
    def sums(self) -> Sums:
        """What has passed."""
        return {kind: Sum(count, owed, fee, tax) for kind, (count, owed, fee, tax) in self._found.items()}


def _lines(session: Session) -> Iterator[Finding]:
    for merchant_id, number, line_no in database.rows(session, _NOT_WHAT_IT_NAMES):
        yield Finding(
            "statement lines",
            f"merchant {merchant_id} statement {number}",
            f"line {line_no} is not what it names",
        )


def _reserves(session: Session) -> Iterator[Finding]:
    for merchant_id, moved, said in database.rows(session, _RESERVES):
        yield Finding(
            "statement reserve",
            f"merchant {merchant_id}",
            f"its moves make {moved} fen, its statement says {said}",
        )


_NOT_WHAT_IT_NAMES = (
    "select l.merchant_id, l.statement_no, l.line_no from statement_line l "
    "left join statement s on s.merchant_id = l.merchant_id and s.statement_no = l.statement_no "
    f"left join ({lines.THINGS}) t on t.kind = l.kind and t.merchant_id = l.merchant_id "
    "and t.member_id = l.member_id and t.source_id = l.source_id "
    f"where s.statement_no is null or (l.kind <> '{CARRIED_IN}' and (l.owed_fen, l.fee_fen, l.vat_fen, l.recorded_at) "
    "is distinct from (t.owed_fen, t.fee_fen, t.vat_fen, t.recorded_at)) "
    f"order by 1, 2, 3 limit {MOST}"
)
# Moves that have no line yet (somebody let go of a reserve before its day) are on no statement's balance.
_RESERVES = (
    "select s.merchant_id, coalesce(m.moved, 0)::bigint, s.reserve_fen from ("
    "select distinct on (merchant_id) merchant_id, reserve_fen from statement order by merchant_id, statement_no desc) s "
    "left join (select i.merchant_id, -sum(i.owed_fen) as moved from merchant_item i "
    f"where i.kind in ('{RESERVE_IN}', '{RESERVE_OUT}') and exists (select from statement_line l "
    "where l.merchant_id = i.merchant_id and l.kind = i.kind and l.member_id = i.member_id and l.source_id = i.item_id) "
    "group by i.merchant_id) m on m.merchant_id = s.merchant_id "
    f"where coalesce(m.moved, 0) <> s.reserve_fen order by 1 limit {MOST}"
)
