"""What Stripe's webhooks tell of accounts, transfers and payouts: stored by Stripe's own id, followed once, never believed.

The view checks the signature and stores; `walk` fetches what the event is about and records that. So the order in which
events come, and how often, changes nothing; what no event told, the poll of each night finds (`following.py`).
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import clock, database
from base.config import Config
from merchants.payout_routes import accounts
from merchants.payouts import connect, following, sending, stripe
from merchants.payouts.connect import Account, BankPayout, Transfer
from merchants.payouts.stripe import NotDone, Refused, Told, text
from merchants.payouts.stripe_models import StripeEvent

ACCOUNTS = frozenset({"account.updated"})
TRANSFERS = frozenset({"transfer.created", "transfer.updated", "transfer.reversed"})
PAYOUTS = frozenset({
    "payout.created", "payout.updated", "payout.paid", "payout.failed", "payout.canceled", "payout.reconciliation_completed",
})  # fmt: skip
BATCH = 50
FOLLOWED_FOR = timedelta(days=3)  # as long as Stripe tells it; then the poll of the night is left
log = structlog.get_logger()


def take(session: Session, told: Told, at: datetime) -> bool:
    """Store a checked event that is about payouts; False for what is none, or was told before."""
    subject = text(told.thing.get("id"))
    if told.kind not in ACCOUNTS | TRANSFERS | PAYOUTS or not subject:
        return False
    fresh = session.scalar(
        insert(StripeEvent)
        .values(event_id=told.event_id, at=at, kind=told.kind, account=told.account, subject=subject)
        .on_conflict_do_nothing()
        .returning(StripeEvent.event_id)
    )
    return fresh is not None


def walk(config: Config) -> bool:
    """Follow what was told and not yet looked at; whether there may be more. One look for all events about one thing."""
    if not stripe.is_on(config):
        return False
    with database.begin() as session:
        asked = (
            select(StripeEvent)
            .where(StripeEvent.done_at.is_(None), StripeEvent.at > clock.now() - FOLLOWED_FOR)
            .order_by(StripeEvent.at, StripeEvent.event_id)
        )
        found = list(session.scalars(asked.limit(BATCH)))
        session.expunge_all()
    about = {(one.kind.split(".")[0], one.account, one.subject): one for one in found}
    answered = [follow(config, one) for one in about.values()]
    return len(found) == BATCH and all(answered)


def follow(config: Config, event: StripeEvent) -> bool:
    """Fetch what an event is about, record it, and with it that all such events so far are done; False: Stripe was silent."""
    at = clock.now()
    seen = _fetch(config, event)
    if not isinstance(seen, Account | Transfer | BankPayout | Refused | None):
        log.info("stripe event", kind=event.kind, reason=seen.reason)
        return False
    if isinstance(seen, BankPayout) and not following.keep(config, event.account, seen, at):
        return False
    with database.begin() as session:
        if isinstance(seen, Account):
            row = accounts.of_account(session, seen.account)
            if row is not None:
                accounts.keep(session, config.seal_key, row.merchant_id, seen, at)
        if isinstance(seen, Transfer):
            sending.found_at_stripe(session, seen, at)
        _done(session, event, at)
    return True


def _fetch(config: Config, event: StripeEvent) -> Account | Transfer | BankPayout | NotDone | None:
    if event.kind in ACCOUNTS:
        return connect.look_account(config, event.subject)
    if event.kind in TRANSFERS:
        return connect.look_transfer(config, event.subject)
    return connect.look_payout(config, event.account, event.subject) if event.account else None


def _done(session: Session, event: StripeEvent, at: datetime) -> None:
    """Every event about this thing that was there when it was fetched: what came later is looked at again."""
    session.execute(
        update(StripeEvent)
        .where(
            StripeEvent.subject == event.subject,
            StripeEvent.account == event.account,
            StripeEvent.at <= at,
            StripeEvent.done_at.is_(None),
        )
        .values(done_at=at)
    )
