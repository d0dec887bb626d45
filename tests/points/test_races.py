"""At once: the last points, one key, any two operations, batches against singles - as if one had come after the other."""

import random
import threading
from contextlib import suppress

import pytest
from sqlalchemy import text

from app.wiring import wire
from base import database
from base.database import StillRunning
from base.idempotency import KeyReused
from points import deeds, ledger, verify
from points.kinds import FOREVER, Kind
from points.ledger import Answer
from tests.owner import forget_everything
from tests.points.oracle import START, in_days
from tests.points.races import (
    HOUR,
    OPERATIONS,
    PAIRS,
    SCENES,
    THREADS,
    names,
    no_deadlock,
    tried,
    tried_in_batch,
    wrong_with_a_storm,
    wrong_with_pairs,
    wrong_with_the_last_points,
    wrong_with_the_order,
)
from tests.points.test_ledger import ask, at_once, given_wallet, post, post_many, rows, wallet

pytestmark = pytest.mark.unapproved


@pytest.fixture
def many(db):
    """As many connections as threads."""
    wire(db, pool_size=THREADS)


@pytest.mark.timeout(300)
def test_of_a_thousand_who_race_for_a_thousand_points_ten_get_a_hundred(many):
    assert wrong_with_the_last_points(requests=1_000, points=1_000, price=100) == []


@pytest.mark.timeout(300)
def test_a_hundred_keys_ten_times_at_once_are_a_hundred_postings_and_one_answer_each(many):
    assert wrong_with_a_storm(keys=100, times=10) == []


def test_of_two_bodies_under_one_key_at_once_one_is_done_and_the_other_refused(many):
    member_id = given_wallet(1_000)

    def both(number):
        way = tried if number % 3 else tried_in_batch
        return [way(ask(member_id, f"key {n}", Kind.REDEEM, 1 + number % 2)) for n in range(20)]

    answered = at_once(8, both)

    for n in range(20):
        first, second = ([part[n] for part in answered[side::2]] for side in (0, 1))
        kinds = sorted([set(names(first)), set(names(second))], key=str)
        assert kinds == [{"Answer"}, {KeyReused.__name__}]
    assert rows("posting", member_id) == 21


def test_every_operation_that_can_be_asked_for_is_raced():
    raced = {what["kind"] for what in OPERATIONS.values() if isinstance(what, dict)}

    elsewhere = {Kind.CLOSE_OUT, Kind.RESTORE}  # need a line that was cancelled, and an extension
    assert raced == (deeds._DEEDS.keys() | {Kind.EXPIRE}) - elsewhere
    assert len(PAIRS) == len(OPERATIONS) * (len(OPERATIONS) + 1) // 2


@pytest.fixture
def gone(db):
    """Gifts leave and arrive here without the gifts' own book: the ledger is proved, then all is forgotten."""
    yield
    with database.begin() as session:
        assert list(verify.findings(session)) == []
    forget_everything(db)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scene", SCENES)
def test_any_two_operations_at_once_come_to_one_of_the_two_serial_orders(gone, scene):
    assert wrong_with_pairs(tried, tried, SCENES[scene]) == {}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("other", [tried, tried_in_batch], ids=["single", "batch"])
def test_a_batch_and_any_other_operation_come_to_one_of_the_two_serial_orders(gone, other):
    assert wrong_with_pairs(tried_in_batch, other, SCENES["held, and one hold has run out"]) == {}


def test_batches_and_singles_at_once_come_to_what_their_order_says(many):
    members = [given_wallet(0) for _ in range(4)]
    kinds = [Kind.EARN, Kind.EARN, Kind.REDEEM, Kind.HOLD, Kind.EXPIRE, Kind.ADJUST_DOWN]

    def some(number):
        chance, done = random.Random(number), []
        for n in range(12):
            asked = [
                ask(m, f"{number}/{n}/{i}", chance.choice(kinds), chance.choice([1, 5, 30]), START + n * HOUR,
                    lot_key=in_days(chance.choice([0, 3])), ends_at=START + chance.choice([3, 9, 99]) * HOUR)
                for i, m in enumerate(chance.choices(members, k=6))
            ]  # fmt: skip
            if number % 2:
                done += zip(asked, _again(asked), strict=True)
            else:
                done += [(request, tried(request)) for request in asked]
        return done

    done = [pair for part in at_once(8, some) for pair in part]

    assert len(done) == 8 * 12 * 6
    assert wrong_with_the_order(done) == []


def _again(asked):
    """A batch, again until nobody else is in the way."""
    while True:
        try:
            return post_many(*asked)
        except StillRunning:
            continue


def test_batches_that_name_the_same_members_in_opposite_orders_never_wait_in_a_ring(many):
    members = [given_wallet(0) for _ in range(40)]

    def rounds(number):
        order = members if number % 2 else members[::-1]
        return [
            _again([ask(m, f"{number}/{n}", Kind.EARN, 1, lot_key=in_days(9)) for m in order])
            for n in range(6)
        ]

    with no_deadlock():
        answered = at_once(6, rounds)

    assert [a for a in answered if isinstance(a, Exception)] == []
    assert all(isinstance(a, Answer) for part in answered for batch in part for a in batch)
    assert {wallet(m).balance for m in members} == {36}


def test_members_whose_turn_comes_late_in_a_batch_are_locked_in_order_too(many, monkeypatch):
    """What refers to an earlier posting waits for the end of its batch; its member must not be locked out of order."""
    low, high = sorted(given_wallet(100) for _ in range(2))
    holds = {m: post(ask(m, "hold", Kind.HOLD, 10, ends_at=FOREVER)).seq for m in (low, high)}

    both_have_begun, late = threading.Barrier(2), ledger._attempt

    def wait_for_the_other(*args):
        with suppress(threading.BrokenBarrierError):  # the other cannot come while it waits for our locks
            both_have_begun.wait(0.5)
        return late(*args)

    def batch(number):
        early, last = (high, low) if number else (low, high)
        return post_many(
            ask(early, f"{number} earn", Kind.EARN, 1, lot_key=in_days(10)),
            ask(last, f"{number} sweep", Kind.EXPIRE, 0),
            ask(last, f"{number} release", Kind.RELEASE, 1, rev_of=holds[last]),
        )

    monkeypatch.setattr(ledger, "_attempt", wait_for_the_other)
    with no_deadlock():
        answered = at_once(2, batch)

    assert [names(part) if isinstance(part, list) else part for part in answered] == [{"Answer": 3}] * 2


def test_a_refusal_out_of_two_moments_is_not_given(many, monkeypatch):
    """A hold ran out; another gives it back between our look at the wallet and our look at its holds."""
    member, read = given_wallet(100), ledger._known
    post(ask(member, "hold", Kind.HOLD, 80, ends_at=START + HOUR))

    def another_is_first(connection, asked):
        monkeypatch.setattr(ledger, "_known", read)
        post(ask(member, "sweep", Kind.EXPIRE, 0, START + 2 * HOUR))
        return read(connection, asked)

    monkeypatch.setattr(ledger, "_known", another_is_first)

    assert post(ask(member, "spend", Kind.REDEEM, 90, START + 2 * HOUR)).deed.amount == 90
    assert wallet(member).balance == 10


def test_every_snapshot_that_is_taken_while_they_race_proves_itself(many):
    members, over, looks = [given_wallet(100) for _ in range(3)], threading.Event(), []

    def some(number):
        if not number:
            while not (over.is_set() and len(looks) > 5):
                looks.append(_snapshot())
            return
        chance = random.Random(number)
        for n in range(60):
            kind = chance.choice([Kind.EARN, Kind.REDEEM, Kind.HOLD])
            way = tried if number % 2 else tried_in_batch
            way(
                ask(
                    chance.choice(members),
                    f"{number}/{n}",
                    kind,
                    3,
                    lot_key=in_days(9),
                    ends_at=START + 9 * HOUR,
                )
            )
        over.set()

    assert [one for one in at_once(5, some) if one] == []

    assert [found for found, _ in looks if found] == []
    assert len({seqs for _, seqs in looks}) > 1  # they did race meanwhile


def _snapshot():
    """What `verify` finds in one snapshot, and how far the members were in it."""
    with database.begin() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        found = list(verify.findings(session))
        return found, session.scalar(text("select sum(seq) from wallet"))
