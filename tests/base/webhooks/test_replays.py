"""Sending again: every event from a moment on, in parts, whoever is stopped in between; and what wakes after a pause."""

from collections import Counter
from datetime import date, timedelta

import pytest
from sqlalchemy import select, text

from base import clock, database, ids, jobs
from base.errors import Invalid
from base.webhooks import endpoints, replays, webhooks
from base.webhooks.endpoints import EndpointPaused
from base.webhooks.models import DELIVERED, DROPPED, WAITING, Delivery, Event, Replay
from base.webhooks.replays import ReplayRunning, StillOnItsWay
from tests.base.webhooks.conftest import STAFF, World
from tests.given import given_member
from tests.points.test_ledger import at_once

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def today(world: World) -> date:
    return clock.day(clock.now(), world.config.zone)


def start(world: World, from_day: date) -> int:
    with database.begin() as session:
        row = endpoints.find(session, STAFF, endpoints.reference(world.endpoint))
        return replays.start(session, STAFF, row, from_day, world.config.zone, clock.now()).replay_id


def replay_of(replay_id: int) -> Replay:
    with database.begin() as session:
        return session.get_one(Replay, replay_id)


def one(world: World, number: int = 1) -> Delivery:
    asked = (
        select(Delivery)
        .join(Event, (Event.member_id == Delivery.member_id) & (Event.event_id == Delivery.event_id))
        .where(Event.data["n"].as_integer() == number)
    )
    with database.begin() as session:
        return session.scalars(asked).one()


def resend(delivery: Delivery) -> None:
    with database.begin() as session:
        replays.resend(session, STAFF, delivery, clock.now())


def test_from_a_moment_on_each_event_is_sent_again_in_its_order_whoever_is_stopped(world, db, monkeypatch):
    monkeypatch.setattr(replays, "PART", 2)
    other = given_member(db, world.programme)
    since = clock.start_of(today(world) - DAY, world.config.zone)
    with clock.stopped(since - timedelta(seconds=1)):
        world.publish(1)
    with clock.stopped(since):
        world.publish(2, 3)
        world.publish(7, member_id=other)
        world.publish(4, 5)
        with database.begin() as session:
            row = endpoints.find(session, STAFF, endpoints.reference(world.endpoint))
            replays.ping(session, STAFF, row, clock.now())
    with database.begin() as session:  # one that was published before the endpoint wanted it
        session.add(Event(
            member_id=world.member_id, event_id=ids.new_id(), programme_id=world.programme.programme_id, at=since,
            type="jifen.redemption.failed", subject="red_6", data={"n": 6},
        ))  # fmt: skip
    jobs.drain(world.config.database_url)
    world.receiver.got.clear()

    replay_id = start(world, today(world) - DAY)
    assert at_once(2, lambda n: replays.run(replay_id)) == [None, None]
    replays.run(replay_id)
    jobs.drain(world.config.database_url)
    replays.run(replay_id)

    ended = replay_of(replay_id)
    assert ended.ended_at is not None
    assert (ended.looked_at, ended.queued) == (8, 6)
    mine = [got.event["data"]["n"] for got in world.receiver.got if got.event["data"]["n"] != 7]
    assert mine == [2, 3, 4, 5, 6]
    assert Counter(world.receiver.numbers)[7] == 1
    assert (6, DELIVERED, 1) in world.states()


def test_one_replay_at_a_time_and_thirty_days_back_at_most(world):
    world.publish(1)
    now = today(world)

    with pytest.raises(Invalid, match="30 days back at most"):
        start(world, now - 31 * DAY)
    with pytest.raises(Invalid, match="from:"):
        start(world, now + DAY)
    for edge in (date.min, date.max):
        with pytest.raises(Invalid):
            start(world, edge)
    begun = at_once(2, lambda n: start(world, now - 30 * DAY))
    jobs.drain(world.config.database_url)

    assert sorted(type(each) for each in begun if not isinstance(each, int)) == [ReplayRunning]
    assert isinstance(start(world, now), int)
    with database.begin() as session:
        endpoints.pause(session, STAFF, session.merge(world.now()), "moving", clock.now())
    with pytest.raises(EndpointPaused):
        start(world, now)


def test_one_event_is_sent_again_whatever_became_of_it_but_not_while_it_is_on_its_way(world):
    world.receiver.answers(200)
    world.publish(1)
    world.run()
    resend(one(world))
    jobs.drain(world.config.database_url)
    world.receiver.answers(500)
    resend(one(world))
    world.run()  # fails, and waits for its next try
    refused = []

    def again(got) -> None:
        replays.run(start(world, today(world)))
        try:
            resend(one(world))
        except StillOnItsWay as refusal:
            refused.append(refusal)

    world.receiver.before = again
    world.receiver.answers(200)
    with clock.stopped(clock.now() + timedelta(seconds=6)):
        resend(one(world))
        world.run()

    assert world.receiver.numbers == [1, 1, 1, 1]
    assert len({got.headers["webhook-id"] for got in world.receiver.got}) == 1
    assert len(refused) == 1
    assert world.states() == [(1, DELIVERED, 1)]


def test_what_came_during_a_pause_is_sent_in_order_after_it_and_dropped_after_the_end(world, db, monkeypatch):
    monkeypatch.setattr(replays, "PART", 1)
    others = [given_member(db, world.programme) for _ in range(2)]
    staff = lambda deed, *more: _staff(world, deed, *more)  # noqa: E731
    staff(endpoints.pause, "moving")
    world.publish(1, 2)
    for member_id in others:
        world.publish(3, member_id=member_id)
    jobs.drain(world.config.database_url)
    assert world.receiver.got == []

    staff(endpoints.resume)
    jobs.drain(world.config.database_url)
    assert sorted(world.receiver.numbers) == [1, 2, 3, 3]
    assert world.receiver.numbers.index(1) < world.receiver.numbers.index(2)

    staff(endpoints.pause, "for good")
    world.publish(4)
    staff(endpoints.remove)
    world.publish(5)
    jobs.drain(world.config.database_url)
    assert world.states()[2:] == [(4, DROPPED, 0)]
    assert len(world.receiver.got) == 4


def test_an_endpoint_that_is_forgotten_while_paused_keeps_no_events_for_ever(world):
    _staff(world, endpoints.pause, "moving")
    world.publish(1)

    with clock.stopped(clock.now() + endpoints.KEPT):
        world.publish(2)

    assert world.states() == [(1, WAITING, 0)]


def test_an_event_follows_those_before_it_even_if_a_clock_ran_ahead(world):
    with database.begin() as session:
        session.add(Event(
            member_id=world.member_id, event_id=ids.new_id() + (60_000 << 22), programme_id=world.programme.programme_id,
            at=clock.now() - HOUR, type="other.type", subject="x", data={},
        ))  # fmt: skip
    world.publish(1, 2)

    with database.begin() as session:
        order = session.scalars(select(Event.subject).order_by(Event.event_id)).all()
    assert order == ["x", "red_1", "red_2"]


DAMAGE = {
    "delete from webhook_delivery": "it is wanted, and not on its way",
    "delete from webhook_event": "what it delivers is not there",
    "update webhook_try set error = 'no'": "it is delivered, and no try got through",
    "update webhook_delivery set state = 'waiting'": "it waits, and nobody will look at it",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_each_wrong_row_is_found_and_named(world, owner, damage):
    from base.webhooks import verify

    with clock.stopped(clock.now() + timedelta(minutes=2)):
        world.publish(1)
        world.run()
    with database.begin() as session:
        assert list(verify.findings(session)) == []
    owner.execute(text(damage))

    with database.begin() as session:
        found = list(verify.findings(session))

    assert [finding.text for finding in found] == [DAMAGE[damage]]
    assert f"member {world.member_id}" in found[0].place
    owner.execute(text("truncate webhook_event, webhook_delivery, webhook_try"))


def test_an_event_is_written_with_its_deed_or_not_at_all(world):
    def undone() -> None:
        with database.begin() as session:
            webhooks.publish(
                session, world.member_id, "jifen.redemption.pending", "red_1", {"n": 1}, clock.now()
            )
            raise LookupError

    with pytest.raises(LookupError):
        undone()

    assert world.states() == []


def _staff(world: World, deed, *more) -> None:
    with database.begin() as session:
        row = endpoints.find(session, STAFF, endpoints.reference(world.endpoint), lock=True)
        deed(session, STAFF, row, *more, clock.now())
