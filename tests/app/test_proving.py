"""The books are proved each hour by one worker; what breaks anew stops payouts and waits for a person."""

from datetime import timedelta

import pytest

from app import proving
from base import clock, database
from base.findings import Finding
from base.halts import halts
from base.proving import proving as proofs
from tests.given import given_member, given_programme

HOUR = timedelta(hours=1)
BROKEN = Finding("wallet", "mbr_1", "its balance is not what its postings say")


def found(*findings, at):
    """What an hour's proof came to."""
    with database.begin() as session:
        hour = proofs.begin(session, at)
        proving.record(session, hour, 7, list(findings), at)


def standing():
    with database.begin() as session:
        return [(one.action, one.reason) for one in halts.standing(session)]


def end_all(owner):
    owner.exec_driver_sql("delete from halt")


def test_of_all_workers_one_proves_an_hour_and_writes_down_what_it_proved(db):
    given_member(db, given_programme(), points=100)
    with clock.stopped(clock.now().replace(minute=10)):
        assert [proving.step(), proving.step()] == [False, False]

        with database.begin() as session:
            last = proofs.latest(session)
            assert proofs.begin(session, clock.now()) is None
    assert (last.postings, last.findings, last.found) == (1, 0, [])
    assert standing() == []


def test_what_breaks_stops_payouts_once_and_who_let_them_go_on_is_not_overruled_by_the_same(db, owner):
    at = clock.now()
    found(at=at)

    found(BROKEN, at=at + HOUR)
    first = standing()
    end_all(owner)
    found(BROKEN, at=at + 2 * HOUR)
    same = standing()
    found(BROKEN, Finding("statement", "stm_1", "its sum is another"), at=at + 3 * HOUR)

    assert first == [("payout", f"wallet: mbr_1: {BROKEN.text}")]
    assert same == []
    assert standing() == [("payout", "statement: stm_1: its sum is another")]


@pytest.mark.parametrize(("ago", "missing"), [(timedelta(hours=2), False), (timedelta(hours=4), True)])
def test_a_proof_that_does_not_come_is_missed(db, ago, missing):
    at = clock.now()
    with database.begin() as session:
        assert not proofs.is_missing(session, at)
    found(at=at - ago)

    with database.begin() as session:
        assert proofs.is_missing(session, at) is missing


def test_a_proof_that_began_and_never_ended_is_missed_too(db):
    at = clock.now()
    with database.begin() as session:
        proofs.begin(session, at - timedelta(hours=4))

    with database.begin() as session:
        assert proofs.is_missing(session, at)
