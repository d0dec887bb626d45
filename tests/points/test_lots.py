"""Lots: whatever is taken, given and returned, the counters stay true and the soonest-lapsing points go first."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from points import lots
from points.lots import Calendar, Extension, Interval, Lots
from tests.sparse import examples

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


# Extensions

NOW = datetime(2026, 6, 15, tzinfo=UTC)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    found = []
    for lot_class in draw(st.lists(st.integers(0, 3), max_size=4)):
        first = draw(days)
        last = first + timedelta(days=draw(st.integers(0, 200)))
        if draw(st.booleans()):
            first = last = lots.NO_END
        later = draw(st.integers(1, 300))
        until = (TODAY if last == lots.NO_END else last) + timedelta(days=later)
        found.append(Extension(lot_class, first, last, until, NOW))
    return tuple(found)


few_keys = st.builds(lots.key, st.one_of(days, st.just(lots.NO_END)), st.integers(0, 3))


@st.composite
def few_pots(draw: st.DrawFn, most: int = 20) -> Lots:
    chosen = sorted(draw(st.sets(few_keys, max_size=most)))
    left = [draw(st.integers(0, 100)) for _ in chosen]
    return Lots(tuple(chosen), tuple(n + 5 for n in left), (5,) * len(chosen))


@given(few_keys, calendars())
def test_an_extension_only_lengthens_but_for_points_without_an_end(key, calendar):
    until = lots.lasting(key, calendar)

    assert lots.lot_class(until) == lots.lot_class(key)
    if lots.last_day(key) == lots.NO_END:
        assert until <= key
    else:
        assert until >= key
    assert lots.lasting(key, calendar[::-1]) == until
    assert lots.lasting(key, ()) == key


def test_of_two_extensions_the_latest_day_wins_and_a_day_that_was_not_named_is_left_alone():
    def of(first: int, last: int, to: int) -> Extension:
        return Extension(1, TODAY + timedelta(first), TODAY + timedelta(last), TODAY + timedelta(to), NOW)

    calendar = (of(0, 30, 90), of(10, 60, 70), of(20, 20, 25))
    lasting = [
        (lots.last_day(lots.lasting(lots.key(TODAY + timedelta(n), 1), calendar)) - TODAY).days
        for n in (-1, 0, 10, 20, 30, 31, 60, 61)
    ]

    assert lasting == [-1, 90, 90, 90, 90, 70, 70, 61]
    assert lots.lasting(lots.key(TODAY, 2), calendar) == lots.key(TODAY, 2)


@given(few_pots(), st.integers(1, 3000), days, calendars())
def test_extended_lots_are_taken_in_the_order_of_their_real_last_days(pot, points, on, calendar):
    after, taken = lots.take(pot, points, on, calendar)
    before, now = left_by_key(pot), left_by_key(after)
    order = {key: (lots.lasting(key, calendar), key) for key in pot.keys}
    floor = lots.first_live(on)

    assert lots.well_formed(after)
    assert sum(i.count for i in taken) == min(points, lots.live(pot, on, calendar))
    assert [order[i.key] for i in taken] == sorted(order[i.key] for i in taken)
    assert all(order[i.key][0] >= floor for i in taken)
    last = max((order[i.key] for i in taken), default=(0, 0))
    assert all(now[k] == 0 for k in now if order[k][0] >= floor and order[k] < last)
    assert sum(before.values()) - sum(now.values()) == sum(i.count for i in taken)


@given(few_pots(), days, calendars())
def test_what_lapses_under_extensions_is_all_that_is_not_live(pot, on, calendar):
    after, lapsed = lots.take_lapsed(pot, on, calendar)

    assert sum(left_by_key(after).values()) == lots.live(pot, on, calendar) == lots.live(after, on, calendar)
    assert sum(i.count for i in lapsed) == sum(left_by_key(pot).values()) - lots.live(pot, on, calendar)
    assert all(lots.lasting(i.key, calendar) < lots.first_live(on) for i in lapsed)


@given(few_pots(), few_keys, days, calendars())
def test_points_land_where_they_live_as_long_and_no_lot_of_the_past_is_opened(pot, key, on, calendar):
    pot = lots.without_past(pot, on)
    landed = lots.landing(key, on, calendar=calendar, there=pot.keys)
    until, floor = lots.lasting(key, calendar), lots.first_live(on)

    assert lots.lot_class(landed) == lots.lot_class(key)
    assert landed in pot.keys or landed >= floor
    if until >= floor:
        assert lots.lasting(landed, calendar) >= until
    else:
        assert lots.last_day(landed) == on + timedelta(days=lots.GRACE_DAYS)


# A wallet that is nearly full


@settings(max_examples=examples(300))
@given(st.lists(st.tuples(few_keys, st.integers(1, 50)), min_size=40, max_size=160), calendars())
def test_as_room_gets_short_points_live_longer_never_shorter_and_none_is_lost(gives, calendar):
    pot, refused = Lots(), 0
    for key, count in gives:
        room = lots.with_room(pot, key, calendar)
        if room is None:
            refused += count
            until = lots.lasting(key, calendar)
            fitting = [k for k in pot.keys if lots.lot_class(k) == lots.lot_class(key)]
            assert len(pot.keys) == lots.MOST_LOTS
            assert all(lots.lasting(k, calendar) < until for k in fitting)
            continue
        assert lots.lasting(room, calendar) >= lots.lasting(key, calendar)
        assert lots.lot_class(room) == lots.lot_class(key)
        if len(pot.keys) < lots.QUARTERS_FROM or key in pot.keys:
            assert room == key
        pot, _ = lots.give(pot, room, count)
        assert lots.well_formed(pot)

    assert sum(left_by_key(pot).values()) + refused == sum(count for _, count in gives)


@pytest.mark.parametrize(
    ("there", "wanted", "opened"),
    [
        (55, date(2026, 5, 10), date(2026, 5, 10)),
        (56, date(2026, 5, 10), date(2026, 6, 30)),
        (56, date(2026, 6, 30), date(2026, 6, 30)),
        (59, date(2026, 12, 1), date(2026, 12, 31)),
        (60, date(2026, 5, 10), date(2026, 12, 31)),
        (63, date(2027, 1, 1), date(2027, 12, 31)),
        (63, lots.NO_END, lots.NO_END),
        (63, date(2149, 5, 1), lots.NO_END),
        (64, date(2026, 5, 10), None),
    ],
)
def test_a_new_lot_is_rounded_up_to_the_quarter_and_then_to_the_year(there, wanted, opened):
    pot = Lots(tuple(range(1, there + 1)), (1,) * there, (0,) * there)

    room = lots.with_room(pot, lots.key(wanted, 7))

    assert (room and lots.last_day(room)) == opened


def test_a_full_wallet_prefers_the_quarter_it_has_then_the_year_then_the_next_later_lot():
    wanted = lots.key(date(2026, 5, 10), 7)
    ends = [lots.key(day, 7) for day in (date(2026, 6, 30), date(2026, 12, 31), date(2027, 8, 31))]

    def room(*there: int) -> int | None:
        keys = tuple(range(1, lots.MOST_LOTS - len(there) + 1)) + there
        return lots.with_room(Lots(keys, (1,) * lots.MOST_LOTS, (0,) * lots.MOST_LOTS), wanted)

    assert [room(*ends), room(*ends[1:]), room(*ends[2:]), room()] == [*ends, None]
