"""Messages counted by day: a day that is over is kept, counted again until it is settled, and the report tells the same."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from base import clock, database
from base.notices import counting, notices

ZONE = "Asia/Shanghai"
TODAY = clock.day(clock.now(), ZONE) + timedelta(days=10)  # the texts are in force by then
NOON, DAY = clock.start_of(TODAY, ZONE) + timedelta(hours=12), TODAY - timedelta(days=1)
BECAME = "update notice set state = :state, reason = 'cap' where at < :at"


def given_messages(db, count, at):
    with clock.stopped(at), database.begin() as session:
        for _ in range(count):
            notices.send(session, db, 7, "13900004711", "gift-returned", {"points": 5}, zone=ZONE)


def become(state):
    with database.begin() as session:
        session.execute(text(BECAME), {"state": state, "at": NOON})


def counted_all(at):
    with database.begin() as session:
        days = 0
        while counting.keep_one(session, ZONE, at):
            days += 1
    return days


def told(since, until):
    with database.begin() as session:
        return [tuple(row) for row in notices.by_day(session, since, until, ZONE)]


def begins(day):
    return clock.start_of(day, ZONE)


@pytest.fixture
def messages(db):
    given_messages(db, 3, NOON - timedelta(days=1))
    given_messages(db, 2, NOON)


def test_what_is_kept_and_what_is_of_today_are_told_together(messages):
    week = begins(DAY - timedelta(days=3)), begins(DAY + timedelta(days=2))
    before = told(*week)

    assert counted_all(NOON) == counting.MOST_DAYS
    assert counted_all(NOON) == 0

    assert (
        told(*week)
        == before
        == [(DAY + timedelta(days=1), "gift-returned", "written", 2), (DAY, "gift-returned", "written", 3)]
    )
    assert told(NOON - timedelta(days=1, hours=1), begins(DAY + timedelta(days=1))) == [
        (DAY, "gift-returned", "written", 3)
    ]


def test_a_day_is_counted_again_by_the_hour_until_it_is_settled(messages):
    counted_all(NOON)
    become("suppressed")
    yesterday = begins(DAY), begins(DAY + timedelta(days=1))

    assert told(*yesterday) == [(DAY, "gift-returned", "written", 3)]
    later = counted_all(NOON + timedelta(hours=1))
    assert told(*yesterday) == [(DAY, "gift-returned", "suppressed", 3)]
    assert later == 3  # those of the last four days that are over

    assert counted_all(NOON + timedelta(days=5)) == 5 + 3  # five fresh days, three that were not settled
    become("failed")
    assert counted_all(NOON + timedelta(days=7)) > 0
    assert told(*yesterday) == [(DAY, "gift-returned", "suppressed", 3)]


def test_days_that_are_not_known_are_asked_for_together():
    days = [DAY + timedelta(days=n) for n in range(6)]

    assert list(counting.spans(days[0], days[5], {days[2], days[5]})) == [
        (days[0], days[2]),
        (days[3], days[5]),
    ]
