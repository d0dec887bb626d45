"""Bill credit after the commit: try, look, try again with back-off - and never both the credit and the points.

A try is noted and committed before the call, so that a crash in between counts as "maybe sent", and with it the promise
to look again: a worker that dies loses nothing, and while one is asking no other asks. After the last try the points go
back only when it is certain that nothing was credited; else the redemption is `unknown` and is looked up again each
hour, and a person sees it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import update
from sqlalchemy.orm import Session

from base import clock, database, ids, outbox
from base.config import Config
from base.money import yuan_text
from base.notices.templates import Facts
from catalog.bill_credit import billing
from catalog.bill_credit.billing import Credit, Done, Found, NotFound, Outcome, Refused, Unreachable, Wrong
from catalog.budgets import budgets
from catalog.redemptions import redemptions
from catalog.redemptions.models import FAILED, FULFILLED, PENDING, UNKNOWN, Redemption
from catalog.stock import stock
from points import ledger, programmes
from points.kinds import Kind
from points.members import members
from points.notices import telling

LOOK_AGAIN = timedelta(hours=1)
LONGEST_TRY = timedelta(minutes=10)  # three requests of at most a minute each, and room
LONGEST_WAIT = timedelta(hours=6)
log = structlog.get_logger()


@dataclass(frozen=True)
class Try:
    """A try that was noted: its number, whether an earlier one may have arrived, what to credit."""

    number: int
    sent_before: bool
    credit: Credit


def run(config: Config, member_id: int, redemption_id: int) -> None:
    """One step of a bill credit; safe to run twice and at any time."""
    with database.begin() as session:
        noted = note_try(session, member_id, redemption_id)
    if noted is None:
        return
    outcome = _ask(config, noted)
    log.info(
        "bill credit", reference=noted.credit.reference, tries=noted.number, outcome=type(outcome).__name__
    )
    with database.begin() as session:
        record(session, config, member_id, redemption_id, noted, outcome)


def note_try(session: Session, member_id: int, redemption_id: int) -> Try | None:
    """Count the try before it is made; None when the redemption has ended or somebody is trying already."""
    before, promise = redemptions.find(session, member_id, redemption_id), _promise(member_id, redemption_id)
    if before.state not in (PENDING, UNKNOWN) or outbox.promised_later(session, **promise):
        return None
    was_sent, tries = before.maybe_sent, before.tries
    counted = session.execute(
        update(Redemption)
        .where(
            Redemption.member_id == member_id,
            Redemption.redemption_id == redemption_id,
            Redemption.tries == tries,
            Redemption.state.in_([PENDING, UNKNOWN]),
        )
        .values(tries=tries + 1, maybe_sent=True)
    )
    if not counted.rowcount:  # type: ignore[attr-defined]
        return None  # another worker took this try
    outbox.put(session, **promise, due_at=clock.now() + LONGEST_TRY)
    member = members.by_id(session, member_id)
    credit = Credit(
        account=member.customer_id,
        amount_fen=before.value_fen,
        currency=programmes.by_id(session, member.programme_id).currency,
        reference=ids.public("red", member_id, redemption_id),
    )
    return Try(tries + 1, was_sent, credit)


def _ask(config: Config, noted: Try) -> Outcome | NotFound:
    """Within the limit: settle. After it: only look, and only if something may have been sent at all."""
    url, timeout_s = config.billing_url, float(config.billing_timeout_s)
    if noted.number <= config.billing_tries:
        return billing.settle(url, noted.credit, sent_before=noted.sent_before, timeout_s=timeout_s)
    if not noted.sent_before:
        return NotFound()
    found = billing.look_up(url, noted.credit.reference, timeout_s=timeout_s)
    return billing.judge(noted.credit, found) if isinstance(found, Found) else found


def record(
    session: Session,
    config: Config,
    member_id: int,
    redemption_id: int,
    noted: Try,
    outcome: Outcome | NotFound,
) -> None:
    """What a try came to, in a transaction of its own: the end of the redemption, or the next try."""
    redemption, at = redemptions.find(session, member_id, redemption_id), clock.now()
    outbox.withdraw(session, **_promise(member_id, redemption_id))
    if redemption.state not in (PENDING, UNKNOWN):
        return
    certainly_not = isinstance(outcome, NotFound) or (
        isinstance(outcome, Refused | Unreachable)
        and not noted.sent_before
        and (isinstance(outcome, Refused) or noted.number >= config.billing_tries)
    )
    if isinstance(outcome, Done):
        _end(session, config, redemption, FULFILLED, Kind.CAPTURE, at, None)
    elif certainly_not:
        reason = outcome.reason[:200] if isinstance(outcome, Refused) else "billing system did not take it"
        _end(session, config, redemption, FAILED, Kind.RELEASE, at, reason)
    else:
        if isinstance(outcome, Unreachable):
            redemption.maybe_sent = noted.sent_before
        given_up = isinstance(outcome, Wrong) or noted.number > config.billing_tries
        if given_up and redemption.state == PENDING:
            reason = "credited wrongly" if isinstance(outcome, Wrong) else "no answer from the billing system"
            redemptions.to(session, redemption, PENDING, UNKNOWN, at, reason)
        wait = LOOK_AGAIN if given_up else _back_off(config, noted.number)
        outbox.put(session, **_promise(member_id, redemption_id), due_at=at + wait)


def _end(
    session: Session,
    config: Config,
    redemption: Redemption,
    state: str,
    kind: Kind,
    at: datetime,
    reason: str | None,
) -> None:
    """The last word: the points are spent, or back in their lots; the member is told."""
    member = members.by_id(session, redemption.member_id)
    programme = programmes.by_id(session, member.programme_id)
    redemptions.to(session, redemption, redemption.state, state, at, reason)
    seq = ledger.post(session, redemptions.follow_up(redemption, kind, programme, at)).seq
    done = state == FULFILLED
    facts: Facts = {"points": redemption.price_points, "yuan": yuan_text(redemption.value_fen)}
    template = "bill-credit-done" if done else "bill-credit-failed"
    telling.tell(session, config, member.member_id, template, facts, seq=seq if done else None)
    if not done:
        budgets.give_back(session, redemption.member_id, redemption.redemption_id, at)
        stock.put_back(session, redemption.offer_id, redemption.units)


def _promise(member_id: int, redemption_id: int) -> dict[str, Any]:
    args = {"member_id": member_id, "redemption_id": redemption_id}
    return {"member_id": member_id, "task": redemptions.BILL_CREDIT_TASK, "args": args}


def _back_off(config: Config, tries: int) -> timedelta:
    return min(LONGEST_WAIT, timedelta(seconds=config.billing_backoff_s * 2 ** min(tries - 1, 20)))
