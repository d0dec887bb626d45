"""Closing a period: everything of the merchant up to the cut-off that is on no statement yet, sealed and chained."""

import hashlib
import json
from datetime import date, datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from base import clock
from base.errors import Conflict, NotFound
from merchants.models import Acceptance, Merchant, Void
from merchants.statements.models import Statement, StatementLine

FIRST_HASH = bytes(32)
SETTLING = timedelta(
    seconds=60
)  # longer than any transaction may live: nothing recorded before the cut-off is missed


class PeriodNotOver(Conflict):
    """The period is not over yet."""

    zh = "结算期尚未结束。"
    next_en, next_zh = "Choose an earlier day.", "请选择更早的日期。"


class StatementUnknown(NotFound):
    """There is no such statement."""

    zh = "没有该结算单。"


def close(session: Session, merchant: Merchant, until: date, at: datetime) -> Statement | None:
    """Seal what happened up to the end of a day in the merchant's zone; None when there is nothing. Twice is once."""
    to_at = clock.start_of(until + timedelta(days=1), merchant.zone)
    if at < to_at + SETTLING:
        raise PeriodNotOver(until=str(until))
    session.scalar(
        select(Merchant.merchant_id).where(Merchant.merchant_id == merchant.merchant_id).with_for_update()
    )
    previous = latest(session, merchant.merchant_id)
    number = previous.statement_no + 1 if previous else 1
    lines = _lines(session, merchant.merchant_id, to_at, number)
    if not lines:
        return None
    owed, fee, vat = (
        sum(column) for column in zip(*((r.owed_fen, r.fee_fen, r.vat_fen) for r in lines), strict=True)
    )
    began = previous.to_at if previous else min(line.recorded_at for line in lines)
    statement = Statement(
        merchant_id=merchant.merchant_id,
        statement_no=number,
        from_at=began,
        to_at=max(to_at, began + timedelta(microseconds=1)),
        sealed_at=at,
        owed_fen=owed,
        fee_fen=fee,
        vat_fen=vat,
        net_fen=owed - fee - vat,
        line_count=len(lines),
        currency=merchant.currency,
        payable_fen=max(owed - fee - vat, 0),
        carried_fen=min(owed - fee - vat, 0),
        previous_hash=previous.hash if previous else FIRST_HASH,
        hash=b"",
    )
    statement.hash = seal(statement, lines)
    session.add(statement)
    session.add_all(lines)
    session.flush()
    return statement


def seal(statement: Statement, lines: list[StatementLine]) -> bytes:
    """SHA-256 over the previous statement's hash and the canonical JSON of header and lines."""
    body = {
        "merchant": statement.merchant_id,
        "no": statement.statement_no,
        "from": statement.from_at.isoformat(),
        "to": statement.to_at.isoformat(),
        "sealed": statement.sealed_at.isoformat(),
        "currency": statement.currency,
        "totals": [
            statement.owed_fen,
            statement.fee_fen,
            statement.vat_fen,
            statement.net_fen,
            statement.line_count,
        ],
        "lines": [
            [
                r.line_no,
                r.kind,
                r.member_id,
                r.source_id,
                r.recorded_at.isoformat(),
                r.owed_fen,
                r.fee_fen,
                r.vat_fen,
            ]
            for r in lines
        ],
    }
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(statement.previous_hash + canonical).digest()


def latest(session: Session, merchant_id: int) -> Statement | None:
    """The merchant's newest statement."""
    return session.scalar(
        select(Statement)
        .where(Statement.merchant_id == merchant_id)
        .order_by(Statement.statement_no.desc())
        .limit(1)
    )


def all_of(
    session: Session, merchant_id: int, *, before: int | None = None, limit: int = 50
) -> list[Statement]:
    """A merchant's statements, newest first, from before a number on."""
    asked = (
        select(Statement)
        .where(Statement.merchant_id == merchant_id)
        .order_by(Statement.statement_no.desc())
        .limit(limit)
    )
    if before is not None:
        asked = asked.where(Statement.statement_no < before)
    return list(session.scalars(asked))


def find(session: Session, merchant_id: int, number: int) -> Statement:
    """One statement; StatementUnknown."""
    found = session.get(Statement, (merchant_id, number))
    if found is None:
        raise StatementUnknown()
    return found


def lines_of(
    session: Session, statement: Statement, *, after: int = 0, limit: int | None = None
) -> list[StatementLine]:
    """Its lines in order; all of them, or some from after a number on."""
    return list(
        session.scalars(
            select(StatementLine)
            .where(
                StatementLine.merchant_id == statement.merchant_id,
                StatementLine.statement_no == statement.statement_no,
                StatementLine.line_no > after,
            )
            .order_by(StatementLine.line_no)
            .limit(limit)
        )
    )


def _lines(session: Session, merchant_id: int, to_at: datetime, number: int) -> list[StatementLine]:
    """Acceptances and voids before the cut-off that have no line: an anti-join, so that a straggler is not lost."""
    found: list[tuple[datetime, int, str, int, int, int, int]] = []
    accepted = select(Acceptance).where(
        Acceptance.merchant_id == merchant_id,
        Acceptance.recorded_at < to_at,
        ~_has_line("acceptance", Acceptance.member_id, Acceptance.acceptance_id, merchant_id),
    )
    for row in session.scalars(accepted):
        found.append(
            (
                row.recorded_at,
                row.acceptance_id,
                "acceptance",
                row.member_id,
                row.owed_fen,
                row.fee_fen,
                row.vat_fen,
            )
        )
    voided = (
        select(Void, Acceptance)
        .join(
            Acceptance,
            (Acceptance.member_id == Void.member_id) & (Acceptance.acceptance_id == Void.acceptance_id),
        )
        .where(
            Void.merchant_id == merchant_id,
            Void.recorded_at < to_at,
            ~_has_line("void", Void.member_id, Void.void_id, merchant_id),
        )
    )
    for void, row in session.execute(voided):
        found.append(
            (
                void.recorded_at,
                void.void_id,
                "void",
                void.member_id,
                -row.owed_fen,
                -row.fee_fen,
                -row.vat_fen,
            )
        )
    return [
        StatementLine(
            merchant_id=merchant_id, statement_no=number, line_no=line_no, kind=kind, member_id=member_id,
            source_id=source_id, recorded_at=recorded_at, owed_fen=owed, fee_fen=fee, vat_fen=vat,
        )
        for line_no, (recorded_at, source_id, kind, member_id, owed, fee, vat) in enumerate(sorted(found), start=1)
    ]  # fmt: skip


def _has_line(kind: str, member_id: object, source_id: object, merchant_id: int):  # type: ignore[no-untyped-def]
    return exists().where(
        StatementLine.merchant_id == merchant_id,
        StatementLine.kind == kind,
        StatementLine.member_id == member_id,
        StatementLine.source_id == source_id,
    )
