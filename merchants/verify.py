"""Proof of settlement: chains of statements whole, totals equal to their lines, each thing on one statement only."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.findings import Finding
from merchants.statements import closing
from merchants.statements.models import Statement


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong in statements, acceptances and voids."""
    previous: Statement | None = None
    for statement in session.scalars(
        select(Statement).order_by(Statement.merchant_id, Statement.statement_no)
    ):
        if previous is not None and previous.merchant_id != statement.merchant_id:
            previous = None
        yield from _statement(session, statement, previous)
        previous = statement
    yield from _voids(session)
    yield from _amounts(session)


def _statement(session: Session, statement: Statement, previous: Statement | None) -> Iterator[Finding]:
    place = f"merchant {statement.merchant_id} statement {statement.statement_no}"
    lines = closing.lines_of(session, statement)
    if statement.statement_no != (previous.statement_no + 1 if previous else 1):
        yield Finding("statement chain", place, "a number is missing before it")
    if statement.previous_hash != (previous.hash if previous else closing.FIRST_HASH):
        yield Finding("statement chain", place, "does not follow from the statement before it")
    if statement.hash != closing.seal(statement, lines):
        yield Finding("statement seal", place, "the hash does not fit header and lines")
    sums = tuple(sum(getattr(r, name) for r in lines) for name in ("owed_fen", "fee_fen", "vat_fen"))
    if sums != (statement.owed_fen, statement.fee_fen, statement.vat_fen):
        yield Finding("statement total", place, f"the lines add up to {sums}")


def _voids(session: Session) -> Iterator[Finding]:
    rows = session.connection().exec_driver_sql(
        "select a.member_id, a.acceptance_id from acceptance a "
        "full join void v on v.member_id = a.member_id and v.acceptance_id = a.acceptance_id "
        "where a.void_id is distinct from v.void_id limit 100"
    )
    for member_id, acceptance_id in rows:
        yield Finding(
            "voids", f"member {member_id} acceptance {acceptance_id}", "void and acceptance do not agree"
        )


def _amounts(session: Session) -> Iterator[Finding]:
    rows = session.connection().exec_driver_sql(
        "select l.merchant_id, l.statement_no, l.line_no from statement_line l "
        "left join acceptance a on l.kind = 'acceptance' and a.member_id = l.member_id and a.acceptance_id = l.source_id "
        "left join void v on l.kind = 'void' and v.member_id = l.member_id and v.void_id = l.source_id "
        "left join acceptance va on va.member_id = v.member_id and va.acceptance_id = v.acceptance_id "
        "left join statement s on s.merchant_id = l.merchant_id and s.statement_no = l.statement_no "
        "where s.statement_no is null or l.owed_fen is distinct from coalesce(a.owed_fen, -va.owed_fen) "
        "or l.fee_fen is distinct from coalesce(a.fee_fen, -va.fee_fen) "
        "or l.vat_fen is distinct from coalesce(a.vat_fen, -va.vat_fen) limit 100"
    )
    for merchant_id, number, line_no in rows:
        yield Finding(
            "statement lines",
            f"merchant {merchant_id} statement {number}",
            f"line {line_no} is not what it names",
        )
