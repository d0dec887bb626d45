"""Sending again: one delivery, or every event from a moment on, in parts; and waking what waited while nobody was to send.

A part goes on where the one before ended, in the transaction that moves the mark: run twice, stopped or killed, no event is
left out.
"""

from datetime import date, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from base import audit, clock, ids, outbox
from base.auth.principals import Principal
from base.errors import Conflict, Invalid
from base.patience import patiently
from base.webhooks import endpoints, history, owners, webhooks
from base.webhooks.endpoints import KEPT, WAKE_TASK
from base.webhooks.models import REMOVED, WAITING, Delivery, Endpoint, Event, Replay
from base.webhooks.webhooks import NO_MEMBER, PING, promise

REPLAY_TASK = "webhooks.replay"
PART = 500


class StillOnItsWay(Conflict):
    """This event is being sent at this moment."""

    zh = "该事件正在发送。"
    next_en, next_zh = "Look at it again in a minute.", "请一分钟后再查看。"


class ReplayRunning(Conflict):
    """Events are being sent to this endpoint again already."""

    zh = "该接收端正在重发事件。"
    next_en, next_zh = "Wait until it has ended.", "请等待其完成。"


def resend(session: Session, principal: Principal, delivery: Delivery, at: datetime) -> Delivery:
    """Send an event again, or at once if it waits for its next try; the receiver knows it by its id. StillOnItsWay."""
    endpoints.live(session.get_one(Endpoint, delivery.endpoint_id))
    row = session.get_one(
        Delivery,
        (delivery.member_id, delivery.endpoint_id, delivery.event_id),
        populate_existing=True,
        with_for_update=True,
    )
    if row.busy_until is not None and row.busy_until > at:
        raise StillOnItsWay()
    row.state, row.tries, row.due_at, row.changed_at, row.busy_until = WAITING, 0, at, at, None
    promise(session, row.member_id, row.endpoint_id)
    session.flush()
    audit.write(session, principal.actor, "webhook.resent", history.reference(row))
    return row


def ping(session: Session, principal: Principal, endpoint: Endpoint, at: datetime) -> Delivery:
    """Send a jifen.ping to an endpoint whatever types it wants: one try, to see what comes of it."""
    endpoints.live(endpoint)
    reference = endpoints.reference(endpoint)
    event = webhooks.write(
        session, NO_MEMBER, owners.of_row(endpoint), PING, reference, {"endpoint": reference}, at, [endpoint]
    )
    audit.write(session, principal.actor, "webhook.pinged", reference)
    return session.get_one(Delivery, (NO_MEMBER, endpoint.endpoint_id, event.event_id))


def start(
    session: Session, principal: Principal, endpoint: Endpoint, from_day: date, zone: str, at: datetime
) -> Replay:
    """Send every event from a day on that the endpoint wants again, those that it never got too; ReplayRunning."""
    endpoints.live(endpoint)
    today = clock.day(at, zone)
    if not today - KEPT <= from_day <= today:
        text = f"from {today - KEPT} until {today}: events are repeated {KEPT.days} days back at most"
        raise Invalid(f"from: {text}", errors=[{"pointer": "/from", "detail": text}])
    replay = Replay(
        replay_id=ids.new_id(),
        endpoint_id=endpoint.endpoint_id,
        from_at=clock.start_of(from_day, zone),
        last_event=0,
        until_event=ids.new_id(),
        looked_at=0,
        queued=0,
        began_at=at,
        actor=principal.actor,
    )
    try:
        with session.begin_nested():
            session.add(replay)
    except IntegrityError:
        raise ReplayRunning() from None
    outbox.put(session, NO_MEMBER, REPLAY_TASK, {"replay_id": replay.replay_id})
    reference = endpoints.reference(endpoint)
    audit.write(session, principal.actor, "webhook.replayed", reference, since=str(from_day))
    return replay


def run(replay_id: int) -> None:
    """The next part of a replay; safe to run twice."""
    patiently(step, replay_id, clock.now())


def step(session: Session, replay_id: int, at: datetime) -> None:
    """Put the events of one part on their way again, and promise the next part; the last one ends it."""
    replay = session.get_one(Replay, replay_id, populate_existing=True, with_for_update=True)
    if replay.ended_at is not None:
        return
    endpoint = session.get_one(Endpoint, replay.endpoint_id, populate_existing=True)
    rows = session.execute(
        select(Event.member_id, Event.event_id, Event.type, Event.at)
        .where(
            owners.of_row(endpoint).of(Event),
            Event.event_id > replay.last_event,
            Event.event_id <= replay.until_event,
            Event.event_id > _before(replay.from_at),
        )
        .order_by(Event.event_id)
        .limit(PART)
    ).all()
    chosen = [
        row
        for row in rows
        if row.at >= replay.from_at and row.type != PING and endpoints.wants(endpoint, row.type)
    ]
    if endpoint.state != REMOVED and chosen:
        replay.queued += _again(
            session, endpoint.endpoint_id, [(r.member_id, r.event_id) for r in chosen], at
        )
    replay.looked_at += len(rows)
    if len(rows) < PART or endpoint.state == REMOVED:
        replay.ended_at = at
    else:
        replay.last_event = rows[-1].event_id
        outbox.put(session, NO_MEMBER, REPLAY_TASK, {"replay_id": replay_id})


def _again(session: Session, endpoint_id: int, events: list[tuple[int, int]], at: datetime) -> int:
    """Deliveries of these events begin anew; those that wait already stay. How many began."""
    fresh = insert(Delivery).values(
        [
            {
                "member_id": member_id, "endpoint_id": endpoint_id, "event_id": event_id,
                "tries": 0, "due_at": at, "changed_at": at, "state": WAITING,
            }
            for member_id, event_id in sorted(events)
        ]
    )  # fmt: skip
    begun = session.scalars(
        fresh.on_conflict_do_update(
            index_elements=["member_id", "endpoint_id", "event_id"],
            set_={"state": WAITING, "tries": 0, "due_at": at, "changed_at": at, "busy_until": None},
            where=Delivery.state != WAITING,
        ).returning(Delivery.member_id)
    ).all()
    for member_id in sorted(set(begun)):
        promise(session, member_id, endpoint_id)
    return len(begun)


def wake(endpoint_id: int, after: int) -> None:
    """Have the next lanes of an endpoint looked at, which waited while it was paused; safe to run twice."""
    patiently(wake_some, endpoint_id, after, clock.now())


def wake_some(session: Session, endpoint_id: int, after: int, at: datetime) -> None:
    """Promise a look at the lanes of the next PART members, whose waiting events are due at once, and then at those after."""
    members = session.scalars(
        select(Delivery.member_id)
        .where(Delivery.endpoint_id == endpoint_id, Delivery.state == WAITING, Delivery.member_id > after)
        .distinct()
        .order_by(Delivery.member_id)
        .limit(PART)
    ).all()
    if not members:
        return
    session.execute(
        update(Delivery)
        .where(
            Delivery.endpoint_id == endpoint_id,
            Delivery.member_id.in_(members),
            Delivery.state == WAITING,
            Delivery.due_at > at,
        )
        .values(due_at=at)
    )
    for member_id in members:
        promise(session, member_id, endpoint_id)
    outbox.put(session, NO_MEMBER, WAKE_TASK, {"endpoint_id": endpoint_id, "after": members[-1]})


def of_endpoint(session: Session, endpoint_id: int) -> Replay | None:
    """The newest replay of an endpoint."""
    return session.scalar(
        select(Replay).where(Replay.endpoint_id == endpoint_id).order_by(Replay.replay_id.desc()).limit(1)
    )


def _before(moment: datetime) -> int:
    """An id below those of events at a moment: ids grow with time. A day of room, for `at` is the deed's own clock."""
    return max(ids.at_least(moment - timedelta(days=1)), 0)
