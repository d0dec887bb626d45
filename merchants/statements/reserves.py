"""Reserves: what of a statement stays here for a while, and when it goes back to the merchant."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from base import clock, database
from merchants import items
from merchants.items import Amounts
from merchants.models import RESERVE_IN, RESERVE_OUT, Merchant, MerchantItem
from merchants.statements.models import Statement
from merchants.statements.ruling import Ruling

_LEFT = (
    "select i.about_id, -sum(i.owed_fen)::bigint as left_fen from merchant_item i "
    "where i.merchant_id = %s and i.kind in ('reserve-in', 'reserve-out') "
    "group by i.about_id having sum(i.owed_fen) < 0 order by i.about_id"
)


@dataclass(frozen=True)
class Kept:
    """What is left in reserve (fen) of a statement, and the moment from which it goes back."""

    statement_no: int
    left_fen: int
    until: datetime


def kept(session: Session, merchant: Merchant, ruling: Ruling) -> list[Kept]:
    """What is in reserve, statement by statement."""
    found = []
    for about_id, left_fen in database.rows(session, _LEFT, (merchant.merchant_id,)):
        statement = session.get(Statement, (merchant.merchant_id, about_id))
        if statement is not None:
            found.append(Kept(about_id, left_fen, _until(ruling, statement)))
    return found


def due(session: Session, merchant: Merchant, ruling: Ruling, before: datetime) -> list[Kept]:
    """What goes back on a statement whose period ends at this moment."""
    return [one for one in kept(session, merchant, ruling) if one.until < before]


def release(session: Session, merchant: Merchant, one: Kept, at: datetime) -> MerchantItem:
    """What is left of it goes back."""
    return _move(session, merchant, RESERVE_OUT, one.left_fen, one.statement_no, at)


def keep(session: Session, merchant: Merchant, number: int, fen: int, at: datetime) -> MerchantItem:
    """So much of a statement's net stays here."""
    return _move(session, merchant, RESERVE_IN, -fen, number, at)


def _move(
    session: Session, merchant: Merchant, kind: str, fen: int, number: int, at: datetime
) -> MerchantItem:
    return items.add(
        session,
        merchant.merchant_id,
        kind,
        Amounts(fen),
        about_id=number,
        reason=f"terms, statement {number}",
        actor="system",
        at=at,
    )


def _until(ruling: Ruling, statement: Statement) -> datetime:
    """So many days after the end of its period, by the calendar of its zone, at the same time of day."""
    local = statement.to_at.astimezone(clock.zone(ruling.zone))
    return local + timedelta(days=ruling.at(statement.from_at).reserve_days)
