"""The conditions of each step of joining, one by one: there or not yet."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from base import clock
from merchants import terms
from merchants.merchants import MerchantNotOpen
from merchants.models import ACTIVE, DOCUMENTS, EQUIPPED, REVIEWED, SUSPENDED, TRIED, Merchant, Outlet
from merchants.onboarding import documents
from merchants.onboarding.models import MerchantDocuments, MerchantStep
from merchants.terminals.models import CLERK, MANAGER, Attempt, ClerkRow, Terminal, TerminalKey
from merchants.terms import NoTermsInForce

TRIAL = "trial"


@dataclass(frozen=True)
class Point:
    """A condition by its name, and whether it is met."""

    name: str
    done: bool


def of(session: Session, merchant: Merchant, stage: str, at: datetime) -> list[Point]:
    """What must be so before a merchant may come to a stage; nothing for stages after joining."""
    if stage == DOCUMENTS:
        return _documents(session, merchant)
    if stage == REVIEWED:
        return [Point("review", _is_reviewed(session, merchant))]
    if stage == EQUIPPED:
        return _equipment(session, merchant, at)
    if stage == TRIED:
        return [Point(TRIAL, _was_tried(session, merchant))]
    if stage == ACTIVE and merchant.state == SUSPENDED:
        return [Point("terms", _has_terms(session, merchant, at))]
    if stage == ACTIVE:
        return [
            Point("review", _is_reviewed(session, merchant)),
            *_equipment(session, merchant, at),
            Point("terms", _has_terms(session, merchant, at)),
        ]
    return []


def _documents(session: Session, merchant: Merchant) -> list[Point]:
    row = documents.latest(session, merchant.merchant_id)
    there = {
        "licence_number": row and row.licence_number,
        "legal_name": row and row.legal_name,
        "tax_number": row and row.tax_number,
        "contact": row and row.has_contact,
        "payout_route": row and row.payout_route,
        "invoice_regime": row and row.invoice_regime,
    }
    return [Point(name, bool(value)) for name, value in there.items()]


def _is_reviewed(session: Session, merchant: Merchant) -> bool:
    """Whether two persons reviewed the documents as they are now."""
    of_merchant = MerchantStep.merchant_id == merchant.merchant_id
    reviewed = session.scalar(select(func.max(MerchantStep.documents_no)).where(of_merchant))
    asked = select(func.max(MerchantDocuments.documents_no))
    present = session.scalar(asked.where(MerchantDocuments.merchant_id == merchant.merchant_id))
    return reviewed is not None and reviewed == present


def _equipment(session: Session, merchant: Merchant, at: datetime) -> list[Point]:
    """An outlet with a paired till and somebody to work at it: each for itself, and all three at one outlet."""
    works = exists().where(
        ClerkRow.outlet_id == Outlet.outlet_id,
        ClerkRow.role.in_((CLERK, MANAGER)),
        ClerkRow.ended_at.is_(None),
        ClerkRow.pin_hash != "",
    )
    paired = exists().where(
        Terminal.outlet_id == Outlet.outlet_id,
        Terminal.revoked_at.is_(None),
        Terminal.frozen_at.is_(None),
        TerminalKey.terminal_id == Terminal.terminal_id,
        TerminalKey.ends_at.is_(None) | (TerminalKey.ends_at > at),
    )
    rows = session.execute(
        select(paired, works).select_from(Outlet).where(Outlet.merchant_id == merchant.merchant_id)
    ).all()
    one_has_both = any(till and clerk for till, clerk in rows)
    return [
        Point("outlet", bool(rows)),
        Point("paired_till", any(till for till, _ in rows)),
        Point("clerk", one_has_both or (not any(t for t, _ in rows) and any(c for _, c in rows))),
    ]


def _was_tried(session: Session, merchant: Merchant) -> bool:
    """Whether a till of the merchant has read a voucher and was told that the merchant is not open yet."""
    asked = exists().where(
        Attempt.merchant_id == merchant.merchant_id, Attempt.problem == MerchantNotOpen.type_name()
    )
    return bool(session.scalar(select(asked)))


def _has_terms(session: Session, merchant: Merchant, at: datetime) -> bool:
    try:
        terms.in_force(session, merchant.merchant_id, clock.day(at, merchant.zone))
    except NoTermsInForce:
        return False
    return True
