"""What payments brought: once Stripe says that the money is available, its fee and the rest are written down, once."""

import structlog
from sqlalchemy import ColumnElement, exists, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from base import clock, database
from base.config import Config
from catalog.cash import parts
from catalog.cash.models import REFUND_DUE, REFUNDED, CardProceeds, CashPart
from merchants import card_payments
from merchants.card_payments import Proceeds
from merchants.payouts import stripe

BATCH = 50
log = structlog.get_logger()


def walk(config: Config) -> bool:
    """For the worker: ask about every payment of which this is not known yet; never more at once."""
    if not stripe.is_on(config):
        return False
    after = (0, 0)
    while batch := _waiting(after):
        for part in batch:
            after = (part.member_id, part.redemption_id)
            _look(config, part)
    return False


def _waiting(after: tuple[int, int]) -> list[CashPart]:
    key = tuple_(CashPart.member_id, CashPart.redemption_id)
    known = exists().where(
        CardProceeds.member_id == CashPart.member_id, CardProceeds.redemption_id == CashPart.redemption_id
    )
    asked = select(CashPart).where(key > after, _came(), CashPart.payment_intent.is_not(None), ~known)
    with database.begin() as session:
        return list(session.scalars(asked.order_by(key).limit(BATCH)))


def _came() -> ColumnElement[bool]:
    return CashPart.paid_at.is_not(None) | CashPart.state.in_((REFUND_DUE, REFUNDED))


def _look(config: Config, part: CashPart) -> None:
    """Ask Stripe, without a transaction; what is not available yet is asked for again the next time."""
    found = card_payments.proceeds(config, part.payment_intent or "")
    if not isinstance(found, Proceeds) or found.available_at > clock.now():
        return
    if (found.amount_fen, found.currency) != (part.amount_fen, part.currency):
        log.error(
            "card proceeds",
            reference=parts.reference(part.member_id, part.redemption_id),
            reason="not as paid",
        )
        return
    with database.begin() as session:
        session.execute(
            insert(CardProceeds)
            .values(
                member_id=part.member_id,
                redemption_id=part.redemption_id,
                amount_fen=found.amount_fen,
                fee_fen=found.fee_fen,
                available_at=found.available_at,
                recorded_at=clock.now(),
                currency=found.currency,
                transaction=found.transaction,
            )
            .on_conflict_do_nothing()
        )
