"""Sending approved money, once: the intent is committed before the call, the outcome after it, and what is unknown is looked up.

`step` is safe to run twice, by two at once, and after a death at any point: a payout that somebody may be sending is left
alone until `busy_until`; then it is unknown, and whoever takes it up lists what is at Stripe under the statement's group
before anything is sent again. Not found and the key younger than a day: the same key again, which can only find or make
the one transfer. Older: nothing is sent; two persons release a further version (`releases.py`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from base import clock, database
from base.config import Config
from base.failpoints import failpoint
from base.halts import halts
from merchants.payout_routes.models import STRIPE
from merchants.payouts import connect, payouts, states, stripe
from merchants.payouts.connect import Order, Transfer
from merchants.payouts.models import APPROVED, FAILED, SENDING, SENT, UNKNOWN, Payout
from merchants.payouts.states import SYSTEM, PayoutElsewhere
from merchants.payouts.stripe import NotDone, Refused, Unknown, Unreachable
from merchants.statements.models import Statement

LEASE = timedelta(minutes=5)  # a few requests of at most a minute each, and room
KEY_LIVES = timedelta(hours=23)  # Stripe keeps one for a day at least
FIRST_WAIT_S, LONGEST_WAIT = 30, timedelta(hours=1)
NEXT_DAY = timedelta(hours=24)
BATCH = 50
INSUFFICIENT, NOT_FOUND, ANOTHER = "insufficient-funds", "not-found", "another-transfer-in-its-group"
log = structlog.get_logger()


@dataclass(frozen=True)
class Missing:
    """Stripe has no transfer of this statement, and the key is too old to be used again."""


@dataclass(frozen=True)
class Try:
    """A try that was noted: of which payout, the how many-th, until when nobody else takes it up; what is asked for, whether to
    look first and whether to send then.
    """

    merchant_id: int
    statement_no: int
    no: int
    until: datetime
    order: Order
    looks: bool
    sends: bool


Outcome = Transfer | Missing | NotDone


def due(session: Session, at: datetime, limit: int = BATCH) -> list[tuple[int, int]]:
    """Payouts at Stripe that somebody has to send, or to look for, the longest waiting first."""
    asked = (
        select(Payout.merchant_id, Payout.statement_no)
        .where(
            Payout.state.in_((APPROVED, SENDING, UNKNOWN)),
            Payout.route == STRIPE,
            or_(Payout.busy_until.is_(None), Payout.busy_until <= at),
            ~halts.is_on(halts.PAYOUT, halts.EVERYWHERE),
        )
        .order_by(Payout.changed_at)
        .limit(limit)
    )
    return [(row.merchant_id, row.statement_no) for row in session.execute(asked)]


def step(config: Config, merchant_id: int, statement_no: int) -> None:
    """One step of one payout."""
    with database.begin() as session:
        noted = note_try(session, merchant_id, statement_no, clock.now())
    if noted is None:
        return
    failpoint("payout_intended")
    outcome = ask(config, noted)
    failpoint("payout_asked")
    with database.begin() as session:
        record(session, noted, outcome, clock.now())


def note_try(session: Session, merchant_id: int, statement_no: int, at: datetime) -> Try | None:
    """Write the intent, with key and amount, before anything is asked; None when there is nothing to do, or somebody is at it."""
    payout = payouts.of_statement(session, merchant_id, statement_no)
    if payout is None or payout.route != STRIPE or (payout.busy_until or at) > at:
        return None
    if session.scalar(select(halts.is_on(halts.PAYOUT, halts.EVERYWHERE))):
        return None  # what may have been sent is still found by webhooks and polls
    try:
        return _intent(session, payout, at)
    except PayoutElsewhere:
        return None


def _intent(session: Session, payout: Payout, at: datetime) -> Try | None:
    tries, until = payout.tries + 1, at + LEASE
    if payout.state == APPROVED:
        payout = payouts.look_again(session, payout, at)
        if payout.state != APPROVED:
            return None
        looks = payout.version > 1 or payout.tries > 0
        payout = states.move(
            session, payout, SENDING, SYSTEM, at, tries=tries, busy_until=until, key_at=at, reference=_key(payout)
        )  # fmt: skip
        return _try(session, payout, until, looks, sends=True)
    if payout.state == SENDING:  # whoever sent it died, or was never heard of again
        payout = states.move(
            session, payout, UNKNOWN, SYSTEM, at, tries=tries, busy_until=until, reason="nothing heard"
        )
    elif payout.state != UNKNOWN or not states.note(session, payout, at, tries=tries, busy_until=until):
        return None
    young = payout.key_at is not None and at < payout.key_at + KEY_LIVES
    return _try(session, payout, until, looks=True, sends=young)


def _try(session: Session, payout: Payout, until: datetime, looks: bool, *, sends: bool) -> Try:
    order = _order(session, payout)
    return Try(payout.merchant_id, payout.statement_no, payout.tries, until, order, looks, sends)


def ask(config: Config, noted: Try) -> Outcome:
    """Look for the transfer, then send it, as the try says."""
    if noted.looks:
        found = connect.of_group(config, noted.order.group)
        if not isinstance(found, list):
            return Unknown(found.reason) if isinstance(found, Refused) else found
        ours = [one for one in found if one.is_of(noted.order)]
        if ours:
            return ours[0]
        if found:
            return Unknown(ANOTHER)
    if not noted.sends:
        return Missing()
    if clock.now() >= noted.until:  # it stood still: others have gone on, and its key may be forgotten by now
        return Unreachable("too late for this try")
    return connect.transfer(config, noted.order)


def record(session: Session, noted: Try, outcome: Outcome, at: datetime) -> None:
    """What a try came to. Only what is certain moves a payout; what came too late for another try's is left out."""
    payout = payouts.of_statement(session, noted.merchant_id, noted.statement_no)
    if payout is None or payout.state not in (SENDING, UNKNOWN) or payout.version != noted.order.version:
        return
    if payout.tries != noted.no and not isinstance(outcome, Transfer):
        return
    try:
        payout = _recorded(session, payout, noted, outcome, at)
    except PayoutElsewhere:
        return
    if payout.state in (UNKNOWN, FAILED) or payout.reason:
        log.error("payout", reference=noted.order.statement, state=payout.state, reason=payout.reason)


def _recorded(session: Session, payout: Payout, noted: Try, outcome: Outcome, at: datetime) -> Payout:
    if isinstance(outcome, Transfer):
        if outcome.is_of(noted.order):
            return sent(session, payout, outcome, at)
        outcome = Unknown(ANOTHER)
    if isinstance(outcome, Refused):
        return _refused(session, payout, outcome, at)
    if isinstance(outcome, Unreachable) and payout.state == SENDING:
        return states.move(
            session, payout, APPROVED, SYSTEM, at, reason=outcome.reason, key_at=None, busy_until=at + _wait(payout)
        )  # fmt: skip
    reason = NOT_FOUND if isinstance(outcome, Missing) else outcome.reason
    if payout.state == SENDING:
        return states.move(session, payout, UNKNOWN, SYSTEM, at, reason=reason, busy_until=at + _wait(payout))
    states.note(session, payout, at, reason=reason, busy_until=at + _wait(payout))
    return payout


def _refused(session: Session, payout: Payout, outcome: Refused, at: datetime) -> Payout:
    """A no is certain: nothing was sent, and this key never will be; the next try needs a key of its own."""
    if outcome.code == connect.INSUFFICIENT:
        return states.move(
            session, payout, APPROVED, SYSTEM, at, reason=INSUFFICIENT,
            version=payout.version + 1, key_at=None, busy_until=at + NEXT_DAY,
        )  # fmt: skip
    return states.move(session, payout, FAILED, SYSTEM, at, reason=f"{outcome.code} {outcome.reason}"[:300])


def sent(session: Session, payout: Payout, found: Transfer, at: datetime) -> Payout:
    """The transfer is there."""
    return states.move(
        session, payout, SENT, SYSTEM, at,
        reference=found.transfer, transfer=found.transfer, payment=found.payment or None, account=found.account,
    )  # fmt: skip


def found_at_stripe(session: Session, found: Transfer, at: datetime) -> bool:
    """A transfer was told of by a webhook or read in a list: a payout that waits for it is sent. Safe to repeat."""
    place = payouts.place(found.statement)
    payout = payouts.of_statement(session, *place) if place else None
    if payout is None or payout.route != STRIPE or payout.state not in (SENDING, UNKNOWN):
        return False
    if not found.is_of(_order(session, payout)):
        return False
    try:
        sent(session, payout, found, at)
    except PayoutElsewhere:
        return False
    return True


def _order(session: Session, payout: Payout) -> Order:
    statement = session.get_one(Statement, (payout.merchant_id, payout.statement_no))
    return Order(
        payouts.reference(payout), payout.version, payout.amount_fen, payout.currency, payout.account or "",
        statement.hash.hex(),
    )  # fmt: skip


def _key(payout: Payout) -> str:
    return f"stmt:{payouts.reference(payout)}:v{payout.version}:transfer"


def _wait(payout: Payout) -> timedelta:
    return min(LONGEST_WAIT, timedelta(seconds=FIRST_WAIT_S << min(max(payout.tries - 1, 0), 12)))


def walk(config: Config) -> bool:
    """Take up what is due; whether there may be more at once. Run by every worker, again and again."""
    if not stripe.is_on(config):
        return False
    with database.begin() as session:
        places = due(session, clock.now())
    for place in places:
        try:
            step(config, *place)
        except Exception as error:  # one that cannot be sent does not keep the others
            log.error("payout not sent", place=place, error=type(error).__name__)
    return len(places) == BATCH
