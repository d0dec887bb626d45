"""The cash part after the commit: ask Stripe, look, cancel, refund - and never both the money and no voucher.

A try is noted and committed before the call, and with it the promise of the next look: a worker that dies anywhere loses
nothing, and while one asks no other does. What Stripe answered is recorded in a transaction of its own, together with
what follows from it: of the hooks `paid` and `gave_up` exactly one is called, once, and `gave_up` only when it is certain
that no money can come any more. Where that is not known, the part stays as it is and is looked at again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from base import clock, database
from base.config import Config
from catalog.cash import parts
from catalog.cash.models import (
    ASKED,
    CANCELLED,
    CANCELLING,
    DUE,
    OPEN,
    PAID,
    REFUND_DUE,
    REFUNDED,
    CashPart,
)
from merchants import card_payments
from merchants.card_payments import Charge, Payment, Repayment
from merchants.payouts.stripe import NotDone, Refused, Unreachable

LEASE = timedelta(minutes=5)  # two requests of at most a minute each, and room
POLL = timedelta(seconds=30)
FIRST_WAIT_S = 5
LONGEST_WAIT = timedelta(hours=1)
NOT_SENT = Refused("", "no payment was asked for in time")
log = structlog.get_logger()

Hook = Callable[[Session, int, int, datetime], None]


@dataclass(frozen=True)
class Course:
    """What the redemption does when its cash part has ended, in the transaction that records it: (session, member id,
    redemption id, at). One of the two is called, once. A hook that raises undoes the record; the job tries again.
    """

    paid: Hook  # capture the hold, issue what was redeemed
    gave_up: Hook  # give points and stock back: Stripe says that no money can come


@dataclass(frozen=True)
class Try:
    """A try that was noted: in which state, what is asked for, and what is known at Stripe. `intent`: the one to look at."""

    state: str
    charge: Charge
    intent: str | None
    refund: str | None
    refund_no: int
    sent_before: bool
    too_late: bool
    busy_until: datetime


def step(
    config: Config, course: Course, member_id: int, redemption_id: int, intent: str | None = None
) -> None:
    """One step of a cash part; safe to run twice and at any time. With `intent`: a webhook has told about it."""
    with database.begin() as session:
        noted = note_try(session, member_id, redemption_id, intent, clock.now())
    if noted is None:
        return
    outcome = _call(config, noted)
    with database.begin() as session:
        record(session, course, member_id, redemption_id, noted, outcome, clock.now())


def note_try(
    session: Session, member_id: int, redemption_id: int, hinted: str | None, at: datetime
) -> Try | None:
    """Count the try before it is made; None when nothing is to be asked, or somebody is asking already."""
    part = parts.locked(session, member_id, redemption_id)
    ended = part.state in (CANCELLED, REFUNDED) and bool(hinted)
    if part.state not in (*OPEN, REFUND_DUE) and not ended:
        return None
    if part.busy_until is not None and part.busy_until > at:
        if hinted is not None:  # it may have looked before the news: look again after it
            parts.hint(session, member_id, redemption_id, hinted, part.busy_until)
        else:
            parts.promise(session, part, part.busy_until)
        return None
    if part.state in (DUE, ASKED) and at >= part.ends_at:
        parts.to(part, CANCELLING, at)
    sent_before, intent = part.maybe_sent, part.payment_intent
    asks = intent is None and (part.state == DUE or (part.state == CANCELLING and sent_before))
    part.tries, part.busy_until, part.maybe_sent = part.tries + 1, at + LEASE, sent_before or asks
    if not ended:
        parts.promise(session, part, part.busy_until)
    return Try(
        state=part.state,
        charge=parts.charge(part),
        intent=(hinted or None) if part.state == CANCELLED else intent,
        refund=part.refund,
        refund_no=part.refund_no,
        sent_before=sent_before,
        too_late=at >= part.ends_at,
        busy_until=part.busy_until,
    )


def _call(config: Config, noted: Try) -> Payment | Repayment | NotDone:
    """The one question that the state asks of Stripe."""
    if noted.state in (REFUND_DUE, REFUNDED):
        if noted.refund is not None:
            return card_payments.look_refund(config, noted.refund)
        made = card_payments.refund(config, noted.charge, noted.intent or "", noted.refund_no)
        # A kept answer tells how it stood when it was made; since then it may have failed.
        return card_payments.look_refund(config, made.refund) if isinstance(made, Repayment) else made
    if noted.intent is None:
        if noted.state == DUE or (noted.state == CANCELLING and noted.sent_before):
            return card_payments.ask(config, noted.charge)
        return NOT_SENT
    if noted.state == CANCELLING:
        return card_payments.cancel(config, noted.intent)
    return card_payments.look(config, noted.intent)


def record(
    session: Session,
    course: Course,
    member_id: int,
    redemption_id: int,
    noted: Try,
    outcome: Payment | Repayment | NotDone,
    at: datetime,
) -> None:
    """What a try came to: the next state, the course's hook where it has ended, else the promise of the next look."""
    part = parts.locked(session, member_id, redemption_id)
    if (part.state, part.busy_until) != (noted.state, noted.busy_until):
        return  # it took so long that another took over, and knows more
    part.busy_until = None
    if isinstance(outcome, Payment):
        next_at = _payment(session, course, part, outcome, at)
    elif isinstance(outcome, Repayment):
        next_at = _repayment(part, outcome, at)
    else:
        next_at = _not_done(session, course, part, noted, outcome, at)
    if next_at is not None:
        parts.promise(session, part, next_at)
    log.info("cash part", reference=noted.charge.reference, outcome=type(outcome).__name__, state=part.state)


def _payment(
    session: Session, course: Course, part: CashPart, payment: Payment, at: datetime
) -> datetime | None:
    """What follows from the PaymentIntent as it is; when to look again."""
    if part.state == CANCELLED:
        return _late(part, payment, at)
    paid = payment.state == card_payments.SUCCEEDED
    if not payment.is_of(parts.charge(part)) or (paid and payment.received_fen != part.amount_fen):
        return _for_a_person(part, "Stripe has another amount, currency or reference than asked for", at)
    part.payment_intent, part.maybe_sent = payment.intent, True
    if paid:
        parts.to(part, PAID, at)
        part.paid_at = at
        parts.forget(session, part)
        course.paid(session, part.member_id, part.redemption_id, at)
        return None
    if payment.state == card_payments.CANCELED:
        _give_up(session, course, part, at, "not paid in time" if at >= part.ends_at else "cancelled")
        return None
    if (
        part.state == CANCELLING
    ):  # its number was only now learned, or it is under way: ask to cancel it (again)
        return at + _wait(part)
    if part.state == DUE:
        parts.to(part, ASKED, at)
    return min(at + POLL, max(at, part.ends_at))


def _late(part: CashPart, payment: Payment, at: datetime) -> datetime | None:
    """Money that came after points and stock were given back goes back as well."""
    if payment.state != card_payments.SUCCEEDED:
        return None
    if not payment.is_of(parts.charge(part)) or payment.received_fen != part.amount_fen:
        return _for_a_person(part, "money came late, and not as asked for", at)
    part.payment_intent = payment.intent
    parts.to(part, REFUND_DUE, at, "the money came after the redemption was given up")
    log.warning("late money", reference=payment.reference)
    return at


def _repayment(part: CashPart, told: Repayment, at: datetime) -> datetime | None:
    """A refund that failed for certain gets a new number; one that is under way is looked at again."""
    if told.state == card_payments.SUCCEEDED:
        if part.state == REFUND_DUE:
            parts.to(part, REFUNDED, at, part.reason)
            part.refund = told.refund
        return None
    if told.state in (card_payments.FAILED, card_payments.CANCELED):
        if part.state == REFUNDED:
            parts.to(part, REFUND_DUE, at)
        part.refund, part.refund_no = None, part.refund_no + 1
        part.reason = f"a refund {told.state} at the bank"
        log.warning("refund failed", reference=parts.reference(part.member_id, part.redemption_id))
        return at + _wait(part)
    part.refund = told.refund
    return at + _wait(part) if part.state == REFUND_DUE else None


def _not_done(
    session: Session, course: Course, part: CashPart, noted: Try, outcome: NotDone, at: datetime
) -> datetime | None:
    """No answer changes nothing. A no to the asking itself ends the part: nobody was ever given what to pay with."""
    if part.state in (CANCELLED, REFUNDED):
        if not isinstance(outcome, Refused):  # the news is still to be looked at
            parts.hint(session, part.member_id, part.redemption_id, noted.intent, at + _wait(part))
        return None
    if isinstance(outcome, Refused):
        if noted.intent is None and part.state in (DUE, CANCELLING):
            _give_up(session, course, part, at, outcome.reason or outcome.code)
            return None
        return _for_a_person(part, f"Stripe refuses: {outcome.code} {outcome.reason}"[:300], at)
    if isinstance(outcome, Unreachable) and noted.intent is None and part.state in (DUE, CANCELLING):
        part.maybe_sent = noted.sent_before
    next_at = at + _wait(part)
    return next_at if noted.too_late else min(next_at, part.ends_at)


def _give_up(session: Session, course: Course, part: CashPart, at: datetime, reason: str) -> None:
    parts.to(part, CANCELLED, at, reason[:200])
    part.gave_up_at = at
    parts.forget(session, part)
    course.gave_up(session, part.member_id, part.redemption_id, at)


def _for_a_person(part: CashPart, reason: str, at: datetime) -> datetime:
    """It stays as it is, with the reason, and is looked at each hour."""
    part.reason = reason
    log.error("cash part needs a person", reference=parts.reference(part.member_id, part.redemption_id))
    return at + LONGEST_WAIT


def _wait(part: CashPart) -> timedelta:
    return min(LONGEST_WAIT, timedelta(seconds=FIRST_WAIT_S << min(max(part.tries - 1, 0), 12)))
