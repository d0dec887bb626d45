"""From Stripe to the merchant's bank: which statements a payout holds, and that it arrived, or came back.

Payouts are automatic: only then does Stripe tell which balance transactions one holds. A payout's state only goes forward,
by its rank, whatever is told in whatever order. What the bank sends back lies in the merchant's balance at Stripe; the
payout that takes it along later holds the failure of the one before, by which its statements are found again.
"""

from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import clock, database
from base.config import Config
from merchants.payout_routes import accounts
from merchants.payout_routes.models import StripeAccount
from merchants.payouts import connect, states, stripe
from merchants.payouts.connect import BankPayout
from merchants.payouts.models import PAID, RETURNED, SENT, Payout
from merchants.payouts.states import SYSTEM, PayoutElsewhere
from merchants.payouts.stripe_models import StripePayout

POLLS_EVERY = timedelta(hours=20)
LOOKS_BACK = timedelta(days=35)
BATCH = 20
CAME_BACK = (connect.FAILED, connect.CANCELED)
log = structlog.get_logger()


def keep(config: Config, account: str, found: BankPayout, at: datetime) -> bool:
    """Record a payout as Stripe told it just now, and what it means for statements; False: ask again, Stripe was silent."""
    held: list[tuple[str, str]] = []
    if found.reconciled:
        told = connect.held_in(config, account, found.bank_payout)
        if not isinstance(told, list):
            return isinstance(told, stripe.Refused)
        held = told
    with database.begin() as session:
        row = accounts.of_account(session, account)
        took = [source for kind, source in held if kind == connect.PAYOUT_FAILURE]
        payments = [source for kind, source in held if kind == connect.PAYMENT]
        kept = _forward(session, row.merchant_id, found, took, at) if row else None
        if kept is not None:
            _follow(session, kept, payments, at)
    return True


def _forward(
    session: Session, merchant_id: int, found: BankPayout, took: list[str], at: datetime
) -> StripePayout | None:
    """Write it, unless something later is known."""
    changes = {
        "changed_at": at, "rank": found.rank, "state": found.state, "failure": found.failure,
        "arrival_day": found.arrival_day, "took": took,
    }  # fmt: skip
    first = {"amount_fen": found.amount_fen, "currency": found.currency, "at": at}
    return session.scalar(
        insert(StripePayout)
        .values(merchant_id=merchant_id, bank_payout=found.bank_payout, **first, **changes)
        .on_conflict_do_update(
            index_elements=[StripePayout.merchant_id, StripePayout.bank_payout],
            set_=changes,
            where=StripePayout.rank <= found.rank,
        )
        .returning(StripePayout)
        .execution_options(populate_existing=True)
    )


def _follow(session: Session, row: StripePayout, payments: list[str], at: datetime) -> None:
    """What a payout means for the statements that it holds, whatever was known of it before; safe to repeat."""
    _link(session, row, Payout.payment.in_(payments), Payout.bank_payout.is_(None))
    for failed in row.took:
        for payout in _of(session, row.merchant_id, failed):
            _back(session, payout, failed, "taken along by another", at)
        _link(session, row, Payout.bank_payout == failed, Payout.state == RETURNED)
    for payout in _of(session, row.merchant_id, row.bank_payout):
        if row.state == connect.PAID and payout.state in (SENT, RETURNED):
            _go(session, payout, PAID, row.bank_payout, "", at)
        elif row.state in CAME_BACK:
            _back(session, payout, row.bank_payout, row.failure or row.state, at)
    if row.state in CAME_BACK and (later := _that_took(session, row)) is not None:
        _follow(session, later, [], at)


def _link(session: Session, row: StripePayout, *which: ColumnElement[bool]) -> None:
    session.execute(
        update(Payout)
        .where(Payout.merchant_id == row.merchant_id, *which)
        .values(bank_payout=row.bank_payout)
    )


def _of(session: Session, merchant_id: int, bank_payout: str) -> list[Payout]:
    its = select(Payout).where(Payout.merchant_id == merchant_id, Payout.bank_payout == bank_payout)
    return list(session.scalars(its.execution_options(populate_existing=True)))


def _that_took(session: Session, row: StripePayout) -> StripePayout | None:
    """The payout that took the money of a failed one along."""
    asked = select(StripePayout).where(
        StripePayout.merchant_id == row.merchant_id, StripePayout.took.contains([row.bank_payout])
    )
    return session.scalar(asked.limit(1))


def _back(session: Session, payout: Payout, bank_payout: str, reason: str, at: datetime) -> None:
    if payout.state in (SENT, PAID):
        _go(session, payout, RETURNED, bank_payout, reason, at)
        log.error("payout", state=RETURNED, reason=reason)


def _go(session: Session, payout: Payout, to: str, bank_payout: str, reason: str, at: datetime) -> None:
    with suppress(PayoutElsewhere):  # somebody else followed the same
        states.move(session, payout, to, SYSTEM, at, reference=bank_payout, reason=reason)


def poll(config: Config) -> bool:
    """Once a day for each account: read its payouts of the last weeks, whoever told about them or did not."""
    if not stripe.is_on(config):
        return False
    at = clock.now()
    with database.begin() as session:
        asked = (
            select(StripeAccount)
            .where(
                StripeAccount.account.is_not(None),
                or_(StripeAccount.polled_at.is_(None), StripeAccount.polled_at <= at - POLLS_EVERY),
            )
            .order_by(StripeAccount.merchant_id)
            .limit(BATCH)
        )
        places = [(row.merchant_id, row.account) for row in session.scalars(asked)]
    for merchant_id, account in places:
        if account is not None:
            _poll_one(config, merchant_id, account, at)
    return len(places) == BATCH


def _poll_one(config: Config, merchant_id: int, account: str, at: datetime) -> None:
    """Noted before it is read, so that an account that Stripe will not tell of does not stop the others."""
    with database.begin() as session:
        session.execute(
            update(StripeAccount).where(StripeAccount.merchant_id == merchant_id).values(polled_at=at)
        )
    found = connect.payouts_since(config, account, at - LOOKS_BACK)
    if not isinstance(found, list):
        log.error("stripe payouts not read", reason=found.reason)
        return
    for one in reversed(found):  # the oldest first, so that what failed is known before what takes it along
        keep(config, account, one, at)
