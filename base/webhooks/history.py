"""What was sent, what waits and what failed, with each try: for whoever looks after a receiver."""

from dataclasses import dataclass

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from base import ids
from base.auth.principals import Principal
from base.errors import NotFound
from base.webhooks import endpoints, owners
from base.webhooks.models import Delivery, Endpoint, Event, Try


class DeliveryUnknown(NotFound):
    """There is no such delivery."""

    zh = "没有该发送记录。"


@dataclass(frozen=True)
class Sent:
    """A delivery, the event it delivers and where."""

    delivery: Delivery
    event: Event


def listed(
    session: Session,
    principal: Principal,
    *,
    endpoint: str | None = None,
    state: str | None = None,
    type: str | None = None,
    member_id: int | None = None,
    before: tuple[int, int, int] | None = None,
    limit: int = 50,
) -> list[Sent]:
    """Deliveries of the asker's own endpoints, newest event first, from before (event, member, endpoint) on."""
    asked = (
        select(Delivery, Event)
        .join(Event, (Event.member_id == Delivery.member_id) & (Event.event_id == Delivery.event_id))
        .order_by(Delivery.event_id.desc(), Delivery.member_id.desc(), Delivery.endpoint_id.desc())
        .limit(limit)
    )
    if endpoint is not None:
        row = endpoints.find(session, principal, endpoint)
        asked = asked.where(Delivery.endpoint_id == row.endpoint_id)
    else:
        own = select(Endpoint.endpoint_id).where(owners.reach(principal, Endpoint))
        asked = asked.where(Delivery.endpoint_id.in_(own))
    if state is not None:
        asked = asked.where(Delivery.state == state)
    if type is not None:
        asked = asked.where(Event.type == type)
    if member_id is not None:
        asked = asked.where(Delivery.member_id == member_id)
    if before is not None:
        place = tuple_(Delivery.event_id, Delivery.member_id, Delivery.endpoint_id)
        asked = asked.where(place < tuple_(*before))
    return [Sent(delivery, event) for delivery, event in session.execute(asked)]


def find(session: Session, principal: Principal, text: str) -> Sent:
    """The delivery of a public id, of the asker's own; DeliveryUnknown."""
    member_id, endpoint_id, event_id = ids.parse("dlv", text, parts=3)
    owners.whole(principal)
    delivery = session.get(Delivery, (member_id, endpoint_id, event_id), populate_existing=True)
    event = session.get(Event, (member_id, event_id))
    if delivery is None or event is None or not owners.reaches(principal, event):
        raise DeliveryUnknown()
    return Sent(delivery, event)


def tries_of(session: Session, delivery: Delivery, limit: int = 100) -> list[Try]:
    """The newest tries of a delivery, the latest first."""
    return list(
        session.scalars(
            select(Try)
            .where(
                Try.member_id == delivery.member_id,
                Try.endpoint_id == delivery.endpoint_id,
                Try.event_id == delivery.event_id,
            )
            .order_by(Try.try_id.desc())
            .limit(limit)
        )
    )


def reference(delivery: Delivery) -> str:
    """A delivery's public id."""
    return ids.public("dlv", delivery.member_id, delivery.endpoint_id, delivery.event_id)
