"""Notices ahead of lapsing points: the right stage, once for each wallet, last day and stage, whatever days are missed."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import exc, text

from base import clock, database
from base.database import StillRunning
from base.notices import notices
from points import lots
from points.kinds import Kind
from points.members import members, numbers
from points.notices import ahead
from points.notices.ahead import stage_of
from tests.given import given_extension, given_member, given_points, given_programme
from tests.points.notices.test_debits import post

TODAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)


@pytest.fixture
def programme(db):
    with clock.stopped(NOON - timedelta(days=1)):
        return given_programme()


@pytest.fixture(autouse=True)
def _at_noon():
    with clock.stopped(NOON):
        yield


def days(number):
    return timedelta(days=number)


def walk(config, programme, on=TODAY):
    """A whole walk as of a day, at its noon; what it did."""
    at = NOON + (on - TODAY)
    with clock.stopped(at):
        with database.begin() as session:
            where = ahead.window(session, programme, on, at)
            place = ahead.begin(session, programme, where, on, at)
        total = ahead.Step()
        while place is not None:
            with database.begin() as session:
                did, _, place = ahead.step(session, config, programme, where, place, on, at, lambda p: p)
            total += did
    return total


def told(member_id):
    with database.begin() as session:
        rows = session.execute(
            text(
                "select last_day, stage, points from expiry_notice where member_id = :m order by at, last_day"
            ),
            {"m": member_id},
        )
        return [tuple(row) for row in rows]


@given(st.integers(-5, 200))
def test_the_stage_is_the_nearest_that_the_days_have_come_to(left):
    stage = stage_of(left)

    if 0 <= left <= 90:
        assert stage in (7, 30, 90)
        assert stage >= left
        assert not [other for other in (7, 30, 90) if left <= other < stage]
    else:
        assert stage is None


def test_a_lot_is_told_at_90_30_and_7_days_and_on_no_other_day(db, programme):
    member_id = given_member(db, programme)
    last = TODAY + days(95)
    given_points(member_id, 120, last_day=last)

    written = {day: walk(db, programme, TODAY + days(day)).written for day in range(0, 97)}

    assert {day for day, count in written.items() if count} == {5, 65, 88}
    assert told(member_id) == [(last, 90, 120), (last, 30, 120), (last, 7, 120)]


def test_days_without_a_run_lose_nothing_and_the_same_day_twice_tells_nothing_twice(db, programme):
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=TODAY + days(20))

    first, second = walk(db, programme), walk(db, programme)
    late = walk(db, programme, TODAY + days(18))

    assert (first.written, second.written, late.written) == (1, 0, 1)
    assert [stage for _, stage, _ in told(member_id)] == [30, 7]


def test_the_message_says_how_many_until_when_what_they_are_worth_and_how_to_spend_them(db, programme):
    member_id = given_member(db, programme, phone="13900001234")
    given_points(member_id, 150, last_day=TODAY + days(30))

    walk(db, programme)

    with database.begin() as session:
        (message,) = notices.latest(session, db.seal_key)
    assert message.receiver == "13900001234"
    assert "您有 150 积分将于 2026年4月9日 到期（还有 30 天），约值话费 1.50 元" in message.text
    assert "150 of your points can be used until 2026-04-09, 30 days from now" in message.text
    assert "worth about 1.50. Use them on your points page or in a shop" in message.text
    assert re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]$", message.text)


def test_lots_of_two_classes_with_one_last_day_are_one_notice_and_two_days_are_two(db, programme):
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=TODAY + days(20))
    given_points(member_id, 5, last_day=TODAY + days(20))
    given_points(member_id, 7, last_day=TODAY + days(21))

    assert walk(db, programme).written == 2

    assert [(d, p) for d, _, p in told(member_id)] == [(TODAY + days(20), 15), (TODAY + days(21), 7)]


def test_spent_points_suspended_and_ended_lines_other_programmes_and_those_without_number_are_left_out(
    db, programme
):
    spent, frozen, closed, silent = (given_member(db, programme) for _ in range(4))
    elsewhere = given_member(db, given_programme("mzone"))
    for member_id in (spent, frozen, closed, silent, elsewhere):
        given_points(member_id, 10, last_day=TODAY + days(6))
    post(spent, Kind.REDEEM, 10)
    with database.begin() as session:
        members.suspend(session, frozen)
        members.leave(session, closed, TODAY)
        numbers.leave(session, silent, clock.now())

    assert walk(db, programme).written == 0

    with database.begin() as session:
        members.resume(session, programme, frozen, NOON)
    assert walk(db, programme).written == 1


def test_an_extension_moves_the_notice_to_the_later_day(db, programme):
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=TODAY + days(20))
    given_extension(
        programme, TODAY + days(20), TODAY + days(20), TODAY + days(60), when=NOON - timedelta(hours=1)
    )

    walk(db, programme)

    assert told(member_id) == [(TODAY + days(60), 90, 10)]


def test_a_walk_that_was_broken_off_goes_on_where_it_stopped(db, programme, monkeypatch):
    monkeypatch.setattr("points.expiry.STEP", 2)
    everybody = [given_member(db, programme) for _ in range(5)]
    for member_id in everybody:
        given_points(member_id, 10, last_day=TODAY + days(6))
    with database.begin() as session:
        where = ahead.window(session, programme, TODAY, NOON)
        place = ahead.begin(session, programme, where, TODAY, NOON)
    with database.begin() as session:
        first, _, _ = ahead.step(session, db, programme, where, place, TODAY, NOON, lambda p: p)

    rest = walk(db, programme)

    assert (first.written, rest.written, rest.looked_at) == (2, 3, 3)
    with database.begin() as session:
        row = session.execute(text("select looked_at, written, ended_at from notice_walk")).one()
    assert (row.looked_at, row.written, row.ended_at) == (5, 5, NOON)


def test_a_third_day_of_lapsing_points_is_held_back_by_the_cap_and_kept_with_the_reason(db, programme):
    member_id = given_member(db, programme)
    for day in (4, 5, 6):
        given_points(member_id, 10, last_day=TODAY + days(day))

    did = walk(db, programme)

    assert (did.written, did.suppressed) == (3, 1)
    with database.begin() as session:
        kept = session.execute(text("select state, reason from notice order by notice_id")).all()
    assert [tuple(row) for row in kept] == [("written", None)] * 2 + [("suppressed", "2 reminders a day")]
    assert len(told(member_id)) == 3
    assert walk(db, programme).written == 0


def test_two_walks_at_once_tell_nobody_twice(db, programme):
    everybody = [given_member(db, programme) for _ in range(8)]
    for member_id in everybody:
        given_points(member_id, 10, last_day=TODAY + days(6))

    def one(_):
        try:
            return walk(db, programme).written
        except (exc.IntegrityError, StillRunning):
            return 0

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(one, range(3)))
    walk(db, programme)

    with database.begin() as session:
        counts = session.execute(text("select count(*), count(distinct member_id) from notice")).one()
    assert tuple(counts) == (8, 8)


def test_points_without_an_end_that_got_their_first_one_are_told_too(db, programme):
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=lots.NO_END)
    given_extension(programme, lots.NO_END, lots.NO_END, TODAY + days(25), when=NOON - timedelta(hours=1))

    walk(db, programme)

    assert told(member_id) == [(TODAY + days(25), 30, 10)]
