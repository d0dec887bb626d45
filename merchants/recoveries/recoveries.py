"""The ladder by which a debt comes back that the next statement did not net: reserve, reversal, invoice, write-off.

A debt is what the last statement carries below zero; the next statement nets it by itself, and only what has stood through
one, or is owed by a merchant that leaves, is taken up here. No rung is left out. What a rung brings is an item, by which the
next statement owes so much less. A write-off, by two persons, is of an invoice that nobody paid (`write_offs.py`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.orm import Session

from base import audit, ids
from base.errors import Conflict, NotFound
from merchants import items
from merchants.items import Amounts
from merchants.models import ADJUSTMENT, CLOSED, LEAVING, RESERVE_IN, RESERVE_OUT, Merchant, MerchantItem
from merchants.payout_routes.models import STRIPE
from merchants.payouts.models import PAID, SENT, Payout
from merchants.recoveries.models import (
    DONE,
    INVOICE,
    OPEN,
    REFUSED,
    RESERVE,
    REVERSAL,
    SENDING,
    UNKNOWN,
    WRITE_OFF,
    Recovery,
)
from merchants.statements.models import Statement, StatementLine

READS, MANAGES = "payouts:read", "recoveries:manage"


class NoDebt(Conflict):
    """This merchant owes nothing that a statement carries."""

    zh = "该商户没有需追回的欠款。"


class NextStatementFirst(Conflict):
    """The next statement may still net this debt."""

    zh = "下一期结算单仍可能抵扣该欠款。"
    next_en, next_zh = "Wait until it is sealed.", "请等待下一期结算单出具。"


class AnotherRung(Conflict):
    """This is not the next rung of the ladder for this debt."""

    zh = "不能跳过追偿步骤。"
    next_en, next_zh = "Take the step that is named.", "请按提示的步骤执行。"


class RecoveryUnknown(NotFound):
    """There is no such recovery."""

    zh = "没有该笔追偿。"


class InvoiceNotOpen(Conflict):
    """This is no invoice that waits to be paid."""

    zh = "该账单不在待付状态。"


@dataclass(frozen=True)
class Debt:
    """What a merchant owes by its last statement, in fen, and the rung that comes next; no rung: something is under way."""

    statement_no: int
    left_fen: int
    rung: str | None


def debt_of(session: Session, merchant: Merchant) -> Debt:
    """The debt that is left to be brought back; NoDebt, NextStatementFirst."""
    last = session.scalar(
        select(Statement)
        .where(Statement.merchant_id == merchant.merchant_id)
        .order_by(Statement.statement_no.desc())
        .limit(1)
    )
    if last is None or last.carried_fen >= 0:
        raise NoDebt()
    rows = _not_netted(session, merchant.merchant_id, last.statement_no)
    left = -last.carried_fen - sum(row.amount_fen for row in rows if row.item_id is not None)
    if left <= 0:
        raise NoDebt()
    if last.opening_fen >= 0 and merchant.state not in (LEAVING, CLOSED):
        raise NextStatementFirst(owed_fen=left)
    return Debt(last.statement_no, left, _rung(session, merchant.merchant_id, rows))


def _not_netted(session: Session, merchant_id: int, statement_no: int) -> list[Recovery]:
    """Rungs of the last statement's debt. A debt that stands is carried on: of one before, those that no statement counts yet."""
    on_a_statement = exists().where(
        StatementLine.merchant_id == Recovery.merchant_id,
        StatementLine.member_id == 0,
        StatementLine.source_id == Recovery.item_id,
        StatementLine.kind.in_((ADJUSTMENT, RESERVE_OUT)),
    )
    asked = select(Recovery).where(
        Recovery.merchant_id == merchant_id,
        Recovery.step != WRITE_OFF,
        or_(
            Recovery.statement_no == statement_no,
            Recovery.state.in_((SENDING, UNKNOWN)),
            Recovery.item_id.is_not(None) & ~on_a_statement,
        ),
    )
    return list(session.scalars(asked.execution_options(populate_existing=True)))


def _rung(session: Session, merchant_id: int, rows: list[Recovery]) -> str | None:
    if any(row.state in (SENDING, UNKNOWN) for row in rows):
        return None
    if items.in_reserve(session, merchant_id) > 0:
        return RESERVE
    refused = any(row.state == REFUSED for row in rows)
    return INVOICE if refused or _largest(session, merchant_id) is None else REVERSAL


def take(session: Session, merchant: Merchant, rung: str, reason: str, actor: str, at: datetime) -> Recovery:
    """Take the next rung, for as much of the debt as it can bring; AnotherRung names the one that is next."""
    session.get_one(Merchant, merchant.merchant_id, with_for_update=True)  # of two at once, one waits
    debt = debt_of(session, merchant)
    if rung != debt.rung:
        raise AnotherRung(next_step=debt.rung or "wait")
    row = {RESERVE: _reserve, REVERSAL: _reversal, INVOICE: _invoice}[rung](
        session, merchant, debt, reason, actor, at
    )
    audit.write(session, actor, f"recovery.{rung}", public_id(row), fen=row.amount_fen)
    return row


def _reserve(
    session: Session, merchant: Merchant, debt: Debt, reason: str, actor: str, at: datetime
) -> Recovery:
    """Out of the oldest reserve; its statement's whole rest or what is needed of it."""
    kept = session.execute(
        select(MerchantItem.about_id, (-func.sum(MerchantItem.owed_fen)).label("left"))
        .where(
            MerchantItem.merchant_id == merchant.merchant_id, MerchantItem.kind.in_((RESERVE_IN, RESERVE_OUT))
        )
        .group_by(MerchantItem.about_id)
        .having(func.sum(MerchantItem.owed_fen) < 0)
        .order_by(MerchantItem.about_id)
        .limit(1)
    ).one()
    amount = min(int(kept.left), debt.left_fen)
    item = items.add(
        session, merchant.merchant_id, RESERVE_OUT, Amounts(amount), about_id=kept.about_id,
        at=at, reason=reason, actor=actor,
    )  # fmt: skip
    return _add(session, merchant, debt, RESERVE, DONE, amount, reason, actor, at, item_id=item.item_id)


def _reversal(
    session: Session, merchant: Merchant, debt: Debt, reason: str, actor: str, at: datetime
) -> Recovery:
    """Of the transfer of which most is left; asked of Stripe after the commit."""
    found = _largest(session, merchant.merchant_id)
    if found is None:
        raise AnotherRung(next_step=INVOICE)
    payout, left = found
    return _add(
        session, merchant, debt, REVERSAL, SENDING, min(left, debt.left_fen), reason, actor, at,
        against_no=payout.statement_no,
    )  # fmt: skip


def _invoice(
    session: Session, merchant: Merchant, debt: Debt, reason: str, actor: str, at: datetime
) -> Recovery:
    """What is left becomes a claim of its own, with a number, and is carried no more."""
    count = session.scalar(
        select(func.count()).where(Recovery.merchant_id == merchant.merchant_id, Recovery.step == INVOICE)
    )
    number, recovery_id = f"{merchant.code}-{(count or 0) + 1:04d}", ids.new_id()
    item = items.add(
        session, merchant.merchant_id, ADJUSTMENT, Amounts(debt.left_fen), about_id=recovery_id,
        at=at, reason=f"{INVOICE} {number}", actor=actor,
    )  # fmt: skip
    return _add(
        session, merchant, debt, INVOICE, OPEN, debt.left_fen, reason, actor, at,
        number=number, recovery_id=recovery_id, item_id=item.item_id,
    )  # fmt: skip


def put_item(session: Session, row: Recovery, at: datetime) -> int:
    """The next statement owes so much less: for a reversal that was done, whose row is locked."""
    reason = f"{row.step} {public_id(row)}"
    item = items.add(
        session, row.merchant_id, ADJUSTMENT, Amounts(row.amount_fen), about_id=row.recovery_id,
        at=at, reason=reason, actor=row.actor,
    )  # fmt: skip
    return item.item_id


def paid(session: Session, row: Recovery, reference: str, actor: str, at: datetime) -> Recovery:
    """An invoice was paid: so it stands in the bank's account, under this reference. InvoiceNotOpen."""
    moved = end_invoice(session, row, DONE, reference, at)
    audit.write(session, actor, "recovery.paid", public_id(row), reference=reference)
    return moved


def end_invoice(session: Session, row: Recovery, state: str, reference: str, at: datetime) -> Recovery:
    """An open invoice ends, once; InvoiceNotOpen."""
    moved = session.scalar(
        update(Recovery)
        .where(
            Recovery.merchant_id == row.merchant_id,
            Recovery.recovery_id == row.recovery_id,
            Recovery.step == INVOICE,
            Recovery.state == OPEN,
        )
        .values(state=state, reference=reference, changed_at=at)
        .returning(Recovery)
        .execution_options(populate_existing=True)
    )
    if moved is None:
        raise InvoiceNotOpen()
    return moved


def _largest(session: Session, merchant_id: int) -> tuple[Payout, int] | None:
    """The transfer at Stripe of which most is left, and how much (fen)."""
    taken = (
        select(func.coalesce(func.sum(Recovery.amount_fen), 0))
        .where(
            Recovery.merchant_id == Payout.merchant_id,
            Recovery.against_no == Payout.statement_no,
            Recovery.state.in_((SENDING, UNKNOWN, DONE)),
        )
        .correlate(Payout)
        .scalar_subquery()
    )
    left = (Payout.amount_fen - taken).label("left")
    row = session.execute(
        select(Payout, left)
        .where(Payout.merchant_id == merchant_id, Payout.route == STRIPE, Payout.state.in_((SENT, PAID)), left > 0)
        .order_by(left.desc(), Payout.statement_no.desc())
        .limit(1)
    ).one_or_none()  # fmt: skip
    return (row.Payout, int(row.left)) if row else None


def _add(
    session: Session,
    merchant: Merchant,
    debt: Debt,
    step: str,
    state: str,
    amount_fen: int,
    reason: str,
    actor: str,
    at: datetime,
    **more: Any,
) -> Recovery:
    values = {"recovery_id": ids.new_id(), "merchant_id": merchant.merchant_id} | more
    row = Recovery(
        statement_no=debt.statement_no, step=step, state=state, amount_fen=amount_fen, reason=reason, actor=actor,
        at=at, changed_at=at, **values,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def all_of(
    session: Session, merchant_id: int, *, before: int | None = None, limit: int = 50
) -> list[Recovery]:
    """A merchant's recoveries, the newest first, from before one on."""
    asked = select(Recovery).where(Recovery.merchant_id == merchant_id)
    if before is not None:
        asked = asked.where(Recovery.recovery_id < before)
    return list(session.scalars(asked.order_by(Recovery.recovery_id.desc()).limit(limit)))


def find(session: Session, merchant_id: int, recovery_id: int) -> Recovery:
    """One recovery; RecoveryUnknown."""
    found = session.get(Recovery, (merchant_id, recovery_id), populate_existing=True)
    if found is None:
        raise RecoveryUnknown()
    return found


def public_id(row: Recovery) -> str:
    return ids.public("rcv", row.merchant_id, row.recovery_id)
