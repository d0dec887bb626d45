"""Settling: which periods of a merchant are to be sealed by now, one after the other; broken off anywhere, it goes on."""

from collections.abc import Iterator
from datetime import date, datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, locks
from base.errors import Problem
from base.patience import patiently
from merchants import cycles, merchants
from merchants.cycles import Period
from merchants.models import Merchant
from merchants.statements import closing, lines, reckoning, reserves, ruling
from merchants.statements.closing import SETTLING, PeriodNotOver
from merchants.statements.lines import EVER, Back
from merchants.statements.models import Statement
from merchants.statements.ruling import Ruling
from merchants.terms import NoTermsInForce

EVERY_S = 3_600  # merchants have their cut-offs in zones and at times of their own
log = structlog.get_logger()


def settle(merchant_id: int, until: date | None = None, *, whole: bool = True) -> Iterator[Statement]:
    """Seal every period of a merchant whose draft time is over by now, or was by the end of a day; each in a transaction.

    Not `whole`: who does so every hour need not read all that a merchant ever did to see that nothing is due.
    """
    while statement := patiently(seal_next, merchant_id, until, clock.now(), whole=whole):
        yield statement


def seal_next(
    session: Session, merchant_id: int, until: date | None, at: datetime, *, whole: bool = True
) -> Statement | None:
    """Seal the earliest period that is due; None where none is. PeriodNotOver where the day is not over."""
    closing.take_time(session)
    merchant = merchants.by_id(session, merchant_id)
    try:
        terms = ruling.load(session, merchant)
    except NoTermsInForce:
        return None  # nothing was ever agreed with it, so nothing is owed
    by = _end_of(terms, until, at) if until else at - SETTLING
    period = due(session, merchant, terms, by, whole=whole)
    return closing.close(session, merchant, period, at) if period else None


def due(
    session: Session, merchant: Merchant, terms: Ruling, by: datetime, *, whole: bool = True
) -> Period | None:
    """The earliest period with something on it whose draft time is over at a moment."""
    previous = closing.latest(session, merchant.merchant_id)
    ended = previous.to_at if previous else None
    if ended and terms.looks_until(terms.period(ended, ended)) > by:
        return None  # too early for any, so nothing needs to be looked for
    back = EVER if whole else lines.back_from(session, previous)
    since = waits_since(session, merchant, terms, previous, by, back)
    if since is None:
        return None
    period = terms.period(ended, since)
    return period if terms.looks_until(period) <= by else None


def waits_since(
    session: Session,
    merchant: Merchant,
    terms: Ruling,
    previous: Statement | None,
    before: datetime,
    back: Back,
) -> datetime | None:
    """The earliest moment of what the next statement has a line for; None: there is nothing for one."""
    moments = [one.until for one in reserves.due(session, merchant, terms, before)]
    if first := lines.first_waiting(session, merchant.merchant_id, before, back):
        moments.append(first)
    if previous and reckoning.pays(previous.carried_fen, terms.at(previous.to_at).minimum_fen):
        moments.append(previous.to_at)
    return min(moments, default=None)


def _end_of(terms: Ruling, until: date, at: datetime) -> datetime:
    """The end of the merchant's day; PeriodNotOver before it."""
    minute = terms.at(clock.start_of(until, terms.zone)).cutoff_minute
    end = cycles.end_of(until, minute, terms.zone)
    if at < end + SETTLING:
        raise PeriodNotOver(until=str(until))
    return end


def every(session: Session) -> list[Merchant]:
    """All merchants, also those that have left: something may still be owed."""
    return list(session.scalars(select(Merchant).order_by(Merchant.code)))


def step() -> bool:
    """Seal what is due of every merchant, if nobody else is about it; never more at once."""
    with locks.held("settling") as mine:
        for merchant in patiently(every) if mine else ():
            try:
                count = sum(1 for _ in settle(merchant.merchant_id, whole=False))
            except Problem as problem:  # the others need not wait for this one
                log.error("not settled", merchant=merchant.code, problem=problem.type_name())
                continue
            if count:
                log.info("settled", merchant=merchant.code, statements=count)
    return False
