"""Publishing: an event is written in the transaction of the deed that it tells, or not at all when nobody wants it.

Events of one member are in the order of their ids, which grow with time. What waits for one member at one endpoint is a
lane: its earliest waiting delivery is sent, the others wait for it.
"""

import re
import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base import ids, outbox
from base.webhooks import endpoints
from base.webhooks.models import WAITING, Delivery, Endpoint, Event
from base.webhooks.owners import Owner
from base.webhooks.programmes import known

TASK = "webhooks.deliver"
NO_MEMBER = 0
PING = "jifen.ping"
_TYPE = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")
_ROOM = 20  # bits of chance in an id that must come after another machine's later clock


def publish(
    session: Session, member_id: int, type: str, subject: str, data: dict[str, Any], at: datetime
) -> Event | None:
    """Tell the endpoints of the member's programme that want this type, after the commit; None when none does.

    `type` as jifen.redemption.fulfilled; `subject` the public id of what it is about; `data` plain JSON of numbers and
    opaque ids, never personal data. Where nobody wants the type it costs one look into a small table.
    """
    wanted = _wanted(session, type, at)
    if not wanted:
        return None
    owner = Owner(programme_id=known().of_member(session, member_id))
    return _to(session, member_id, owner, type, subject, data, at, wanted)


def publish_to_merchant(
    session: Session,
    merchant_id: int,
    member_id: int,
    type: str,
    subject: str,
    data: dict[str, Any],
    at: datetime,
) -> Event | None:
    """The same for the endpoints of one merchant alone. The member orders its events among each other; NO_MEMBER: nobody's."""
    wanted = _wanted(session, type, at)
    return _to(session, member_id, Owner(merchant_id=merchant_id), type, subject, data, at, wanted)


def _wanted(session: Session, type: str, at: datetime) -> list[Endpoint]:
    wanted = endpoints.wanting(session, type, at)
    if wanted and not _TYPE.fullmatch(type):
        raise ValueError(f"{type} is no type of event")
    return wanted


def _to(
    session: Session,
    member_id: int,
    owner: Owner,
    type: str,
    subject: str,
    data: dict[str, Any],
    at: datetime,
    wanted: list[Endpoint],
) -> Event | None:
    receivers = [row for row in wanted if owner.owns(row)]
    if not receivers:
        return None
    return write(session, member_id, owner, type, subject, data, at, receivers)


def write(
    session: Session,
    member_id: int,
    owner: Owner,
    type: str,
    subject: str,
    data: dict[str, Any],
    at: datetime,
    receivers: list[Endpoint],
) -> Event:
    """An event, on its way to these endpoints."""
    last = session.scalar(select(func.max(Event.event_id)).where(Event.member_id == member_id)) or 0
    event = Event(
        member_id=member_id,
        event_id=max(ids.new_id(), last + 1 + secrets.randbits(_ROOM)),
        programme_id=owner.programme_id,
        merchant_id=owner.merchant_id,
        at=at,
        type=type,
        subject=subject,
        data=data,
    )
    session.add(event)
    for endpoint in receivers:
        session.add(
            Delivery(
                member_id=member_id,
                endpoint_id=endpoint.endpoint_id,
                event_id=event.event_id,
                tries=0,
                due_at=at,
                changed_at=at,
                state=WAITING,
            )
        )
        promise(
            session, member_id, endpoint.endpoint_id
        )  # of a paused one too: it may go on before this commits
    session.flush()
    return event


def promise(session: Session, member_id: int, endpoint_id: int, due_at: datetime | None = None) -> None:
    """Have a worker look at a lane, at once or later; a look too many does nothing."""
    outbox.put(session, member_id, TASK, lane_args(member_id, endpoint_id), due_at=due_at)


def lane_args(member_id: int, endpoint_id: int) -> dict[str, Any]:
    """A lane, as a job is told of it."""
    return {"member_id": member_id, "endpoint_id": endpoint_id}


def event_reference(event: Event) -> str:
    """An event's public id, which receivers know it by: the same at each try."""
    return ids.public("evt", event.member_id, event.event_id)
