"""Where points came from: in any history the traced parts add up, and no point is spent twice unless it came back."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from base.errors import Problem
from points import trace
from points.kinds import FOLLOWS, FOREVER, GIVES, TAKES, Kind, State
from points.lots import Interval
from points.trace import Moved, Source
from tests.points.oracle import START, in_days, request
from tests.points.test_postings import Book
from tests.sparse import examples

KINDS = (
    Kind.EARN, Kind.EARN, Kind.REDEEM, Kind.REDEEM, Kind.HOLD, Kind.HOLD, Kind.CAPTURE, Kind.RELEASE, Kind.GIFT_OUT,
    Kind.REVERSE, Kind.REVERSE, Kind.GIFT_RETURN, Kind.GIFT_IN, Kind.UNEARN, Kind.ADJUST_UP, Kind.ADJUST_DOWN,
    Kind.EXPIRE, Kind.REDATE_OUT,
)  # fmt: skip
JUMPS = (0, 0, 0, 3, 12, 45)


def deeds(*kinds):
    points = st.integers(1, 90) if kinds == (Kind.EARN,) else st.integers(1, 40)
    return st.tuples(
        st.sampled_from(kinds), points, st.integers(0, 60), st.sampled_from(JUMPS), st.integers(0, 9)
    )


def moved(book):
    return [Moved(row.seq, row.kind, row.amount, row.rev_of, row.lots) for row in book.rows]


def asked(book, number, kind, points, days, at, which):
    """A request of the kind that has a chance: what refers to an earlier deed names one of its kind."""
    more = {}
    if kind in FOLLOWS:
        fitting = [row.seq for row in book.rows if row.kind in FOLLOWS[kind]]
        more["rev_of"] = fitting[-1 - which % len(fitting)] if fitting else None
        points = points if which % 3 else 0
    if kind in (Kind.EARN, Kind.ADJUST_UP):
        more["lot_key"] = in_days(days, 1 + which % 2, at)
    if kind is Kind.GIFT_IN:
        parts = [p for p in (points // 2, points - points // 2) if p]
        more["quoted"] = tuple(Interval(in_days(days + 10 * n, 1, at), 0, p) for n, p in enumerate(parts))
    if kind is Kind.HOLD:
        more["ends_at"] = FOREVER if which % 2 else at + timedelta(days=which)
    return request(number, kind, 0 if kind in (Kind.EXPIRE, Kind.REDATE_OUT) else points, at, **more)


def played(steps):
    """A book with whatever of the steps was not refused; a line is frozen for a while before its lots are kept over."""
    book, at = Book(), START
    for number, (kind, points, days, jump, which) in enumerate(steps, 1):
        at += timedelta(days=jump)
        if kind is Kind.REDATE_OUT:
            book.wallet = book.wallet._replace(state=State.FROZEN)
            at += timedelta(days=20)
        try:
            book.do(asked(book, number, kind, points, days, at, which))
            event(f"done {kind.name}")
        except Problem:
            event(f"refused {kind.name}")
        book.wallet = book.wallet._replace(state=State.OPEN)
    return book


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(deeds(Kind.EARN), min_size=2, max_size=5), st.lists(deeds(*KINDS), min_size=25, max_size=60))
def test_traced_parts_add_up_and_no_point_is_gone_twice_at_a_time(earned, steps):
    book = played(earned + steps)
    rows = moved(book)
    history = trace.History(rows)
    brought = {
        row.seq: row.amount for row in rows if row.kind in GIVES and trace.comes_back_from(row) is None
    }
    gone = Counter()

    for row in rows:
        sources = trace.trace(rows[: row.seq], row.seq)
        assert sources == history.sources(row.lots)  # what happens later changes nothing
        assert sum(one.count for one in sources) == (row.amount if row.lots else 0)
        points = [(one.seq, one.first + n) for one in sources for n in range(one.count)]
        assert all(seq <= row.seq and n < brought[seq] for seq, n in points)
        if row.kind in TAKES:
            assert not any(gone[point] for point in points)
            gone.update(points)
        elif row.kind in GIVES and row.seq not in brought:
            assert all(gone[point] for point in points)
            gone.subtract(points)

    lots = zip(*book.wallet.lots, strict=True)
    left = [Interval(key, taken, given - taken) for key, given, taken in lots if given > taken]
    here = {(one.seq, one.first + n) for one in history.sources(left) for n in range(one.count)}
    assert here == {(seq, n) for seq, count in brought.items() for n in range(count)} - set(+gone)
    assert len(here) == book.wallet.balance


def test_points_that_came_back_are_followed_to_the_first_who_brought_them():
    book = Book()
    book.do(request(1, Kind.EARN, 60, lot_key=in_days(5)))
    book.do(request(2, Kind.EARN, 40, lot_key=in_days(5)))
    book.do(request(3, Kind.REDEEM, 80))
    book.do(
        request(4, Kind.REVERSE, 30, rev_of=3)
    )  # the last 20 of the second earning, the last 10 of the first
    book.do(request(5, Kind.REDEEM, 50))

    assert trace.trace(moved(book), 3) == (Source(1, 0, 60), Source(2, 0, 20))
    assert trace.trace(moved(book), 4) == (Source(1, 50, 10), Source(2, 0, 20))
    assert trace.trace(moved(book), 5) == (Source(2, 20, 20), Source(1, 50, 10), Source(2, 0, 20))


def test_points_whose_giver_is_not_among_the_postings_are_refused_by_name():
    book = Book()
    book.do(request(1, Kind.EARN, 60, lot_key=in_days(5)))
    book.do(request(2, Kind.REDEEM, 10))
    book.do(request(3, Kind.REVERSE, 10, rev_of=2))
    book.do(request(4, Kind.REDEEM, 60))

    with pytest.raises(trace.Untraceable):
        trace.trace(moved(book)[1:], 2)
    with pytest.raises(trace.Untraceable):
        trace.trace([row for row in moved(book) if row.seq != 2], 4)


def test_points_that_came_back_after_an_extension_are_followed_to_what_earned_them():
    history = trace.History([
        Moved(1, Kind.EARN, 10, None, (Interval(5, 0, 10),)),
        Moved(2, Kind.EARN, 7, None, (Interval(6, 0, 7),)),
        Moved(3, Kind.EXPIRE, 17, None, (Interval(5, 0, 10), Interval(6, 0, 7))),
        Moved(4, Kind.RESTORE, 7, 3, (Interval(9, 0, 7),), contra=6),
        Moved(5, Kind.RESTORE, 10, 3, (Interval(9, 7, 10),), contra=5),
    ])  # fmt: skip

    found = history.sources([Interval(9, 5, 4)])

    assert found == (Source(2, 5, 2), Source(1, 0, 2))
