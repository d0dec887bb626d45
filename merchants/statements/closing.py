"""Closing a period: everything of the merchant up to the cut-off that is on no statement yet, sealed and chained."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from base import database, ids
from base.errors import Conflict, NotFound
from base.failpoints import failpoint
from merchants.cycles import Period
from merchants.models import Merchant
from merchants.statements import lines, reckoning, reserves, ruling, seals
from merchants.statements.models import Statement, StatementLine
from merchants.statements.reckoning import Outcome
from merchants.statements.reserves import Kept

# Longer than any transaction may live: nothing recorded before the cut-off is missed.
SETTLING = timedelta(seconds=60)
MOST_NUMBER = 2**31 - 1  # of a statement or a line; an id can say more
Told = Callable[[Session, Statement], object]
_told: list[Told] = []


class PeriodNotOver(Conflict):
    """The period is not over yet."""

    zh = "结算期尚未结束。"
    next_en, next_zh = "Choose an earlier day.", "请选择更早的日期。"


class StatementUnknown(NotFound):
    """There is no such statement."""

    zh = "没有该结算单。"


def on_sealed(told: Told) -> None:
    """Have this called for every statement that is sealed, in the same transaction."""
    if told not in _told:
        _told.append(told)


def close(session: Session, merchant: Merchant, period: Period, at: datetime) -> Statement | None:
    """Seal what happened before the end of a period; None when there is nothing. Twice is once. PeriodNotOver.

    One who closes the same merchant meanwhile is waited for. A period that ends before the last statement does is closed as
    the shortest one after it.
    """
    if at < period.to_at + SETTLING:
        raise PeriodNotOver(until=str(period.last))
    _alone(session, merchant)
    previous = latest(session, merchant.merchant_id)
    number, opening = (previous.statement_no + 1, previous.carried_fen) if previous else (1, 0)
    first = 2 if opening else 1
    things = lines.put(session, merchant.merchant_id, number, period.to_at, after=first - 1)
    failpoint("lines_put")
    terms = ruling.load(session, merchant)
    released, rules = reserves.due(session, merchant, terms, period.to_at), terms.at(period.from_at)
    found = reckoning.reckon(rules, opening, things, sum(one.left_fen for one in released), len(released))
    if found is None:
        return None
    if previous and opening:
        lines.put_carried(session, previous, number)
    _move_reserve(session, merchant, number, first + lines.total(things).lines, found, released, at)
    began = max(period.from_at, previous.to_at) if previous else period.from_at
    statement = _statement(merchant, number, found, previous, at)
    statement.from_at, statement.to_at = began, max(period.to_at, began + timedelta(microseconds=1))
    statement.due_day = rules.due_day(period) if found.payable_fen else None
    statement.hash = seals.of(statement, lines.stored(session, statement))
    session.add(statement)
    session.flush()
    failpoint("statement_sealed")
    for told in _told:
        told(session, statement)
    return statement


def take_time(session: Session) -> None:
    """Time enough for a merchant of a million lines, in this transaction."""
    session.execute(text("set local lock_timeout = '60s'"))
    database.take_time(session, 600)


def _alone(session: Session, merchant: Merchant) -> None:
    """One at a time: who comes later finds what the first one did."""
    take_time(session)
    session.scalar(
        select(Merchant.merchant_id).where(Merchant.merchant_id == merchant.merchant_id).with_for_update()
    )


def _move_reserve(
    session: Session,
    merchant: Merchant,
    number: int,
    line_no: int,
    found: Outcome,
    released: list[Kept],
    at: datetime,
) -> None:
    """The last lines: what comes back out of reserve, and what goes in."""
    moved = [reserves.release(session, merchant, one, at) for one in released]
    if found.reserve_in_fen:
        moved.append(reserves.keep(session, merchant, number, found.reserve_in_fen, at))
    for further, item in enumerate(moved):
        lines.put_item(session, number, line_no + further, item)


def _statement(
    merchant: Merchant, number: int, found: Outcome, previous: Statement | None, at: datetime
) -> Statement:
    whole, before = found.whole, previous.reserve_fen if previous else 0
    return Statement(
        merchant_id=merchant.merchant_id,
        statement_no=number,
        sealed_at=at,
        owed_fen=whole.owed_fen,
        fee_fen=whole.fee_fen,
        vat_fen=whole.vat_fen,
        net_fen=whole.net_fen,
        line_count=whole.lines,
        currency=merchant.currency,
        form=seals.FORM,
        opening_fen=found.opening_fen,
        payable_fen=found.payable_fen,
        carried_fen=found.carried_fen,
        reserve_fen=before + lines.moved_in_reserve(found.sums),
        sums=lines.shown(found.sums),
        terms=sorted({ids.public("trs", number) for number in whole.terms}),
        previous_hash=previous.hash if previous else seals.FIRST_HASH,
    )


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
    found = session.get(Statement, (merchant_id, number)) if number <= MOST_NUMBER else None
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
