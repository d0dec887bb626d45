"""A test that cannot fail proves nothing: with one protection of the shell taken out, the races must turn red.

The protections are taken out of the statements as they are sent, here in the test; the product has no such switch.
Two of them stand behind each other: without the first the database's own key refuses, without both points are made.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from app.wiring import wire
from base import database
from points import deeds, ledger, records, verify
from points.kinds import Kind, State
from tests.owner import forget_everything, owner
from tests.points.races import (
    SCENES,
    THREADS,
    names,
    tried,
    tried_in_batch,
    wrong_with_a_storm,
    wrong_with_pairs,
    wrong_with_the_last_points,
)
from tests.points.test_ledger import ask, given_wallet

COMPARE_AND_SET = {
    "where member_id = %s and seq = %s and state = %s and stopped = %s returning": "where member_id = %s and %s::int8 is not null and %s::int8 is not null and %s::bool is not null returning",
    "where w.member_id = t.member_id and w.seq = t.was and w.state = t.state": "where w.member_id = t.member_id",
}  # fmt: skip
LOOK_UP = {
    "p.member_id = w.member_id and p.idem = %s": "p.member_id = w.member_id and p.idem = %s and false",
    "where member_id = %s and idem = %s": "where member_id = %s and idem = %s and false",
    "on p.member_id = k.m and p.idem = k.i ": "on p.member_id = k.m and p.idem = k.i and false ",
}
SOME = [("earn", "redeem"), ("redeem", "redeem"), ("redeem", "hold"), ("adjust down", "adjust down")]
NO_STATE = {
    "and seq = %s and state = %s and stopped": "and seq = %s and %s::int8 is not null and stopped",
    "and w.seq = t.was and w.state = t.state": "and w.seq = t.was",
}
NO_STOPPED = {
    "and state = %s and stopped = %s returning": "and state = %s and %s::bool is not null returning"
}


@contextmanager
def without(monkeypatch: pytest.MonkeyPatch, protection: dict[str, str]) -> Iterator[None]:
    """The ledger's statements as they would be without it; all of them must have been met in the code."""
    true, met = ledger._ask, set[str]()

    def ask(connection, statement, values):
        for there, gone in protection.items():
            if there in statement:
                met.add(there)
                statement = statement.replace(there, gone)
        return true(connection, statement, values)

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "_ask", ask)
        yield
    assert met, "the statements have changed: write this protection down anew"


@pytest.fixture
def wild(db):
    """As many connections as threads; what is broken here is forgotten before the books are looked at."""
    wire(db, pool_size=THREADS)
    yield db
    forget_everything(db)


@pytest.fixture
def keyless(wild):
    """The table of postings without its two keys."""
    with owner(wild) as connection:
        found = connection.execute(
            text("select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 'posting'::regclass and contype in ('p', 'u')")
        ).all()  # fmt: skip
        for name, _ in found:
            connection.execute(text(f"alter table posting drop constraint {name}"))
    yield wild
    forget_everything(wild)
    with owner(wild) as connection:
        for name, definition in found:
            connection.execute(text(f"alter table posting add constraint {name} {definition}"))
    assert len(found) == 2


def broken_books() -> set[str]:
    with database.begin() as session:
        return {finding.rule for finding in verify.findings(session)}


def test_without_the_compare_and_set_the_races_are_red_and_the_key_of_the_table_holds(wild, monkeypatch):
    with without(monkeypatch, COMPARE_AND_SET):
        last_points = wrong_with_the_last_points(requests=200, points=1_000, price=100)
        pairs = wrong_with_pairs(tried, tried, SCENES["nothing is held"], SOME)

    assert "UniqueViolation" in str(last_points)
    assert {" + ".join(pair) for pair in SOME} == pairs.keys()
    assert broken_books() == set()


def test_without_the_compare_and_set_and_the_key_of_the_table_points_are_spent_twice(keyless, monkeypatch):
    with without(monkeypatch, COMPARE_AND_SET):
        pairs = wrong_with_pairs(tried_in_batch, tried, SCENES["nothing is held"], SOME)

    assert {" + ".join(pair) for pair in SOME} == pairs.keys()
    assert "gapless" in broken_books()


def test_without_the_look_up_of_the_key_the_storm_is_red_and_the_unique_index_holds(wild, monkeypatch):
    with without(monkeypatch, LOOK_UP):
        storm = wrong_with_a_storm(keys=5, times=4)

    assert "UniqueViolation" in str(storm)
    assert broken_books() == set()


def test_without_the_look_up_and_the_unique_index_one_key_is_done_many_times(keyless, monkeypatch):
    with without(monkeypatch, LOOK_UP):
        storm = wrong_with_a_storm(keys=5, times=4)

    assert "20 said they were first, 20 postings" in storm


def test_without_the_state_in_the_compare_and_set_a_line_that_is_just_frozen_spends(db, monkeypatch):
    real = deeds.run

    def frozen_meanwhile(wallet, *asked):
        if wallet.state is State.OPEN:
            with database.begin() as other:
                ledger.set_state(other, wallet.member_id, State.FROZEN)
        return real(wallet, *asked)

    spends = [ask(given_wallet(100), "spend", Kind.REDEEM, 10) for _ in range(2)]
    monkeypatch.setattr(deeds, "run", frozen_meanwhile)

    with_it = tried(spends[0])
    with without(monkeypatch, NO_STATE):
        without_it = tried(spends[1])

    assert (names([with_it]), names([without_it])) == ({"MemberFrozen": 1}, {"Answer": 1})


def test_without_the_freeze_in_the_compare_and_set_points_that_are_just_frozen_are_spent(wild, monkeypatch):
    real = deeds.run

    def frozen_meanwhile(wallet, *asked):
        if not wallet.stopped:
            with database.begin() as other:
                ledger.set_stopped(other, wallet.member_id, stopped=True)
        return real(wallet, *asked)

    spends = [ask(given_wallet(100), "spend", Kind.REDEEM, 10) for _ in range(2)]
    monkeypatch.setattr(deeds, "run", frozen_meanwhile)

    with_it = tried(spends[0])
    with without(monkeypatch, NO_STOPPED):
        without_it = tried(spends[1])

    assert (names([with_it]), names([without_it])) == ({"PointsFrozen": 1}, {"Answer": 1})


def test_one_key_looked_up_before_the_lock_is_answered_as_one_that_was_never_sent(wild, monkeypatch):
    """The trap: the third try waits for the row, and must look the key up in a statement after that."""
    real = ledger._read_with_key

    def key_first(connection, request, *, lock):
        if not lock:
            return real(connection, request, lock=False)
        rows = ledger._ask(connection, ledger._BY_KEY, (request.member_id, request.idem)).fetchall()
        wallet, _ = real(connection, request, lock=True)
        return wallet, tuple(records.posting_of(row) for row in rows)

    monkeypatch.setattr(ledger, "OPTIMISTIC_TRIES", 0)
    assert wrong_with_a_storm(keys=20, times=8) == []
    monkeypatch.setattr(ledger, "_read_with_key", key_first)

    assert "UniqueViolation" in str(wrong_with_a_storm(keys=20, times=8))
