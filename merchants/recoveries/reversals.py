"""Reversals of transfers, like transfers: the intent is there before the call, and what is unknown is looked up first.

Stripe takes back only what lies in the merchant's balance there; so that is asked first, and a no ends this rung.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from base import clock, database
from base.config import Config
from merchants.payouts import connect, payouts, stripe
from merchants.payouts.connect import Reversal
from merchants.payouts.sending import KEY_LIVES, LEASE
from merchants.payouts.stripe import NotDone, Refused, Unreachable
from merchants.recoveries import recoveries
from merchants.recoveries.models import DONE, REFUSED, REVERSAL, SENDING, UNKNOWN, Recovery

AGAIN = timedelta(minutes=10)
NOT_FOUND = Refused("not-found", "looked for in vain for a day")
BATCH = 20
log = structlog.get_logger()


@dataclass(frozen=True)
class Try:
    """A try that was noted: what is to be taken back, out of which account, under which key."""

    merchant_id: int
    recovery_id: int
    reference: str
    transfer: str
    account: str
    amount_fen: int
    currency: str
    sends: bool
    until: datetime


def walk(config: Config) -> bool:
    """Take up reversals that wait; whether there may be more."""
    if not stripe.is_on(config):
        return False
    at = clock.now()
    with database.begin() as session:
        asked = (
            select(Recovery.merchant_id, Recovery.recovery_id)
            .where(
                Recovery.step == REVERSAL,
                Recovery.state.in_((SENDING, UNKNOWN)),
                or_(Recovery.busy_until.is_(None), Recovery.busy_until <= at),
            )
            .order_by(Recovery.at)
            .limit(BATCH)
        )
        places = [(row.merchant_id, row.recovery_id) for row in session.execute(asked)]
    for place in places:
        step(config, *place)
    return len(places) == BATCH


def step(config: Config, merchant_id: int, recovery_id: int) -> None:
    """One step of one reversal; safe to run twice."""
    with database.begin() as session:
        noted = _note(session, merchant_id, recovery_id, clock.now())
    if noted is None:
        return
    outcome = _ask(config, noted)
    with database.begin() as session:
        _record(session, noted, outcome, clock.now())


def _note(session: Session, merchant_id: int, recovery_id: int, at: datetime) -> Try | None:
    row = recoveries.find(session, merchant_id, recovery_id)
    payout = payouts.of_statement(session, merchant_id, row.against_no or 0)
    if row.state not in (SENDING, UNKNOWN) or payout is None or (row.busy_until or at) > at:
        return None
    until = at + LEASE
    if not _write(session, row, at, state=UNKNOWN, busy_until=until):
        return None
    return Try(
        merchant_id, recovery_id, recoveries.public_id(row), payout.transfer or "", payout.account or "",
        row.amount_fen, payout.currency, sends=at < row.at + KEY_LIVES, until=until,
    )  # fmt: skip


def _ask(config: Config, noted: Try) -> Reversal | NotDone:
    found = connect.reversals_of(config, noted.transfer)
    if not isinstance(found, list):
        return found if not isinstance(found, Refused) else stripe.Unknown(found.reason)
    ours = [one for one in found if one.recovery == noted.reference]
    if ours:
        return ours[0]
    if not noted.sends:
        return NOT_FOUND
    there = connect.available_fen(config, noted.account, noted.currency)
    if not isinstance(there, int):
        return there
    if there < noted.amount_fen:
        return Refused(connect.INSUFFICIENT, f"{there} of {noted.amount_fen} fen")
    if clock.now() >= noted.until:  # it stood still: others have gone on, and its key may be forgotten by now
        return Unreachable("too late for this try")
    return connect.reverse(config, noted.transfer, noted.amount_fen, noted.reference)


def _record(session: Session, noted: Try, outcome: Reversal | NotDone, at: datetime) -> None:
    place = (noted.merchant_id, noted.recovery_id)
    row = session.get_one(Recovery, place, with_for_update=True, populate_existing=True)
    if row.state != UNKNOWN:
        return  # another try knew more
    if row.busy_until != noted.until and not isinstance(outcome, Reversal):
        return  # another try is at it
    row.changed_at, row.busy_until = at, None
    if isinstance(outcome, Reversal):
        row.item_id, row.reference = recoveries.put_item(session, row, at), outcome.reversal
        row.state = DONE
    elif isinstance(outcome, Refused):
        row.state, row.reason = REFUSED, f"{outcome.code} {outcome.reason}"[:300]
    else:
        row.busy_until = at + AGAIN
    session.flush()
    log.info("reversal", reference=noted.reference, outcome=type(outcome).__name__)


def _write(session: Session, row: Recovery, at: datetime, **changes: object) -> bool:
    """One conditional UPDATE, of the row as it was seen: of two who take it up, one is let through."""
    seen = (Recovery.state == row.state, Recovery.busy_until.is_not_distinct_from(row.busy_until))
    written = session.scalar(
        update(Recovery)
        .where(Recovery.merchant_id == row.merchant_id, Recovery.recovery_id == row.recovery_id, *seen)
        .values(changed_at=at, **changes)
        .returning(Recovery)
        .execution_options(populate_existing=True)
    )
    return written is not None
