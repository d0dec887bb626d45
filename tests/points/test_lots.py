"""Lots: whatever is taken, given and returned, the counters stay true and the soonest-lapsing points go first."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points import lots
from points.lots import Interval, Lots

TODAY = date(2026, 6, 15)
days = st.integers(-400, 400).map(lambda n: TODAY + timedelta(days=n))
keys = st.builds(lots.key, days, st.integers(0, 32767))


@st.composite
def pots(draw: st.DrawFn) -> Lots:
    chosen = sorted(draw(st.sets(keys, max_size=20)))
    taken = [draw(st.integers(0, 10**6)) for _ in chosen]
    left = [draw(st.integers(0, 10**6)) for _ in chosen]
    return Lots(tuple(chosen), tuple(t + rest for t, rest in zip(taken, left, strict=True)), tuple(taken))


def left_by_key(pot: Lots) -> dict[int, int]:
    return {key: given - taken for key, given, taken in zip(*pot, strict=True)}


@given(days, st.integers(0, 32767))
def test_a_key_gives_back_its_day_and_class(day, lot_class):
    key = lots.key(day, lot_class)

    assert (lots.last_day(key), lots.lot_class(key)) == (day, lot_class)


def test_the_largest_key_still_fits_the_column():
    assert lots.key(lots.NO_END, 32767) == 2**31 - 1


@given(days, days, st.integers(0, 32767), st.integers(0, 32767))
def test_the_order_of_keys_is_the_order_of_spending(first, second, first_class, second_class):
    in_key_order = lots.key(first, first_class) < lots.key(second, second_class)

    assert in_key_order == ((first, first_class) < (second, second_class))


@given(pots(), st.integers(1, 10**8), days)
def test_taking_takes_live_points_soonest_lapsing_first_and_nothing_else(pot, points, on):
    after, taken = lots.take(pot, points, on)
    before, now = left_by_key(pot), left_by_key(after)
    spent = sum(interval.count for interval in taken)
    last = max((interval.key for interval in taken), default=0)

    assert lots.well_formed(after)
    assert spent == min(points, lots.live(pot, on))
    assert sum(before.values()) - sum(now.values()) == spent
    assert all(lots.last_day(interval.key) >= on for interval in taken)
    assert all(now[key] == 0 for key in now if lots.first_live(on) <= key < last)
    assert all(i.first == pot.taken[pot.keys.index(i.key)] for i in taken)


@given(pots(), days)
def test_what_lapses_is_all_that_is_not_live(pot, on):
    after, lapsed = lots.take_lapsed(pot, on)

    assert sum(i.count for i in lapsed) == sum(left_by_key(pot).values()) - lots.live(pot, on)
    assert sum(left_by_key(after).values()) == lots.live(pot, on) == lots.live(after, on)
    assert all(lots.last_day(interval.key) < on for interval in lapsed)


@given(pots(), keys, st.integers(1, 10**9))
def test_a_gift_opens_its_lot_in_order_and_goes_on_numbering(pot, key, count):
    after, given_now = lots.give(pot, key, count)

    assert lots.well_formed(after)
    assert left_by_key(after) == left_by_key(pot) | {key: left_by_key(pot).get(key, 0) + count}
    assert given_now == Interval(key, dict(zip(pot.keys, pot.given, strict=True)).get(key, 0), count)


@given(pots(), days)
def test_dropping_the_past_keeps_every_point_and_every_live_lot(pot, on):
    after = lots.without_past(pot, on)

    assert lots.well_formed(after)
    assert sum(left_by_key(after).values()) == sum(left_by_key(pot).values())
    assert set(pot.keys) - set(after.keys) == {
        k for k, n in left_by_key(pot).items() if lots.last_day(k) < on and not n
    }


@given(st.lists(st.tuples(keys, st.integers(0, 1000), st.integers(1, 100)), max_size=8), st.data())
def test_head_and_tail_cut_the_same_points_apart(parts, data):
    taken = tuple(Interval(*part) for part in parts)
    total = sum(interval.count for interval in taken)
    cut = data.draw(st.integers(0, total))

    head, tail = lots.head_of(taken, 0, cut), lots.tail_of(taken, 0, total - cut)

    assert numbers(head) + numbers(tail[::-1]) == numbers(taken)
    assert numbers(lots.tail_of(taken, total - cut, cut)[::-1]) == numbers(head)
    assert numbers(lots.head_of(taken, cut, total - cut)) == numbers(tail[::-1])


def numbers(intervals: tuple[Interval, ...]) -> list[tuple[int, int]]:
    """Each single point by lot and number."""
    return [(i.key, n) for i in intervals for n in range(i.first, i.first + i.count)]


@pytest.mark.parametrize(("late_by", "life"), [(0, 0), (1, 30), (400, 30)])
def test_points_for_a_lapsed_lot_live_thirty_days_more_and_keep_their_class(late_by, life):
    key = lots.key(TODAY - timedelta(days=late_by), 7)

    landed = lots.landing(key, TODAY)

    assert (lots.last_day(landed), lots.lot_class(landed)) == (TODAY + timedelta(days=life), 7)


def test_points_without_end_stay_without_end():
    key = lots.key(lots.NO_END, 1)

    assert lots.landing(key, lots.NO_END) == key


@pytest.mark.parametrize(
    "pot",
    [
        Lots((2, 1), (1, 1), (0, 0)),
        Lots((1, 1), (1, 1), (0, 0)),
        Lots((1,), (1,), (2,)),
        Lots((1,), (1,), (-1,)),
        Lots((1,), (1, 2), (0,)),
        Lots(tuple(range(65)), (1,) * 65, (0,) * 65),
    ],
)
def test_what_cannot_be_a_pot_is_seen(pot):
    assert not lots.well_formed(pot)
