"""Deliveries: the earliest event that waits for a member at an endpoint is sent; what fails is tried again, in its order.

A try is committed before the request, with the promise to look again, so that a worker that dies loses nothing; a second
worker sees that one is busy. What begins and ends a try holds the lock of its lane, so that no event is left without a look.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from base import clock, ids, locks, outbox
from base.config import Config
from base.patience import patiently
from base.webhooks import endpoints, owners, sending, signing, webhooks
from base.webhooks.models import (
    DELIVERED,
    DROPPED,
    FAILED,
    LIVE,
    REMOVED,
    WAITING,
    Delivery,
    Endpoint,
    Event,
    Try,
)
from base.webhooks.sending import GONE, Letter, Outcome
from base.webhooks.webhooks import PING, TASK, lane_args, promise

# How long after which try the next one follows; Standard Webhooks 1.0, about three days in all.
WAITS = tuple(timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400))
LONGEST_TRY = timedelta(minutes=2)
AT_ONCE = 20  # of one lane in one job
SHORTEST_REST, LONGEST_REST = timedelta(seconds=5), timedelta(minutes=5)


@dataclass(frozen=True)
class Noted:
    """A try that was noted before it is made."""

    event_id: int
    number: int
    letter: Letter


def run(config: Config, member_id: int, endpoint_id: int) -> None:
    """Send what waits in a lane; safe to run twice and at any time."""
    noted = patiently(note_try, config, member_id, endpoint_id, clock.now())
    for left in range(AT_ONCE - 1, -1, -1):
        if noted is None:
            return
        outcome = sending.send(noted.letter, clock.now(), own_machine=not config.in_production)
        noted = patiently(record, config, member_id, endpoint_id, noted, outcome, clock.now(), go_on=left > 0)


def note_try(
    session: Session, config: Config, member_id: int, endpoint_id: int, at: datetime
) -> Noted | None:
    """Count the next try of a lane before it is made; None when none is to be made now, or by somebody else."""
    _lock(session, member_id, endpoint_id)
    return _next(session, config, member_id, endpoint_id, at, go_on=True)


def record(
    session: Session,
    config: Config,
    member_id: int,
    endpoint_id: int,
    noted: Noted,
    outcome: Outcome,
    at: datetime,
    *,
    go_on: bool = False,
) -> Noted | None:
    """What a try came to; and, to `go_on`, the next one of the lane, noted. Safe to repeat: the second finds it recorded."""
    _lock(session, member_id, endpoint_id)
    outbox.withdraw(session, member_id, TASK, lane_args(member_id, endpoint_id))
    delivery = session.get_one(
        Delivery, (member_id, endpoint_id, noted.event_id), populate_existing=True, with_for_update=True
    )
    if delivery.tries == noted.number and delivery.busy_until is not None:
        session.add(_row(delivery, outcome, at))
        delivery.busy_until, delivery.status, delivery.changed_at = None, outcome.status, at
        if outcome.error is None:
            delivery.state = DELIVERED
            _got_through(session, endpoint_id)
        else:
            _not_taken(session, delivery, outcome, at)
    session.flush()
    return _next(session, config, member_id, endpoint_id, at, go_on=go_on)


def _next(
    session: Session, config: Config, member_id: int, endpoint_id: int, at: datetime, *, go_on: bool
) -> Noted | None:
    """Lease the earliest waiting delivery of a lane, or promise to look at it when it is due."""
    endpoint = session.get_one(Endpoint, endpoint_id, populate_existing=True)
    head = session.scalar(
        select(Delivery)
        .where(
            Delivery.member_id == member_id, Delivery.endpoint_id == endpoint_id, Delivery.state == WAITING
        )
        .order_by(Delivery.event_id)
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if head is None:
        return None
    if endpoint.state == REMOVED:
        _drop(session, member_id, endpoint_id, at)
        return None
    if endpoint.state != LIVE:
        return None  # resuming wakes every lane
    busy = head.busy_until is not None and head.busy_until > at
    best = head.busy_until if busy and head.busy_until else max(head.due_at, endpoint.rest_until or at)
    if best > at or not go_on:
        outbox.withdraw(session, member_id, TASK, lane_args(member_id, endpoint_id))
        promise(session, member_id, endpoint_id, max(best, at))
        return None
    head.tries += 1
    head.busy_until = at + LONGEST_TRY
    promise(session, member_id, endpoint_id, head.busy_until)
    event = session.get_one(Event, (member_id, head.event_id))
    session.flush()
    return Noted(head.event_id, head.tries, _letter(session, config, endpoint, event, at))


def _letter(session: Session, config: Config, endpoint: Endpoint, event: Event, at: datetime) -> Letter:
    return Letter(
        message_id=webhooks.event_reference(event),
        url=endpoint.url,
        body=sending.envelope(event, owners.source_of(session, owners.of_row(endpoint))),
        secrets=tuple(signing.live_secrets(config.seal_key, endpoint, at)),
    )


def _not_taken(session: Session, delivery: Delivery, outcome: Outcome, at: datetime) -> None:
    """Wait for the next try, or give up; and look at how long nothing has got through."""
    event = session.get_one(Event, (delivery.member_id, delivery.event_id))
    if outcome.status == GONE and event.type != PING:
        # It stays waiting: whoever resumes the endpoint has it sent.
        endpoints.pause_failing(
            session, delivery.endpoint_id, "the receiver answered 410: it wants no more events", at
        )
        return
    if event.type == PING or delivery.tries > len(WAITS):
        delivery.state = FAILED
    else:
        delivery.due_at = at + WAITS[delivery.tries - 1]
    if event.type != PING:
        _failing(session, delivery.endpoint_id, at)


def _failing(session: Session, endpoint_id: int, at: datetime) -> None:
    endpoint = session.get_one(Endpoint, endpoint_id, populate_existing=True)
    since = endpoint.failing_since or at
    if at - since >= endpoints.FAILS_FOR:
        reason = f"nothing has got through since {since:%Y-%m-%d %H:%M} UTC"
        endpoints.pause_failing(session, endpoint_id, reason, at)
        return
    rest = min(max((at - since) / 4, SHORTEST_REST), LONGEST_REST)
    session.execute(
        update(Endpoint)
        .where(
            Endpoint.endpoint_id == endpoint_id,
            Endpoint.state == LIVE,
            or_(Endpoint.rest_until.is_(None), Endpoint.rest_until <= at),
        )
        .values(failing_since=func.coalesce(Endpoint.failing_since, at), rest_until=at + rest)
    )


def _got_through(session: Session, endpoint_id: int) -> None:
    session.execute(
        update(Endpoint)
        .where(Endpoint.endpoint_id == endpoint_id, Endpoint.failing_since.is_not(None))
        .values(failing_since=None, rest_until=None)
    )


def _drop(session: Session, member_id: int, endpoint_id: int, at: datetime) -> None:
    """All that waits; of one on its way the end is recorded first, or its promise comes due."""
    session.execute(
        update(Delivery)
        .where(
            Delivery.member_id == member_id,
            Delivery.endpoint_id == endpoint_id,
            Delivery.state == WAITING,
            or_(Delivery.busy_until.is_(None), Delivery.busy_until <= at),
        )
        .values(state=DROPPED, busy_until=None, changed_at=at)
    )


def _row(delivery: Delivery, outcome: Outcome, at: datetime) -> Try:
    return Try(
        member_id=delivery.member_id,
        try_id=ids.new_id(),
        endpoint_id=delivery.endpoint_id,
        event_id=delivery.event_id,
        at=at,
        number=delivery.tries,
        duration_ms=outcome.duration_ms,
        status=outcome.status,
        error=outcome.error,
    )


def _lock(session: Session, member_id: int, endpoint_id: int) -> None:
    locks.in_turn(session, f"webhook:{member_id}:{endpoint_id}")
