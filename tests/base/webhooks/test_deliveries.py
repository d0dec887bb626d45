"""Events on their way to a receiver that does everything wrong: signed, in order, none twice, none lost without a word."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from structlog.testing import capture_logs

from base import clock, database, jobs
from base.models import AuditRow
from base.webhooks import deliveries, endpoints, sending
from base.webhooks.models import DELIVERED, FAILED, PAUSED, WAITING, Try
from tests.base.webhooks.conftest import STAFF
from tests.base.webhooks.receivers import receiving
from tests.given import caller, given_member, given_offer, member_token
from tests.points.test_ledger import at_once

SECOND = timedelta(seconds=1)


def tries() -> list[Try]:
    with database.begin() as session:
        return list(session.scalars(select(Try).order_by(Try.try_id)))


def count(table: str) -> int:
    with database.begin() as session:
        return int(session.scalar(text(f"select count(*) from {table}")) or 0)


def audited(action: str) -> list[dict[str, Any]]:
    with database.begin() as session:
        return list(session.scalars(select(AuditRow.facts).where(AuditRow.action == action)))


def test_a_redemption_is_told_step_by_step_signed_and_once(app, given):
    world = given()
    member = caller(app, member_token(world.member_id))

    done = member.redeem(given_offer(world.programme, kind="perk", cancellable=True)).json
    member.post(f"/v1/redemptions/{done['id']}/cancel")
    assert world.receiver.got == []
    for _ in range(2):
        jobs.drain(world.config.database_url)
        world.run()

    first, second = world.receiver.got
    assert [first.event["type"], second.event["type"]] == [
        "jifen.redemption.fulfilled",
        "jifen.redemption.cancelled",
    ]
    assert first.path == "/hook?from=jifen"
    assert first.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert first.headers["webhook-id"] == first.event["id"] != second.event["id"]
    assert first.event.keys() == {
        "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data",
    }  # fmt: skip
    assert (first.event["specversion"], first.event["source"]) == ("1.0", "/programmes/gotone")
    assert first.event["subject"] == first.event["data"]["redemption"] == done["id"]
    assert (first.event["data"]["state"], second.event["data"]["state"]) == ("fulfilled", "cancelled")
    assert all(got.signed_with(world.secret) for got in world.receiver.got)
    assert not first.signed_with("whsec_" + "A" * 44)
    assert [(row.status, row.error, row.number) for row in tries()] == [(204, None, 1)] * 2


def test_what_nobody_wants_leaves_nothing(given, app):
    world = given("jifen.tier.*", "jifen.redemption.failed")
    member = caller(app, member_token(world.member_id))

    assert member.redeem(given_offer(world.programme, kind="perk")).status_code == 201

    assert (count("webhook_event"), count("webhook_delivery"), count("outbox")) == (0, 0, 0)


FAULTS: dict[str, tuple[Any, int | None, str]] = {
    "fails": ({"status": 500, "body": "no\x00\nroom"}, 500, "status 500: no room"),
    "is busy": (429, 429, "status 429:"),
    "leads elsewhere": ({"status": 307}, 307, "status 307: redirects are not followed"),
    "is silent": ({"silent": True}, None, "RemoteDisconnected"),
    "is slow": ({"status": 200, "slow_s": 0.7}, None, "no answer in time"),
    "talks too much": ({"status": 200, "body": "x" * 70_000}, None, "the answer is too large"),
    "says little that is long": ({"status": 400, "body": "x" * 5000}, 400, "status 400: " + "x" * 188),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_a_receiver_does_wrong_the_event_is_tried_again(world, monkeypatch, fault):
    monkeypatch.setattr(sending, "TIMEOUT_S", 0.3)
    plan, status, error = FAULTS[fault]
    with receiving() as elsewhere:
        if fault == "leads elsewhere":
            plan = plan | {"headers": {"Location": elsewhere.url}}
        world.receiver.answers(plan, 200)
        world.publish(1)

        with clock.stopped(clock.now()):
            world.run()
            world.run()
            first, failing = world.states(), world.now().failing_since
        monkeypatch.setattr(sending, "TIMEOUT_S", 10.0)
        with clock.stopped(clock.now() + 5 * SECOND):
            world.run()

        assert elsewhere.connections == 0
    assert (first, failing is not None) == ([(1, WAITING, 1)], True)
    assert (world.states(), world.now().failing_since) == ([(1, DELIVERED, 2)], None)
    row = tries()[0]
    assert (row.status, (row.error or "")[: len(error)]) == (status, error)
    assert len(row.error or "") <= 200
    assert world.receiver.got[0].headers["webhook-id"] == world.receiver.got[1].headers["webhook-id"]


def test_tries_follow_the_schedule_and_what_is_given_up_holds_nothing_up(world):
    world.receiver.answers(500)
    world.publish(1, 2)
    moment, waited = clock.now(), []

    for _ in range(10):
        with clock.stopped(moment):
            world.run()
            world.run()
        with database.begin() as session:
            due = session.scalar(text("select min(due_at) from outbox"))
        waited.append(round((due - moment).total_seconds()))
        moment = max(due, moment + SECOND)

    assert waited[:9] == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert world.states() == [(1, FAILED, 10), (2, WAITING, 0)]
    world.receiver.answers(200)
    with clock.stopped(moment + timedelta(hours=1)):
        world.run()
    assert world.states() == [(1, FAILED, 10), (2, DELIVERED, 1)]
    assert world.receiver.numbers == [1] * 10 + [2]


def test_events_of_a_member_keep_their_order_and_others_do_not_wait_for_them(world, db):
    other = given_member(db, world.programme)
    world.receiver.answers(500, 200)
    world.publish(1, 2, 3)
    world.publish(4, member_id=other)
    now = clock.now()

    with clock.stopped(now):
        world.run()
        world.run(other)  # a receiver that has just failed is left alone for a moment
    assert (world.receiver.numbers, world.states(other)) == ([1], [(4, WAITING, 0)])
    with clock.stopped(now + 5 * SECOND):
        world.run(other)
        world.run()

    assert world.receiver.numbers == [1, 4, 1, 2, 3]
    assert world.states() == [(1, DELIVERED, 2), (2, DELIVERED, 1), (3, DELIVERED, 1)]


def test_two_workers_at_once_deliver_each_event_once_and_in_order(world):
    world.receiver.answers({"status": 200, "slow_s": 0.05})
    world.publish(*range(6))

    assert at_once(4, lambda n: world.run()) == [None] * 4
    jobs.drain(world.config.database_url)

    assert world.receiver.numbers == list(range(6))
    assert [row.number for row in tries()] == [1] * 6


def test_an_event_that_comes_while_another_is_on_its_way_is_not_left_behind(world):
    world.receiver.before = lambda got: world.publish(2) if got.event["data"]["n"] == 1 else None
    world.publish(1)

    jobs.drain(world.config.database_url)

    assert world.receiver.numbers == [1, 2]
    assert count("outbox") == 0


def test_an_event_that_comes_while_the_end_of_a_try_is_written_is_seen(world):
    world.publish(1)
    lane = world.config, world.member_id, world.endpoint.endpoint_id
    with database.begin() as session:
        noted = deliveries.note_try(session, *lane, clock.now())
    assert noted is not None

    with ThreadPoolExecutor(1) as pool:
        with database.begin() as session:
            deliveries.record(session, *lane, noted, sending.Outcome(200, None, 1), clock.now())
            world.publish(2)
            second = pool.submit(world.run)
            with pytest.raises(TimeoutError):
                second.result(0.3)
        second.result(20)

    assert world.receiver.numbers == [2]


def test_a_worker_that_dies_loses_nothing_and_one_that_was_thought_dead_changes_nothing(world):
    world.publish(1)
    lane = world.config, world.member_id, world.endpoint.endpoint_id
    with database.begin() as session:
        session.execute(text("delete from outbox"))  # as if a worker had just been given it
        noted = deliveries.note_try(session, *lane, clock.now())
    assert noted is not None
    assert count("outbox") == 1

    world.run()
    assert world.receiver.got == []  # somebody may be sending it
    with clock.stopped(clock.now() + deliveries.LONGEST_TRY):
        jobs.drain(world.config.database_url)
    with database.begin() as session:
        for _ in range(2):
            deliveries.record(session, *lane, noted, sending.Outcome(500, "late", 1), clock.now())

    assert world.receiver.numbers == [1]
    assert world.states() == [(1, DELIVERED, 2)]
    assert [(row.number, row.error) for row in tries()] == [(2, None)]


def test_what_came_of_a_try_is_recorded_once_even_if_the_commits_answer_was_lost(world):
    world.publish(1)
    lane = world.config, world.member_id, world.endpoint.endpoint_id
    with database.begin() as session:
        noted = deliveries.note_try(session, *lane, clock.now())
    assert noted is not None

    for _ in range(2):
        with database.begin() as session:
            deliveries.record(session, *lane, noted, sending.Outcome(500, "no", 1), clock.now())

    assert world.states() == [(1, WAITING, 1)]
    assert len(tries()) == 1


def test_a_receiver_that_is_gone_is_paused_and_what_waits_is_sent_when_it_goes_on(world):
    world.receiver.answers(410, 200)
    world.publish(1)
    jobs.drain(world.config.database_url)
    world.publish(2)
    jobs.drain(world.config.database_url)
    paused = world.now()

    assert (paused.state, paused.reason) == (PAUSED, "the receiver answered 410: it wants no more events")
    assert audited("webhook.paused") == [{"reason": paused.reason}]
    assert world.receiver.numbers == [1]
    with database.begin() as session:
        endpoints.resume(session, STAFF, session.merge(paused), clock.now())
    jobs.drain(world.config.database_url)

    assert world.receiver.numbers == [1, 1, 2]
    assert count("outbox") == 0


def test_a_receiver_that_fails_for_five_days_is_paused_once_and_staff_see_why(world, db):
    others = [given_member(db, world.programme) for _ in range(3)]
    world.receiver.answers(503)
    began = clock.now()
    with clock.stopped(began):
        world.publish(1)
        world.run()
    with clock.stopped(began + endpoints.FAILS_FOR - SECOND):
        world.publish(2, member_id=others[0])
        world.run(others[0])
        assert world.now().state == "live"
    with clock.stopped(began + endpoints.FAILS_FOR + 400 * SECOND):
        for member_id in others[1:]:
            world.publish(3, member_id=member_id)
        at_once(2, lambda n: world.run(others[1 + n]))

    assert world.now().state == PAUSED
    assert world.now().reason == f"nothing has got through since {began:%Y-%m-%d %H:%M} UTC"
    assert len(audited("webhook.paused")) == 1


def test_while_a_secret_is_rotated_both_sign_and_after_a_day_the_new_one_alone(world):
    with database.begin() as session:
        row = session.merge(world.now())
        _, fresh = endpoints.rotate(session, world.config.seal_key, STAFF, row, clock.now())
    world.publish(1)
    world.run()
    world.publish(2)
    with clock.stopped(clock.now() + endpoints.OVERLAP + SECOND):
        world.run()

    both, one = world.receiver.got
    assert (both.signed_with(fresh), both.signed_with(world.secret)) == (True, True)
    assert (one.signed_with(fresh), one.signed_with(world.secret)) == (True, False)


def test_a_secret_is_nowhere_in_clear_even_if_the_receiver_repeats_it(world):
    bare = world.secret.removeprefix("whsec_")
    world.receiver.answers({"status": 400, "body": f"key {bare} or {world.secret} is wrong"})
    world.publish(1)

    with capture_logs() as logs:
        world.run()

    assert logs
    assert bare not in repr(logs)
    assert world.receiver.url not in repr(logs)
    assert tries()[0].error == "status 400: key *** or *** is wrong"
    with database.begin() as session:
        tables = session.scalars(text("select tablename from pg_tables where schemaname = 'public'")).all()
        for table in tables:
            found = session.scalars(text(f"select t::text from {table} t")).all()
            assert not [row for row in found if bare in row], table
