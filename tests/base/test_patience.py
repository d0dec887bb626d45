"""Long work tries its transactions again for what passes, gives up in the end, and never for what stays wrong."""

import pytest
from sqlalchemy import exc

from base import patience
from base.database import NotConnected, StillRunning
from base.patience import GONE_TRIES, TRIES, patiently


@pytest.fixture
def slept(db, monkeypatch):
    """How long was waited, without waiting."""
    found = []
    monkeypatch.setattr(patience.time, "sleep", found.append)
    return found


def failing(times, problem):
    calls = []

    def deed(session, answer):
        calls.append(session)
        if len(calls) <= times:
            raise problem
        return answer

    return deed, calls


@pytest.mark.parametrize(
    "problem", [StillRunning(), NotConnected(), exc.IntegrityError("insert", {}, ValueError())]
)
def test_what_passes_is_tried_again_in_a_fresh_transaction(slept, problem):
    deed, calls = failing(2, problem)

    assert patiently(deed, "done") == "done"
    assert (len(calls), len(set(map(id, calls))), len(slept)) == (3, 3, 2)
    assert slept == sorted(slept)


@pytest.mark.parametrize(("problem", "tries"), [(StillRunning(), TRIES), (NotConnected(), GONE_TRIES)])
def test_in_the_end_it_is_raised(slept, problem, tries):
    deed, calls = failing(99, problem)

    with pytest.raises(type(problem)):
        patiently(deed, "done")

    assert len(calls) == tries


def test_a_gone_database_is_waited_for_about_as_long_as_a_restart_takes(slept):
    with pytest.raises(NotConnected):
        patiently(failing(99, NotConnected())[0], "done")

    assert 45 < sum(slept) < 90


def test_what_stays_wrong_is_not_tried_again(slept):
    deed, calls = failing(99, ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        patiently(deed, "done")

    assert (len(calls), slept) == (1, [])
