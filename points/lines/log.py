"""The log of a line's events: what was told, numbered by arrival, each row sealed by a hash over it and the one before."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from points.lines.models import LineEvent
from points.lines.states import LineState

FIRST_HASH = hashlib.sha256(b"jifen/line/1").digest()


@dataclass(frozen=True, slots=True)
class Told:
    """An event as the operator's systems tell it: `event_id` is theirs, `since` the day from which the state holds.

    Of a cancellation: `clearing_day`, when what is left is cleared (NOTICE from today when it is not said), and
    `to_customer`, to whom the ownership went. `phone`: the number of the membership that the event begins.
    """

    event_id: str
    state: LineState
    since: date
    reason: str
    clearing_day: date | None = None
    to_customer: str | None = None
    phone: str | None = None

    @property
    def digest(self) -> bytes:
        """Of what was told but for the phone number, of which nothing is kept in clear."""
        said = (self.event_id, self.state, self.since, self.reason, self.clearing_day, self.to_customer)
        return hashlib.sha256(json.dumps([str(one) for one in said]).encode()).digest()


def keep(
    session: Session,
    earlier: list[LineEvent],
    member_id: int,
    told: Told,
    actor: str,
    at: datetime,
    *,
    state: LineState,
    applied: bool,
    clearing_day: date | None = None,
    successor_id: int | None = None,
) -> LineEvent:
    """Write an event down as the next one of its member, after the `earlier` ones."""
    event = LineEvent(
        member_id=member_id,
        nth=len(earlier) + 1,
        at=at,
        successor_id=successor_id,
        since=told.since,
        clearing_day=clearing_day,
        applied=applied,
        state=str(state),
        event_id=told.event_id,
        reason=told.reason,
        actor=actor,
        digest=told.digest,
        hash=b"",
    )
    event.hash = sealed(event, earlier[-1].hash if earlier else FIRST_HASH)
    session.add(event)
    session.flush()
    return event


def sealed(event: LineEvent, before: bytes) -> bytes:
    """The hash of an event: over the one before it and everything it says."""
    said = (event.member_id, event.nth, event.at.isoformat(), event.successor_id, event.since, event.clearing_day,
            event.applied, event.state, event.event_id, event.reason, event.actor, event.digest.hex())  # fmt: skip
    return hashlib.sha256(before + json.dumps([str(one) for one in said]).encode()).digest()


def history(
    session: Session, member_id: int, *, before: int | None = None, limit: int = 50
) -> list[LineEvent]:
    """A member's events, the latest to arrive first, from before a number on."""
    asked = (
        select(LineEvent).where(LineEvent.member_id == member_id).order_by(LineEvent.nth.desc()).limit(limit)
    )
    if before is not None:
        asked = asked.where(LineEvent.nth < before)
    return list(session.scalars(asked))
