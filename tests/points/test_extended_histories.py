"""Any history with announcements in its midst against a plain list of lots: same points, and the postings prove it."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from base import clock
from base.errors import Problem
from points import lots, records, verify
from points.deeds import Known, Request
from points.kinds import FOREVER, Kind, Side, State
from points.lots import Calendar, Extension
from points.postings import Posting
from points.refusals import MoreThanLeft, StillLapsed
from tests.points.oracle import (
    GRACE,
    START,
    ZONE,
    Oracle,
    Pieces,
    Refused,
    Step,
    asked_for,
    in_days,
    request,
    same_in_oracle,
    steps,
)
from tests.points.test_postings import Book, assert_postings_prove
from tests.sparse import examples


@dataclass
class ExtendedBook(Book):
    """A book whose programme announces extensions."""

    calendar: Calendar = ()

    def known(self, request: Request) -> Known:
        return super().known(request)._replace(calendar=self.calendar)


@dataclass
class ExtendedOracle(Oracle):
    """Knows the announcements as plain tuples (class, from, until, last day)."""

    announced: list[tuple[int, date, date, date]] = field(default_factory=list)
    gone: list[tuple[int, int]] = field(default_factory=list)
    today: date = date.min

    def until(self, key: int) -> date:
        own, kind = lots.last_day(key), lots.lot_class(key)
        days = [
            to for lot_class, first, last, to in self.announced if lot_class == kind and first <= own <= last
        ]
        if own == lots.NO_END:
            return max(days, default=own)
        return max([own, *days])

    def live(self, on: date) -> int:
        return sum(count for key, count in self.lots.items() if self.until(key) >= on)

    def _due(self, at: datetime) -> None:
        self.today = clock.day(at, ZONE)
        for number, (pieces, ends_at) in sorted(self.holds.items()):
            if ends_at is not None and ends_at <= at:
                del self.holds[number]
                self._give_back(pieces, self.today)
        for key in sorted(self.lots):
            if self.until(key) < self.today:
                count = self.lots.pop(key)
                self.lapsed += count
                self.gone += [(key, count)] if count else []

    def restore(self, key: int, count: int) -> None:
        if (key, count) not in self.gone or self.until(key) < self.today:
            raise Refused
        self.gone.remove((key, count))
        self.lapsed -= count
        self._give_back([(key, count)], self.today)

    def _take(self, points: int) -> Pieces:
        self._positive(points)
        taken, rest = [], points
        for key in sorted(self.lots, key=lambda k: (self.until(k), lots.lot_class(k), k)):
            count = min(rest, self.lots[key])
            if count:
                taken.append((key, count))
                self.lots[key] -= count
                rest -= count
        if rest:
            raise Refused
        return taken

    def _give_back(self, pieces: Pieces, on: date) -> None:
        for key, count in pieces:
            to = key
            if self.until(key) < on:
                to = lots.key(on + GRACE, lots.lot_class(key))
            elif lots.last_day(key) < on and not self.lots.get(key):
                to = lots.key(self.until(key), lots.lot_class(key))
            self.lots[to] = self.lots.get(to, 0) + count


@dataclass(frozen=True)
class Announcement:
    """How much later, which class, the lots of which days from then, and how much longer; or points without an end.

    `aim`: mostly it is about a lot that the wallet has or had.
    """

    later: timedelta
    lot_class: int
    first: int
    span: int
    longer: int
    without_end: bool
    aim: int


announcements = st.builds(
    Announcement,
    st.sampled_from([timedelta(0), timedelta(days=1), timedelta(days=20)]),
    st.sampled_from([1, 2]),
    st.integers(-45, 40),
    st.sampled_from([0, 5, 40, 400]),
    st.sampled_from([1, 20, 60]),
    st.sampled_from([False, False, False, True]),
    st.integers(0, 6),
)
KINDS = (Kind.EARN, Kind.EARN, Kind.REDEEM, Kind.REDEEM, Kind.HOLD, Kind.CAPTURE, Kind.RELEASE, Kind.REVERSE, Kind.EXPIRE)  # fmt: skip
restores = st.builds(lambda which: ("restore", which), st.integers(0, 3))
happenings = st.lists(
    st.one_of(steps(KINDS), steps(KINDS), steps(KINDS), steps(KINDS), announcements, restores),
    min_size=20,
    max_size=46,
)
begin = st.lists(steps((Kind.EARN,)), min_size=2, max_size=4)


def announce(book: ExtendedBook, oracle: ExtendedOracle, said: Announcement, at: datetime) -> None:
    """From the next moment on; what would shorten a life is not said, as the rule refuses it."""
    on = clock.day(at, ZONE)
    lot_class, first = said.lot_class, on + timedelta(said.first)
    known = [key for _, key, _ in lapsed_lots(book)] + list(book.wallet.lots.keys)
    if known and said.aim and not said.without_end:
        key = known[-said.aim % len(known)]
        if lots.last_day(key) != lots.NO_END:
            lot_class, first = lots.lot_class(key), lots.last_day(key)
    last = first + timedelta(said.span)
    to = max(last, on) + timedelta(said.longer)
    if said.without_end:
        first = last = lots.NO_END
        to = max([on + timedelta(said.longer)] + [
            one.last_day + timedelta(1) for one in book.calendar
            if one.from_day == lots.NO_END and one.lot_class == lot_class
        ])  # fmt: skip
    book.calendar += (Extension(lot_class, first, last, to, at + timedelta(microseconds=1)),)
    oracle.announced.append((lot_class, first, last, to))


def proven(book: ExtendedBook) -> list[object]:
    """What `verify` says of the rows, in memory."""
    rows = []
    for posting in book.rows:
        row = list(records.posting_values(posting))
        row[21] = [number for interval in posting.lots for number in interval]
        rows.append(row)
    holds = {
        hold.posting.seq: (hold.open, hold.posting.ends_at or FOREVER)
        for hold in (book.original(row) for row in book.rows if row.kind is Kind.HOLD)
        if hold.open
    }
    sides = defaultdict[Side, int](int)
    return list(verify._member(book.wallet, rows, sides, holds, book.calendar))


def lapsed_lots(book: ExtendedBook) -> list[tuple[Posting, int, int]]:
    return [(row, i.key, i.count) for row in book.rows if row.kind is Kind.EXPIRE for i in row.lots]


def asked_to_restore(book: ExtendedBook, number: int, which: int, at: datetime) -> tuple[Request, int, int]:
    """A lapsed lot that has not come back, mostly; else one that has, or none at all."""
    back = {(row.rev_of, row.contra) for row in book.rows if row.kind is Kind.RESTORE}
    there = [found for found in lapsed_lots(book) if (found[0].seq, found[1]) not in back]
    if not there:
        return request(number, Kind.RESTORE, 0, at, rev_of=10**6, lot_key=1), 1, 0
    row, key, count = there[-1 - which % len(there)]
    return request(number, Kind.RESTORE, 0, at, rev_of=row.seq, lot_key=key, contra=key), key, count


def asked_of(book: ExtendedBook, made: dict[int, tuple[Kind, int]], number: int, step: Step, at: datetime):
    """As without extensions, but that some points have no end."""
    asked, of = asked_for(made, number, step, at)
    if step.kind is Kind.EARN and step.which > 3:
        asked = asked._replace(lot_key=lots.key(lots.NO_END, step.lot_class))
    return asked, of


@settings(max_examples=examples(200), deadline=None)
@given(begin, happenings)
def test_any_history_with_announcements_gives_the_points_of_a_plain_list_of_lots(first, then):
    book, oracle, at, made = ExtendedBook(), ExtendedOracle(), START, dict[int, tuple[Kind, int]]()

    for number, happens in enumerate([*first, *then]):
        if isinstance(happens, Announcement):
            at += happens.later
            before = book.calendar
            announce(book, oracle, happens, at)
            assert all(
                lots.lasting(key, book.calendar) >= lots.lasting(key, before)
                for key in book.wallet.lots.keys
                if lots.last_day(key) != lots.NO_END or lots.lasting(key, before) != key
            )
            at += timedelta(microseconds=1)
            event("announced")
            continue
        before = book.wallet
        if isinstance(happens, Step):
            at += happens.later
            asked, of = asked_of(book, made, number, happens, at)
            kind = happens.kind
        else:
            asked, key, count = asked_to_restore(book, number, happens[1], at)
            kind = Kind.RESTORE
        try:
            if isinstance(happens, Step):
                same_in_oracle(oracle, number, happens, asked, of)
            else:
                oracle.do(lambda o, k=key, c=count: o.restore(k, c), at)
        except Refused:
            with pytest.raises(Problem):
                book.do(asked)
            assert book.wallet == before
            event(f"refused {kind.name}")
            continue
        deed = book.do(asked).deed
        event(f"done {kind.name}")
        if deed is not None:
            made[number] = (kind, deed.seq)

        on = clock.day(at, ZONE)
        calendar = lots.announced(book.calendar, at)
        left = {k: g - t for k, g, t in zip(*book.wallet.lots, strict=True) if g > t}
        assert left == {k: n for k, n in oracle.lots.items() if n}
        assert lots.live(book.wallet.lots, on, calendar) == book.wallet.balance == oracle.live(on)
        assert book.wallet.held == oracle.held
        assert lots.well_formed(book.wallet.lots)

    assert_postings_prove(book, oracle)
    assert proven(book) == []


def extension(first: int, last: int, to: int, *, days: int = 0) -> Extension:
    """For class 1, by days from the start; announced so many days later."""
    start = clock.day(START, ZONE)
    return Extension(
        1, start + timedelta(first), start + timedelta(last), start + timedelta(to), START + timedelta(days)
    )


def given_book(*lots_of: tuple[int, int], calendar: Calendar = ()) -> ExtendedBook:
    """Points by days of life."""
    book = ExtendedBook(calendar=calendar)
    for number, (days, points) in enumerate(lots_of):
        book.do(request(1000 + number, Kind.EARN, points, lot_key=in_days(days)))
    return book


def left(book: ExtendedBook) -> dict[int, int]:
    """What is left, by days of life that stand in the lot's key."""
    start = clock.day(START, ZONE)
    return {
        (lots.last_day(k) - start).days: g - t for k, g, t in zip(*book.wallet.lots, strict=True) if g > t
    }


def test_several_holds_of_extended_lots_run_out_at_once():
    book = given_book((5, 10), (6, 10), calendar=(extension(5, 6, 40),))
    for number in (1, 2):
        book.do(request(number, Kind.HOLD, 10, START, ends_at=START + timedelta(days=1)))

    done = book.do(request(3, Kind.EXPIRE, 0, START + timedelta(days=8)))

    assert [p.kind for p in done.postings] == [Kind.TIMEOUT, Kind.TIMEOUT]
    assert left(book) == {40: 20}
    assert proven(book) == []


def test_spending_follows_the_extended_days():
    book = given_book((5, 10), (20, 10), (60, 10), calendar=(extension(5, 5, 30),))

    book.do(request(1, Kind.REDEEM, 15))

    assert left(book) == {5: 5, 60: 10}
    book.do(request(2, Kind.REDEEM, 7, START + timedelta(days=25)))
    assert left(book) == {60: 8}
    assert proven(book) == []


def test_points_come_back_to_an_extended_lot_or_where_it_is_gone_to_the_lot_of_its_new_day():
    book = given_book((5, 10), calendar=(extension(5, 5, 50),))
    hold = book.do(request(1, Kind.HOLD, 4, ends_at=FOREVER)).deed
    at = START + timedelta(days=20)
    assert hold

    book.do(request(2, Kind.RELEASE, 1, at, rev_of=hold.seq))
    assert left(book) == {5: 7}
    book.do(request(3, Kind.REDEEM, 7, at))
    book.do(request(4, Kind.RELEASE, 0, at, rev_of=hold.seq))
    assert left(book) == {50: 3}
    assert proven(book) == []


def test_after_the_extended_day_points_land_with_thirty_days_of_grace():
    book = given_book((5, 10), calendar=(extension(5, 5, 50),))
    hold = book.do(request(1, Kind.HOLD, 4, ends_at=FOREVER)).deed
    assert hold

    done = book.do(request(2, Kind.RELEASE, 0, START + timedelta(days=51), rev_of=hold.seq))

    assert [(p.kind, p.amount) for p in done.postings] == [(Kind.EXPIRE, 6), (Kind.RELEASE, 4)]
    assert left(book) == {81: 4}


def test_an_announcement_counts_from_its_moment_on():
    book = given_book((5, 10), calendar=(extension(5, 5, 50, days=10),))

    book.do(request(1, Kind.EARN, 1, START + timedelta(days=9), lot_key=in_days(90)))

    assert left(book) == {90: 1}
    assert proven(book) == []


def test_a_frozen_line_keeps_extended_lots_and_gets_grace_only_for_what_has_lapsed():
    book = given_book((5, 10), (6, 20), calendar=(extension(6, 6, 60),))
    book.wallet = book.wallet._replace(state=State.FROZEN)

    done = book.do(request(1, Kind.REDATE_OUT, 0, START + timedelta(days=20)))

    assert [(p.kind, p.amount) for p in done.postings] == [(Kind.REDATE_OUT, 10), (Kind.REDATE_IN, 10)]
    assert left(book) == {6: 20, 50: 10}
    assert proven(book) == []


def test_what_lapsed_comes_back_once_into_the_lot_of_its_new_day():
    book = given_book((5, 10), (6, 20), (90, 1))
    lapsed = book.do(request(1, Kind.EXPIRE, 0, START + timedelta(days=10))).deed
    at = START + timedelta(days=20)
    assert lapsed

    def restore(number: int, days: int, points: int = 0):
        return request(
            number, Kind.RESTORE, points, at, rev_of=lapsed.seq, lot_key=in_days(days), contra=in_days(days)
        )

    with pytest.raises(StillLapsed):
        book.do(restore(2, 6))
    book.calendar = (extension(6, 6, 60, days=15),)
    with pytest.raises(StillLapsed):
        book.do(restore(3, 5))
    for points in (1, 21):
        with pytest.raises(MoreThanLeft):
            book.do(restore(4, 6, points))
    with pytest.raises(MoreThanLeft):
        book.do(restore(5, 90))
    done = book.do(restore(6, 6))

    assert [(p.kind, p.amount, p.rev_of) for p in done.postings] == [(Kind.RESTORE, 20, lapsed.seq)]
    assert left(book) == {60: 20, 90: 1}
    with pytest.raises(MoreThanLeft):
        book.do(restore(7, 6))
    assert proven(book) == []
