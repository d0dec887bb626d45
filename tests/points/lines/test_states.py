"""The state of a line follows from its events alone, in whatever order they came."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points.kinds import State
from points.lines import states, words
from points.lines.states import REPORTED, WALLET_OF, Line, LineState, Membership

JOINED = date(2026, 1, 1)
TODAY = date(2026, 12, 1)


@dataclass(frozen=True)
class Event:
    """What the state depends on."""

    nth: int
    since: date
    state: str
    reason: str = "unpaid"
    clearing_day: date | None = None


def membership(*, left_on=None, wallet=State.OPEN, from_day=JOINED) -> Membership:
    return Membership(JOINED, left_on, wallet, from_day)


def day(number: int) -> date:
    return JOINED + timedelta(days=number)


def line(*events, on=TODAY, **more) -> Line:
    return states.line(events, membership(**more), on)


def told(number: int, state: LineState, nth: int = 1) -> Event:
    return Event(nth, day(number), state)


GOING_ON = [state for state in REPORTED if state is not LineState.CANCELLED]


@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.sampled_from(GOING_ON)), unique_by=lambda pair: pair[0], min_size=1
    ),
    st.randoms(use_true_random=False),
)
def test_events_give_the_same_line_in_whatever_order_they_arrive(history, random):
    in_order = [told(number, state, nth) for nth, (number, state) in enumerate(sorted(history), 1)]
    shuffled = sorted(history)
    random.shuffle(shuffled)
    as_they_came = [told(number, state, nth) for nth, (number, state) in enumerate(shuffled, 1)]

    first, second = line(*in_order), line(*as_they_came)

    assert first == second
    assert first.state == max(history)[1]


def test_of_one_day_the_last_to_arrive_holds():
    assert line(told(5, LineState.SUSPENDED, 1), told(5, LineState.ACTIVE, 2)).state is LineState.ACTIVE
    assert line(told(5, LineState.ACTIVE, 1), told(5, LineState.SUSPENDED, 2)).state is LineState.SUSPENDED


def test_a_second_word_on_the_same_state_does_not_begin_it_anew():
    found = line(
        told(3, LineState.ACTIVE, 1),
        told(5, LineState.SUSPENDED, 2),
        Event(3, day(9), LineState.SUSPENDED, "lost"),
    )

    assert (found.since, found.reason) == (day(5), "lost")


@pytest.mark.parametrize(
    ("on", "state"), [(day(89), LineState.NEW), (day(90), LineState.ACTIVE), (day(400), LineState.ACTIVE)]
)
def test_a_line_is_new_by_date_and_nothing_has_to_be_rewritten_when_it_no_longer_is(on, state):
    found = line(from_day=day(90), on=on)

    assert found.state is state
    assert found.from_day == (day(90) if state is LineState.NEW else None)


def test_who_joined_again_is_as_new_until_the_same_day_and_then_active():
    first = told(0, LineState.REJOINED)

    assert line(first, from_day=day(90), on=day(10)).state is LineState.REJOINED
    assert line(first, from_day=day(90), on=day(90)).state is LineState.ACTIVE


def test_a_new_line_that_is_suspended_is_suspended():
    assert line(told(2, LineState.SUSPENDED), from_day=day(90), on=day(3)).state is LineState.SUSPENDED


@pytest.mark.parametrize("wallet", [State.FROZEN, State.CLOSED, State.NEW])
def test_of_two_opinions_the_stricter_one_holds(wallet):
    found = line(told(2, LineState.ACTIVE), wallet=wallet, from_day=day(90))

    assert WALLET_OF[found.state] is not State.OPEN or found.from_day == day(90)


@pytest.mark.parametrize("state", [LineState.SUSPENDED, LineState.PRE_CANCELLED, LineState.TRANSFER])
def test_an_open_wallet_does_not_make_a_barred_line_active(state):
    assert line(told(2, state), wallet=State.OPEN).state is state


def test_who_has_left_is_cancelled_since_that_day_whatever_else_was_told():
    found = line(told(9, LineState.ACTIVE), left_on=day(5))

    assert (found.state, found.since) == (LineState.CANCELLED, day(5))


@pytest.mark.parametrize("state", LineState)
def test_each_state_is_told_in_both_languages_with_day_reason_and_what_ends_it(state):
    found = Line(state, day(4), "unpaid", clearing_day=day(60) if state is LineState.CANCELLED else None)

    said = words.explained(found)

    assert set(said) == {"zh-CN", "en"}
    assert str(day(4)) in said["en"]
    assert "unpaid bill" in said["en"]
    assert "欠费" in said["zh-CN"]
    if state is not LineState.ACTIVE and state not in (LineState.NEW, LineState.REJOINED):
        assert words.ends(found)
