"""The long versions, run by `make long`: thousands of sequences, a minute of killed backends, a thousand changes.

Each run draws another seed and tells it; `make long SEED=...` draws the same again (the interleaving stays its own).
"""

import os
import random
import sys

import pytest

from app.wiring import wire
from tests.points.races import (
    SCENES,
    THREADS,
    tried,
    tried_in_batch,
    wrong_with_a_storm,
    wrong_with_pairs,
    wrong_with_the_last_points,
    wrong_with_the_order,
)
from tests.points.tampering import given_books, unnoticed
from tests.points.test_kills import killed_at_random
from tests.points.test_machine import Members, fails, machine, run_machine
from tests.points.test_races import gone  # noqa: F401  (a fixture)

pytestmark = [pytest.mark.torture, pytest.mark.unapproved, pytest.mark.timeout(7_200)]


@pytest.fixture
def seed():
    drawn = int(os.environ.get("SEED") or random.SystemRandom().randrange(2**32))
    sys.stdout.write(f"SEED={drawn}\n")
    return drawn


def test_five_thousand_sequences_of_anything_that_can_be_asked():
    run_machine(Members, settings=machine(5_000, 100))
    assert not fails(1)


def test_twenty_thousand_requests_while_backends_are_killed_for_a_minute(db, servers, seed):
    wire(db, pool_size=THREADS)

    done, counts = killed_at_random(servers, 60, seed, threads=8, members=60, least=20_000)

    assert counts["killed"] > 100
    assert len(done) >= 20_000
    assert wrong_with_the_order(done) == []


def test_of_ten_thousand_who_race_for_a_thousand_points_ten_get_a_hundred_ten_times(db):
    wire(db, pool_size=THREADS)

    for _ in range(10):
        assert wrong_with_the_last_points(requests=10_000, points=1_000, price=100) == []


def test_a_thousand_keys_ten_times_at_once(db):
    wire(db, pool_size=THREADS)

    assert wrong_with_a_storm(keys=1_000, times=10) == []


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("ways", [(tried, tried), (tried_in_batch, tried), (tried_in_batch, tried_in_batch)])
def test_any_two_operations_at_once_ten_times(request, scene, ways):
    request.getfixturevalue("gone")
    for _ in range(10):
        assert wrong_with_pairs(*ways, SCENES[scene]) == {}


def test_a_thousand_random_changes_are_found_and_named(db, tmp_path, seed):
    books = given_books(db, tmp_path)

    assert unnoticed(books, seed, 1_000) == []
