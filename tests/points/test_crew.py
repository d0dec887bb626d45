"""Worker processes: what they raise is raised, and those that die are replaced, but not for ever."""

import os
from functools import partial

import pytest

from base.database import StillRunning
from points import crew
from points.crew import WorkersLost
from points.staging import Share


def tells(share, told):
    for _ in range(3):
        told(share.number + 1)


def refuses(share, told):
    raise StillRunning(retry_after_s=share.number)


class Odd(Exception):
    """Cannot be sent to another process."""

    def __init__(self, one, two):
        super().__init__(one)


def fails_oddly(share, told):
    raise Odd(1, 2)


def dies(share, told):
    os._exit(9)


def dies_once(folder, share, told):
    marker = folder / str(share.number)
    if not marker.exists():
        marker.touch()
        os._exit(9)
    told(1)


def test_each_share_is_worked_on_and_heard(db):
    heard = []

    crew.run(tells, 2, heard.append)

    assert sorted(heard) == [1, 1, 1, 2, 2, 2]


def test_what_a_worker_raises_is_raised(db):
    with pytest.raises(StillRunning) as raised:
        crew.run(refuses, 1, print)

    assert raised.value.retry_after_s == 0


def test_what_cannot_be_sent_is_told_as_text(db):
    with pytest.raises(RuntimeError, match="Odd"):
        crew.run(fails_oddly, 1, print)


def test_a_worker_that_dies_is_replaced_and_does_its_share(db, tmp_path):
    heard = []

    crew.run(partial(dies_once, tmp_path), 2, heard.append)

    assert heard == [1, 1]
    assert Share(0, 2) != Share(1, 2)


def test_workers_that_always_die_are_given_up(db, monkeypatch):
    monkeypatch.setattr(crew, "DEATHS", 1)

    with pytest.raises(WorkersLost):
        crew.run(dies, 1, print)
