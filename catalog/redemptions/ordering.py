"""What another system has to do, after the commit: try, look, try again with back-off - and never both that and the points.

A try is noted and committed before the call, so that a crash in between counts as "maybe sent", and with it the promise
to look again: a worker that dies loses nothing, and while one is asking no other asks. After the last try the points go
back only when it is certain that nothing was done; else the redemption is `unknown` and is looked up again each
hour, and a person sees it. What the other side has taken in and is still doing stays `fulfilling`, however long it takes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import update
from sqlalchemy.orm import Session

from base import clock, database, outbox
from base.config import Config
from base.failpoints import failpoint
from catalog.redemptions import course, redemptions
from catalog.redemptions.models import FULFILLING, PENDING, UNKNOWN, Redemption
from catalog.redemptions.outcomes import Done, Ended, NotFound, Outcome, Refused, UnderWay, Unreachable, Wrong

TASK = "order"
LOOK_AGAIN = timedelta(hours=1)
LONGEST_TRY = timedelta(minutes=10)  # three requests of at most a minute each, and room
LONGEST_WAIT = timedelta(hours=6)
log = structlog.get_logger()


def _nothing(session: Session, redemption: Redemption, outcome: Any, at: datetime) -> None:
    """Nothing to keep of what it said."""


@dataclass(frozen=True)
class Port:
    """Another system that does what a kind of redemption asks for.

    `order`: what to ask for, read in the noting transaction. `settle`: ask, but look first where an earlier try may have
    arrived. `look_up`: only look. `ended`: what to do beside the last word, in its transaction (done?, posting's number).
    `seen`: what to keep of an answer, before that. `name`: what refusals call it.
    """

    name: str
    order: Callable[[Session, Redemption], Any]
    settle: Callable[[Config, Any, bool], Outcome]
    look_up: Callable[[Config, Any], Outcome | NotFound]
    ended: Callable[[Session, Config, Redemption, bool, int | None, datetime], None]
    seen: Callable[[Session, Redemption, Any, datetime], None] = _nothing


@dataclass(frozen=True)
class Try:
    """A try that was noted: its number, whether an earlier one may have arrived, what to ask for."""

    number: int
    sent_before: bool
    kind: str
    order: Any


_ports: dict[str, Port] = {}


def register(kind: str, port: Port) -> None:
    """Say which system does what redemptions of a kind ask for."""
    _ports[kind] = port


def of(kind: str) -> Port:
    """The system that does what redemptions of a kind ask for; LookupError for a kind without one."""
    return _ports[kind]


def asks(kind: str) -> bool:
    """Whether another system does what redemptions of this kind ask for."""
    return kind in _ports


def promise(session: Session, redemption: Redemption) -> None:
    """Ask after the commit: what the course of a kind that holds does to begin."""
    outbox.put(session, **_promise(redemption.member_id, redemption.redemption_id))


def run(config: Config, member_id: int, redemption_id: int) -> None:
    """One step of an order; safe to run twice and at any time."""
    with database.begin() as session:
        noted = note_try(session, member_id, redemption_id)
    if noted is None:
        return
    failpoint("after_claim_before_call")
    outcome = ask(config, _ports[noted.kind], noted)
    failpoint("after_call_before_result")
    log.info("order", kind=noted.kind, tries=noted.number, outcome=type(outcome).__name__)
    with database.begin() as session:
        record(session, config, member_id, redemption_id, noted, outcome)


def note_try(session: Session, member_id: int, redemption_id: int) -> Try | None:
    """Count the try before it is made; None when the redemption has ended or somebody is trying already."""
    before, kept = redemptions.find(session, member_id, redemption_id), _promise(member_id, redemption_id)
    if before.state not in course.OPEN or outbox.promised_later(session, **kept):
        return None
    was_sent, tries = before.maybe_sent, before.tries
    counted = session.execute(
        update(Redemption)
        .where(
            Redemption.member_id == member_id,
            Redemption.redemption_id == redemption_id,
            Redemption.tries == tries,
            Redemption.state.in_(course.OPEN),
        )
        .values(tries=tries + 1, maybe_sent=True)
    )
    if not counted.rowcount:  # type: ignore[attr-defined]
        return None  # another worker took this try
    if before.state == PENDING:
        course.move(session, before, FULFILLING, course.JOB, clock.now())
    outbox.put(session, **kept, due_at=clock.now() + LONGEST_TRY)
    return Try(tries + 1, was_sent, before.kind, _ports[before.kind].order(session, before))


def ask(config: Config, port: Port, noted: Try) -> Outcome | NotFound:
    """Within the limit: settle. After it: only look, and only if something may have been sent at all."""
    if noted.number <= config.billing_tries:
        return port.settle(config, noted.order, noted.sent_before)
    return port.look_up(config, noted.order) if noted.sent_before else NotFound()


def certainly_not(config: Config, noted: Try, outcome: Outcome | NotFound) -> bool:
    """Whether it is certain that nothing was done, by this try or one before."""
    return isinstance(outcome, NotFound | Ended) or (
        isinstance(outcome, Refused | Unreachable)
        and not noted.sent_before
        and (isinstance(outcome, Refused) or noted.number >= config.billing_tries)
    )


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
    if redemption.state not in course.OPEN:
        return
    port = _ports[redemption.kind]
    is_there = "order" in redemption.details  # the other side has said so
    if isinstance(outcome, NotFound) and is_there:
        outcome = Wrong(())
    port.seen(session, redemption, outcome, at)
    if isinstance(outcome, Done):
        redemption.details = redemption.details | {"order": outcome.reference}
        seq = course.fulfil(session, redemption, course.JOB, at)
        port.ended(session, config, redemption, True, seq, at)
    elif certainly_not(config, noted, outcome):
        course.fail(session, redemption, course.JOB, at, why_not(port, outcome))
        port.ended(session, config, redemption, False, None, at)
    elif isinstance(outcome, UnderWay):
        redemption.details = redemption.details | {"order": outcome.reference}
        if redemption.state == UNKNOWN:
            course.move(session, redemption, FULFILLING, course.JOB, at)
        wait = LOOK_AGAIN if noted.number > config.billing_tries else back_off(config, noted.number)
        outbox.put(session, **_promise(member_id, redemption_id), due_at=at + min(wait, LOOK_AGAIN))
    else:
        if isinstance(outcome, Unreachable):
            redemption.maybe_sent = noted.sent_before
        given_up = isinstance(outcome, Wrong) or noted.number > config.billing_tries
        if given_up and redemption.state != UNKNOWN and (isinstance(outcome, Wrong) or not is_there):
            reason = "done wrongly" if isinstance(outcome, Wrong) else f"no answer from the {port.name}"
            course.move(session, redemption, UNKNOWN, course.JOB, at, reason)
        wait = LOOK_AGAIN if given_up else back_off(config, noted.number)
        outbox.put(session, **_promise(member_id, redemption_id), due_at=at + wait)


def why_not(port: Port, outcome: Outcome | NotFound) -> str:
    """The other side's own words, or that it did not take it."""
    said = outcome.reason[:200] if isinstance(outcome, Refused | Ended) else ""
    return said or f"{port.name} did not take it"


def _promise(member_id: int, redemption_id: int) -> dict[str, Any]:
    args = {"member_id": member_id, "redemption_id": redemption_id}
    return {"member_id": member_id, "task": TASK, "args": args}


def back_off(config: Config, tries: int) -> timedelta:
    """How long to wait after so many tries."""
    return min(LONGEST_WAIT, timedelta(seconds=config.billing_backoff_s * 2 ** min(tries - 1, 20)))
