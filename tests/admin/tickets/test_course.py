"""The course of a ticket, straight at the pure function: whatever is done in whatever order, the rules hold."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.tickets import course
from admin.tickets.course import (
    ANSWER,
    ANSWERED,
    ASSIGNED,
    CALLED_BACK,
    CLIMBED,
    CLOSED,
    DONE,
    HANDED,
    IN_WORK,
    MISSED,
    REACHED,
    REOPENED,
    STARTED,
    TAKEN,
    Deed,
    Standing,
)
from base.errors import Problem

MON = datetime(2026, 3, 2, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ME, OTHER = 7, 8
FRESH = course.opened(MON + 2 * DAY)


def done(*deeds: Deed, now: Standing = FRESH) -> Standing:
    for deed in deeds:
        now = course.after(now, deed)
    return now


def answered(at: datetime = MON) -> Standing:
    return done(Deed(TAKEN, MON, ME), Deed(STARTED, MON, ME), Deed(ANSWER, at, ME))


def kind(now: Standing, deed: Deed) -> str:
    with pytest.raises(Problem) as refused:
        course.after(now, deed)
    return refused.value.type_name()


def test_a_ticket_goes_from_received_to_closed_step_by_step():
    stages, now = [FRESH.stage], FRESH
    for did in (TAKEN, STARTED, ANSWER, REACHED, DONE):
        now = course.after(now, Deed(did, MON, ME))
        stages.append(now.stage)

    assert tuple(stages) == course.STAGES
    assert (now.owner_id, now.due_at, now.climbs_at) == (ME, None, None)


def test_the_first_taker_has_it_to_the_end():
    mine = done(Deed(TAKEN, MON, ME))

    assert kind(mine, Deed(TAKEN, MON, OTHER)) == "ticket-taken"
    assert kind(mine, Deed(STARTED, MON, OTHER)) == "not-your-ticket"
    assert kind(done(Deed(STARTED, MON, ME), now=mine), Deed(ANSWER, MON, OTHER)) == "not-your-ticket"
    assert kind(answered(), Deed(REACHED, MON, OTHER)) == "not-your-ticket"
    assert done(Deed(HANDED, MON, 9, owner_id=OTHER), now=mine).owner_id == OTHER


def test_the_member_is_called_within_48_hours_of_the_answer():
    assert answered(MON + HOUR).due_at == MON + HOUR + 2 * DAY


def test_two_tries_are_an_hour_apart_and_an_early_one_is_refused():
    once = done(Deed(MISSED, MON, ME), now=answered())

    assert once.stage == ANSWERED
    assert kind(once, Deed(MISSED, MON + HOUR - timedelta(seconds=1), ME)) == "call-back-too-soon"
    assert kind(once, Deed(REACHED, MON + timedelta(minutes=1), ME)) == "call-back-too-soon"
    assert done(Deed(REACHED, MON + HOUR, ME), now=once).stage == CALLED_BACK


def test_the_third_try_that_reaches_nobody_files_it_and_a_fourth_is_refused():
    tries = [Deed(MISSED, MON + n * HOUR, ME) for n in range(3)]
    filed = done(*tries, now=answered())

    assert (filed.stage, filed.tries, filed.due_at) == (CLOSED, 3, None)
    assert kind(filed, Deed(REACHED, MON + 9 * HOUR, ME)) == "call-backs-used-up"


def test_the_member_takes_it_up_again_once_within_seven_days_and_its_owner_has_it():
    until = MON + 7 * DAY
    again = done(Deed(REOPENED, until, due_at=until + DAY), now=answered())

    assert (again.stage, again.owner_id, again.due_at, again.tries) == (IN_WORK, ME, until + DAY, 0)
    assert kind(answered(), Deed(REOPENED, until + timedelta(seconds=1))) == "too-late-to-reopen"
    assert kind(done(Deed(ANSWER, until, ME), now=again), Deed(REOPENED, until)) == "reopened-before"
    assert kind(FRESH, Deed(REOPENED, MON)) == "ticket-elsewhere"


def test_what_is_overdue_climbs_each_day_up_to_headquarters_and_an_answer_brings_it_down():
    due, levels, now = MON + 2 * DAY, [], done(Deed(TAKEN, MON, ME), Deed(STARTED, MON, ME))
    assert kind(now, Deed(CLIMBED, due - HOUR)) == "not-due"
    for day in range(course.TOP):
        now = course.after(now, Deed(CLIMBED, due + day * DAY))
        levels.append(now.level)

    assert levels == [1, 2, 3, 4]
    assert kind(now, Deed(CLIMBED, due + 99 * DAY)) == "not-due"
    assert course.after(now, Deed(ANSWER, due, ME)).level == 0


deeds = st.builds(
    Deed,
    st.sampled_from([did for did in course.DEEDS if did != course.OPENED]),
    st.integers(0, 400).map(lambda hours: MON + hours * HOUR),
    st.sampled_from([ME, OTHER]),
    owner_id=st.sampled_from([ME, OTHER]),
    due_at=st.just(MON + 30 * DAY),
)


@given(st.lists(deeds, max_size=30))
def test_whatever_is_tried_a_ticket_is_owned_due_and_called_as_its_stage_says(tried):
    now, reopened = FRESH, 0
    for deed in sorted(tried, key=lambda one: one.at):
        before = now
        try:
            now = course.after(now, deed)
        except Problem:
            continue
        reopened += deed.did == REOPENED
        assert (now.due_at is None) == (now.stage in (CALLED_BACK, CLOSED))
        assert now.stage in ("received", CLOSED) or now.owner_id is not None
        assert now.tries <= course.MOST_TRIES
        assert now.level <= course.TOP
        assert reopened <= 1
        assert now.owner_id == before.owner_id or deed.did in (TAKEN, HANDED)
        assert now.stage != ASSIGNED or before.stage in ("received", ASSIGNED)
