"""What is wrong with notices is found: planted behind the application's back, and named."""

from datetime import timedelta

import pytest
from sqlalchemy import exc, text

from app.proof import findings
from base import clock, database
from base.notices import notices, templates
from points.kinds import Kind
from tests.given import ZONE, given_member, given_points, given_programme
from tests.owner import forget_everything, owner
from tests.points.notices.test_ahead import walk
from tests.points.notices.test_debits import post


@pytest.fixture
def told(db):
    """A debit that was told, and points that were told of ahead."""
    programme = given_programme()
    member_id = given_member(db, programme, points=100)
    today = clock.day(clock.now(), ZONE)
    given_points(member_id, 5, last_day=today + timedelta(days=6))
    walk(db, programme, today)
    seq = post(member_id, Kind.REDEEM, 10)
    with database.begin() as session:
        facts = {"points": 10, "about": "x", "balance": 95}
        notices.send(session, db, member_id, "13900000001", "points-spent", facts, zone=ZONE, seq=seq)
    return member_id


def found_after(db, statement):
    with owner(db) as connection:
        assert connection.execute(text(statement)).rowcount
    with database.begin() as session:
        found = {f.rule for f in findings(session)}
    forget_everything(db)
    return found


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("update notice set seq = 1 where seq is not null", "notice posting"),  # an earning
        ("update notice set seq = 99 where seq is not null", "notice posting"),
        ("delete from notice where template = 'expiry-ahead'", "expiry notice"),
        ("delete from expiry_notice", "expiry notice"),
        ("update expiry_notice set notice_id = notice_id + 1", "expiry notice"),
        ("update notice set version = 2", "notice template"),
        ("delete from notice_template where code = 'points-spent'", "notice template"),
        ("update notice_template set from_at = now() + interval '1 day'", "notice template"),
        ("insert into notice_template values (3, now(), 'tier-up', '{}', 'x')", "notice version"),
    ],
)
def test_what_does_not_fit_is_found_and_named(told, db, change, rule):
    assert found_after(db, change) == {rule}


def test_nothing_is_found_where_nothing_is_wrong_not_even_after_a_change_of_texts(told, db):
    with database.begin() as session:
        texts = {"zh-CN": "{points}", "en": "{points}"}
        templates.change(session, "points-spent", texts, clock.now(), "test")

    with database.begin() as session:
        assert list(findings(session)) == []


@pytest.mark.parametrize(
    "change",
    [
        "update notice set state = 'read'",
        "update notice set state = 'failed', reason = null",
        "update notice set state = 'sent'",
        "update notice set due_at = at - interval '1 second'",
        "update notice set language = 'de'",
        "update expiry_notice set stage = 60",
        "insert into notice select * from notice where seq is not null",
    ],
)
def test_what_can_be_no_notice_is_refused_by_the_table_itself(told, db, change):
    with pytest.raises(exc.IntegrityError), owner(db) as connection:
        connection.execute(text(change))


def test_a_second_notice_of_one_posting_is_refused(told, db):
    facts = {"points": 10, "about": "x", "balance": 95}

    with pytest.raises(exc.IntegrityError), database.begin() as session:
        notices.send(session, db, told, "13900000001", "points-spent", facts, zone=ZONE, seq=3)
