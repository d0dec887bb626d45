"""Every case there is, as long as it is small: which points are taken, kept and returned, against points counted singly."""

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from itertools import combinations, product

import pytest

from points import lots, policies
from points.kinds import FOREVER, Kind
from points.lots import Interval, Lots
from points.models import EarnRule
from tests.points.oracle import in_days, request
from tests.points.proof import points_of
from tests.points.test_postings import Book

TODAY = date(2026, 6, 15)
DAYS = [TODAY + timedelta(days=n) for n in range(4)]
KEYS = [lots.key(DAYS[0], 1), lots.key(DAYS[0], 2), lots.key(DAYS[1], 1), lots.key(DAYS[2], 1)]
COUNTERS = [(given, taken) for given in range(4) for taken in range(given + 1)]


def pots() -> Iterator[Lots]:
    """All wallets of up to three lots, each with up to three points ever given, some of them taken."""
    for size in range(4):
        for keys in combinations(KEYS, size):
            for counters in product(COUNTERS, repeat=size):
                yield Lots(keys, tuple(g for g, _ in counters), tuple(t for _, t in counters))


def singly(pot: Lots) -> list[tuple[int, int]]:
    """Each point that is left, by lot and number, in the order of spending."""
    return [(key, n) for key, given, taken in zip(*pot, strict=True) for n in range(taken, given)]


def test_of_every_small_wallet_every_number_of_points_is_taken_as_one_would_by_hand():
    seen = 0
    for pot in pots():
        left = singly(pot)
        for day in DAYS:
            live = [point for point in left if lots.last_day(point[0]) >= day]
            assert lots.live(pot, day) == len(live)
            for points in range(len(live) + 2):
                after, taken = lots.take(pot, points, day)
                assert points_of(taken) == live[:points]
                assert singly(after) == [point for point in left if point not in live[:points]]
                assert (after.keys, after.given) == (pot.keys, pot.given)
                seen += 1

    assert seen > 50_000


def test_of_every_small_wallet_what_lapses_is_taken_whole_and_empty_past_lots_are_dropped():
    for pot, day in product(pots(), DAYS):
        left = singly(pot)
        after, lapsed = lots.take_lapsed(pot, day)
        assert points_of(lapsed) == [point for point in left if lots.last_day(point[0]) < day]
        assert singly(after) == [point for point in left if lots.last_day(point[0]) >= day]
        kept = lots.without_past(after, day)
        assert kept.keys == tuple(key for key in pot.keys if lots.last_day(key) >= day)
        assert singly(kept) == singly(after)


def test_from_a_lot_and_to_a_lot_of_every_small_wallet_goes_what_is_said():
    for pot, key, points in product(pots(), KEYS, range(5)):
        left = [point for point in singly(pot) if point[0] == key]
        after, taken = lots.take_from(pot, key, points)
        assert points_of(taken) == left[:points]
        assert singly(after) == [point for point in singly(pot) if point not in left[:points]]
        if points:
            more, given = lots.give(pot, key, points)
            assert sorted([*singly(pot), *points_of((given,))]) == singly(more)
            assert not set(points_of((given,))) & set(singly(pot))


def test_every_small_part_from_the_front_and_from_the_back():
    shapes = [counts for size in range(4) for counts in product(range(1, 4), repeat=size)]
    for counts in shapes:
        taken = tuple(Interval(KEYS[n], 5 * n, count) for n, count in enumerate(counts))
        singles = points_of(taken)
        for skip, count in product(range(len(singles) + 2), repeat=2):
            assert points_of(lots.head_of(taken, skip, count)) == singles[skip : skip + count]
            back = [point for i in lots.tail_of(taken, skip, count) for point in points_of((i,))[::-1]]
            assert back == singles[::-1][skip : skip + count]


def test_points_land_in_their_lot_while_it_lives_and_then_live_as_long_as_is_stated():
    for day, on, lot_class, grace in product(range(-3, 4), DAYS, (0, 1, 32_767), (0, 1, 30)):
        key = lots.key(TODAY + timedelta(days=day), lot_class)
        landed = lots.landing(key, on, grace)
        alive = TODAY + timedelta(days=day) >= on
        assert lots.last_day(landed) == (TODAY + timedelta(days=day) if alive else on + timedelta(days=grace))
        assert lots.lot_class(landed) == lot_class


def test_a_full_wallet_finds_room_in_the_next_later_lot_of_the_class_or_says_no(monkeypatch):
    for bound in ("QUARTERS_FROM", "YEARS_FROM", "MOST_LOTS"):
        monkeypatch.setattr(lots, bound, 2)
    for size in range(3):
        for there in combinations(KEYS, size):
            pot = Lots(there, (1,) * size, (0,) * size)
            for key in KEYS:
                later = [k for k in there if k > key and lots.lot_class(k) == lots.lot_class(key)]
                expected = key if key in there or size < 2 else min(later, default=None)
                assert lots.with_room(pot, key) == expected


# Parts


def cuts(total: int) -> Iterator[tuple[int, ...]]:
    """All ways to take parts one after the other that are together at most `total`."""
    yield ()
    for first in range(1, total + 1):
        yield from ((first, *rest) for rest in cuts(total - first))


def given_three_lots() -> Book:
    book = Book()
    for number, days in enumerate((5, 9, 20)):
        book.do(request(number, Kind.EARN, 2, lot_key=in_days(days)))
    return book


def left(book: Book) -> dict[int, int]:
    return {key: given - taken for key, given, taken in zip(*book.wallet.lots, strict=True)}


@pytest.mark.parametrize("points", range(1, 7))
def test_however_a_redemption_is_reversed_in_parts_it_is_as_if_less_had_been_redeemed(points):
    for parts in cuts(points):
        book, less = given_three_lots(), given_three_lots()
        spend = book.do(request(10, Kind.REDEEM, points)).deed
        for number, part in enumerate(parts):
            book.do(request(20 + number, Kind.REVERSE, part, rev_of=spend.seq))
        if points - sum(parts):
            less.do(request(10, Kind.REDEEM, points - sum(parts)))
        assert left(book) == left(less)


@pytest.mark.parametrize("points", range(1, 6))
def test_however_a_hold_is_captured_and_released_in_parts_it_is_as_if_less_had_been_redeemed(points):
    for parts in cuts(points):
        for kinds in product((Kind.CAPTURE, Kind.RELEASE), repeat=len(parts)):
            book, less = given_three_lots(), given_three_lots()
            hold = book.do(request(10, Kind.HOLD, points, ends_at=FOREVER)).deed
            captured = []
            for number, (kind, part) in enumerate(zip(kinds, parts, strict=True)):
                deed = book.do(request(20 + number, kind, part, rev_of=hold.seq)).deed
                captured += points_of(deed.lots) if kind is Kind.CAPTURE else []
            released = sum(part for kind, part in zip(kinds, parts, strict=True) if kind is Kind.RELEASE)
            if points - released:
                less.do(request(10, Kind.REDEEM, points - released))
            assert left(book) == left(less)
            assert book.wallet.held == points - sum(parts)
            assert captured == points_of(hold.lots)[: len(captured)]


# Rounding


@pytest.mark.parametrize(("points", "per_fen"), [(1, 1), (1, 7), (1, 100), (2, 3), (3, 7), (3, 100), (10, 7)])
def test_points_of_every_small_amount_are_the_largest_whole_number_not_above_the_exact_one(points, per_fen):
    rule = EarnRule(
        rule_id=1, programme_id=1, line_type="plan", from_day=TODAY, points=points, per_fen=per_fen
    )
    for amount in range(-2, 150):
        for waived in range(max(amount, 0) + 2):
            exact = Fraction(max(0, amount - waived) * points, per_fen)
            earned = policies.points_for(rule, amount, waived)
            assert 0 <= earned <= exact < earned + 1
