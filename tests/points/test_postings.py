"""The pure core against a plain list of lots: any history gives the same points, and its postings prove it."""

import hashlib
import struct
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import event, given, settings

from base import clock
from base.errors import Problem
from points import deeds, lots, postings
from points.deeds import Known, Original, Outcome, Request
from points.kinds import FOREVER, MOST_POINTS, Kind, Side, State
from points.lots import Interval, Lots
from points.postings import Posting, Wallet
from points.refusals import (
    HoldEnded,
    LotsFull,
    MemberClosed,
    MemberFrozen,
    MemberTooNew,
    MoreThanLeft,
    NotEnoughPoints,
    PointsOutOfRange,
    QuoteChanged,
)
from tests.points.oracle import (
    MEMBER,
    START,
    ZONE,
    Oracle,
    Refused,
    asked_for,
    full,
    histories,
    in_days,
    request,
    same_in_oracle,
)
from tests.sparse import examples


@dataclass
class Book:
    """The ledger's shell in miniature: a wallet in memory and all its postings."""

    wallet: Wallet = field(default_factory=lambda: postings.empty(MEMBER, State.OPEN, START))
    rows: list[Posting] = field(default_factory=list)

    def do(self, request: Request) -> Outcome:
        outcome = deeds.run(self.wallet, request, self.known(request))
        self.wallet, self.rows = outcome.wallet, self.rows + list(outcome.postings)
        return outcome

    def known(self, request: Request) -> Known:
        at = max(request.at, self.wallet.at)
        holds = [self.original(row) for row in self.rows if row.kind is Kind.HOLD]
        return Known(
            overdue=tuple(h for h in holds if h.open and (h.posting.ends_at or FOREVER) <= at),
            original=next((self.original(row) for row in self.rows if row.seq == request.rev_of), None),
        )

    def original(self, row: Posting) -> Original:
        later = [p for p in self.rows if p.rev_of == row.seq]
        captured = sum(p.amount for p in later if p.kind in (Kind.CAPTURE, Kind.GIFT_OUT))
        return Original(row, captured, sum(p.amount for p in later) - captured)


@settings(max_examples=examples(300), deadline=None)
@given(histories())
def test_any_history_gives_the_points_of_a_plain_list_of_lots(steps):
    book, oracle, at, made = Book(), Oracle(), START, dict[int, tuple[Kind, int]]()

    for number, step in enumerate(steps):
        at += step.later
        asked, of = asked_for(made, number, step, at)
        before = book.wallet
        try:
            same_in_oracle(oracle, number, step, asked, of)
        except Refused:
            with pytest.raises(Problem):
                book.do(asked)
            assert book.wallet == before
            event(f"refused {step.kind.name}")
            continue
        deed = book.do(asked).deed
        event(f"done {step.kind.name}")
        if deed is not None:
            made[number] = (step.kind, deed.seq)

        on = clock.day(at, ZONE)
        left = {k: g - t for k, g, t in zip(*book.wallet.lots, strict=True) if g > t}
        assert left == {k: n for k, n in oracle.lots.items() if n}
        assert lots.live(book.wallet.lots, on) == book.wallet.balance == oracle.live(on)
        assert (book.wallet.held, book.wallet.debt) == (oracle.held, 0)
        assert lots.well_formed(book.wallet.lots)

    assert_postings_prove(book, oracle)


def assert_postings_prove(book: Book, oracle: Oracle) -> None:
    """Replayed from nothing they make the wallet; the chain is whole; all classes together are zero."""
    replayed, sums = postings.empty(MEMBER, State.OPEN, START), defaultdict[Side, int](int)
    for row in book.rows:
        assert row.amount > 0
        assert row.seq == replayed.seq + 1
        assert row.hash == hashlib.sha256(replayed.head + postings.canonical(row)).digest()
        assert sum(interval.count for interval in row.lots) == row.amount
        replayed = postings.apply(replayed, row)
        assert (row.balance_after, row.held_after, row.debt_after) == (
            replayed.balance,
            replayed.held,
            replayed.debt,
        )
        sums[row.sides[0]] -= row.amount
        sums[row.sides[1]] += row.amount
    assert replayed._replace(seen=book.wallet.seen) == book.wallet
    assert sum(sums.values()) == 0
    assert sums[Side.AVAILABLE] == book.wallet.balance
    assert (sums[Side.HELD], sums[Side.LAPSED]) == (oracle.held, oracle.lapsed)
    assert (-sums[Side.ISSUED], sums[Side.REDEEMED]) == (oracle.earned, oracle.spent)


def given_book(points: int = 100, days: int = 10) -> Book:
    book = Book()
    book.do(request(1, Kind.EARN, points, lot_key=in_days(days)))
    return book


# One by one


def test_late_points_land_with_thirty_days_of_grace():
    book = Book()

    book.do(request(1, Kind.EARN, 50, lot_key=in_days(-1, 2)))

    assert book.wallet.lots == Lots((in_days(30, 2),), (50,), (0,))


def test_points_are_there_on_their_last_day_and_gone_the_day_after():
    book, zone_midnight = given_book(days=0), clock.start_of(clock.day(START, ZONE) + timedelta(days=1), ZONE)

    last_moment = request(2, Kind.REDEEM, 1, zone_midnight - timedelta(microseconds=1))
    assert book.do(last_moment).wallet.balance == 99
    with pytest.raises(NotEnoughPoints) as refusal:
        book.do(request(3, Kind.REDEEM, 1, zone_midnight))
    assert refusal.value.facts == {"balance": 0, "needed": 1}


def test_released_points_whose_lot_has_lapsed_land_in_the_grace_lot():
    book = given_book(days=10)
    hold = book.do(request(2, Kind.HOLD, 60, ends_at=FOREVER)).deed
    later = START + timedelta(days=20)

    outcome = book.do(request(3, Kind.RELEASE, 0, later, rev_of=hold.seq))

    assert [(p.kind, p.amount) for p in outcome.postings] == [(Kind.EXPIRE, 40), (Kind.RELEASE, 60)]
    assert book.wallet.lots == Lots((in_days(50),), (60,), (0,))
    assert (book.wallet.balance, book.wallet.held) == (60, 0)


def test_a_hold_that_has_run_out_is_given_back_before_anything_else():
    book = given_book()
    hold = book.do(request(2, Kind.HOLD, 60, ends_at=START + timedelta(hours=1))).deed

    outcome = book.do(request(3, Kind.REDEEM, 100, START + timedelta(hours=1)))

    assert [(p.kind, p.amount, p.rev_of) for p in outcome.postings] == [
        (Kind.TIMEOUT, 60, hold.seq),
        (Kind.REDEEM, 100, None),
    ]


def test_a_hold_that_has_run_out_can_be_neither_captured_nor_released():
    book = given_book()
    hold = book.do(request(2, Kind.HOLD, 60, ends_at=START + timedelta(hours=1))).deed

    for number, kind in ((3, Kind.CAPTURE), (4, Kind.RELEASE)):
        with pytest.raises(HoldEnded):
            book.do(request(number, kind, 10, START + timedelta(hours=1), rev_of=hold.seq))


def test_a_reversal_returns_the_last_taken_points_first_to_their_own_lots():
    book = Book()
    book.do(request(1, Kind.EARN, 10, lot_key=in_days(10)))
    book.do(request(2, Kind.EARN, 10, lot_key=in_days(20)))
    spend = book.do(request(3, Kind.REDEEM, 15)).deed

    book.do(request(4, Kind.REVERSE, 8, rev_of=spend.seq))

    left = {k: g - t for k, g, t in zip(*book.wallet.lots, strict=True)}
    assert left == {in_days(10): 3, in_days(20): 10}
    with pytest.raises(MoreThanLeft) as refusal:
        book.do(request(5, Kind.REVERSE, 8, rev_of=spend.seq))
    assert refusal.value.facts == {"left": 7}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Kind.EARN, Kind.REVERSE),
        (Kind.EARN, Kind.CAPTURE),
        (Kind.EARN, Kind.RELEASE),
        (Kind.HOLD, Kind.REVERSE),
        (Kind.REDEEM, Kind.CAPTURE),
        (Kind.REDEEM, Kind.RELEASE),
    ],
)
def test_a_follow_up_that_does_not_fit_its_original_is_refused(first, second):
    book = given_book(points=100)
    book.do(request(8, Kind.HOLD, 50, ends_at=FOREVER))  # so that there are points set aside to steal
    original = book.do(request(9, first, 20, lot_key=in_days(10), ends_at=FOREVER)).deed
    before = book.wallet

    with pytest.raises(Problem):
        book.do(request(10, second, 10, rev_of=original.seq))

    assert book.wallet == before


def test_a_reversal_cannot_be_reversed():
    book = given_book()
    spend = book.do(request(2, Kind.REDEEM, 60)).deed
    back = book.do(request(3, Kind.REVERSE, 60, rev_of=spend.seq)).deed

    with pytest.raises(MoreThanLeft):
        book.do(request(4, Kind.REVERSE, 60, rev_of=back.seq))


def test_a_captured_hold_is_reversed_by_its_capture():
    book = given_book()
    hold = book.do(request(2, Kind.HOLD, 60, ends_at=FOREVER)).deed
    capture = book.do(request(3, Kind.CAPTURE, 0, rev_of=hold.seq)).deed

    book.do(request(4, Kind.REVERSE, 0, rev_of=capture.seq))

    assert (book.wallet.balance, book.wallet.held) == (100, 0)


def test_debt_is_repaid_by_the_next_earnings():
    book = Book(Book().wallet._replace(debt=30))

    first = book.do(request(1, Kind.EARN, 20, lot_key=in_days(10)))
    second = book.do(request(2, Kind.EARN, 20, lot_key=in_days(10)))

    assert [(p.kind, p.amount) for p in first.postings] == [(Kind.EARN, 20), (Kind.REPAY, 20)]
    assert [(p.kind, p.amount) for p in second.postings] == [(Kind.EARN, 20), (Kind.REPAY, 10)]
    assert (book.wallet.balance, book.wallet.debt) == (10, 0)


@pytest.mark.parametrize("points", [0, -1, MOST_POINTS + 1, 2**63, -(2**63)])
@pytest.mark.parametrize("kind", [Kind.EARN, Kind.REDEEM, Kind.HOLD])
def test_points_out_of_range_are_refused(points, kind):
    with pytest.raises(PointsOutOfRange):
        given_book().do(request(2, kind, points, lot_key=in_days(1)))


@pytest.mark.parametrize("kind", [Kind.REDEEM, Kind.HOLD, Kind.EARN])
def test_nothing_of_nothing_is_refused_whatever_it_refers_to(kind):
    with pytest.raises(PointsOutOfRange):
        given_book().do(request(2, kind, 0, lot_key=in_days(1), rev_of=1))


@pytest.mark.parametrize("kind", [Kind.CAPTURE, Kind.RELEASE, Kind.REVERSE])
@pytest.mark.parametrize("points", [-1, 61, 2**63])
def test_a_follow_up_of_points_out_of_range_is_refused(kind, points):
    book = given_book()
    original = book.do(
        request(2, Kind.REDEEM if kind is Kind.REVERSE else Kind.HOLD, 60, ends_at=FOREVER)
    ).deed

    with pytest.raises((PointsOutOfRange, MoreThanLeft)):
        book.do(request(3, kind, points, rev_of=original.seq))


@pytest.mark.parametrize("kind", [Kind.REPAY, Kind.TIMEOUT])
def test_what_only_falls_due_cannot_be_asked_for(kind):
    book = given_book()
    original = book.do(request(2, Kind.HOLD, 60, ends_at=FOREVER)).deed

    with pytest.raises(Problem):
        book.do(request(3, kind, 10, rev_of=original.seq))


def test_the_most_points_can_be_earned_and_spent_at_once():
    book = given_book(points=MOST_POINTS)

    book.do(request(2, Kind.REDEEM, MOST_POINTS))

    assert book.wallet.balance == 0


def given_full_book(first_day: int = 0) -> Book:
    book = Book()
    for number, key in enumerate(full(first_day)):
        book.do(request(1000 + number, Kind.EARN, 10, lot_key=key))
    return book


def test_a_full_wallet_takes_more_into_the_lots_it_has_and_refuses_another_lot_by_name():
    book = given_full_book()

    book.do(request(1, Kind.EARN, 5, lot_key=in_days(3)))

    assert book.wallet.balance == 645
    with pytest.raises(LotsFull):
        book.do(request(2, Kind.EARN, 5, lot_key=in_days(500)))


@pytest.mark.parametrize("kind", [Kind.RELEASE, Kind.TIMEOUT, Kind.REVERSE])
def test_points_come_back_to_a_full_wallet_whose_lot_has_lapsed(kind):
    book = Book()
    book.do(request(1, Kind.EARN, 10, lot_key=in_days(0)))
    ends_at = START + timedelta(days=1) if kind is Kind.TIMEOUT else FOREVER
    deed = book.do(request(2, Kind.REDEEM if kind is Kind.REVERSE else Kind.HOLD, 10, ends_at=ends_at)).deed
    tomorrow = START + timedelta(days=1)
    for number, key in enumerate(full(40)):
        book.do(request(1000 + number, Kind.EARN, 10, tomorrow - timedelta(hours=1), lot_key=key))

    back = request(3, Kind.EXPIRE if kind is Kind.TIMEOUT else kind, 0, tomorrow, rev_of=deed.seq)
    book.do(back)

    assert book.wallet.balance == 650
    assert lots.well_formed(book.wallet.lots)


@pytest.mark.parametrize(
    ("state", "refusal"),
    [(State.NEW, MemberTooNew), (State.FROZEN, MemberFrozen), (State.CLOSED, MemberClosed)],
)
def test_a_line_that_is_not_open_spends_nothing_but_settles_what_it_began(state, refusal):
    book = given_book()
    hold = book.do(request(2, Kind.HOLD, 30, ends_at=FOREVER)).deed
    spend = book.do(request(3, Kind.REDEEM, 30)).deed
    book.wallet = book.wallet._replace(state=state)

    for kind in (Kind.REDEEM, Kind.HOLD):
        with pytest.raises(refusal):
            book.do(request(4, kind, 10))

    book.do(request(5, Kind.CAPTURE, 10, rev_of=hold.seq))
    book.do(request(6, Kind.RELEASE, 0, rev_of=hold.seq))
    book.do(request(7, Kind.REVERSE, 0, rev_of=spend.seq))
    assert book.wallet.balance == 90
    if state is State.CLOSED:
        with pytest.raises(MemberClosed):
            book.do(request(8, Kind.EARN, 10, lot_key=in_days(1)))


def test_a_quote_is_taken_to_the_very_point_or_not_at_all():
    book = given_book(points=100)
    quoted = (Interval(in_days(10), 0, 30),)
    book.do(request(2, Kind.REDEEM, 30, quoted=quoted))

    with pytest.raises(QuoteChanged):
        book.do(request(3, Kind.REDEEM, 30, quoted=quoted))

    book.do(request(4, Kind.REDEEM, 30, quoted=(Interval(in_days(10), 30, 30),)))


def test_time_never_runs_backwards_in_a_wallet():
    book = given_book()
    book.do(request(2, Kind.REDEEM, 1, START + timedelta(days=3)))

    earlier = book.do(request(3, Kind.REDEEM, 1, START)).deed

    assert earlier.at == START + timedelta(days=3)


# The bytes that are hashed


def golden_posting() -> Posting:
    return Posting(
        member_id=7, seq=3, amount=250, balance_after=750, held_after=0, debt_after=0, contra=11, version_id=12,
        req_hash=-5, at=datetime(2026, 3, 1, 12, 30, 15, 123456, UTC), effective_on=date(2026, 3, 1), part=1,
        kind=Kind.REDEEM, idem=UUID("00112233-4455-6677-8899-aabbccddeeff"), lots=(Interval(669450241, 10, 250),),
        rev_of=None, spender_id=None, value_fen=2500, ends_at=None, ref="red_1 图",
    )  # fmt: skip


GOLDEN = (
    "01"
    "0000000000000007" "0000000000000003" "00000000000000fa" "00000000000002ee" "0000000000000000" "0000000000000000"
    "000000000000000b" "000000000000000c" "fffffffffffffffb" "00064bf5a1dfa600" "0000000000005021" "0000000000000001"
    "0000000000000005" "0000000000000001" "000000000000000c"
    "00" "00" "01" "00000000000009c4" "00"
    "00112233445566778899aabbccddeeff"
    "0000000000000003" "0000000027e70001" "000000000000000a" "00000000000000fa"
    "01" "0000000000000009" "7265645f3120e59bbe"
)  # fmt: skip


def test_the_hashed_bytes_are_these_for_good():
    at = int.from_bytes(bytes.fromhex(GOLDEN)[1 + 9 * 8 : 1 + 10 * 8], "big")

    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at) == golden_posting().at
    assert postings.canonical(golden_posting()).hex() == GOLDEN


def test_the_first_head_names_the_member():
    assert postings.first_head(7) == hashlib.sha256(b"jifen/1" + struct.pack(">q", 7)).digest()


CHANGES = {
    "member_id": 8, "seq": 4, "amount": 251, "balance_after": 751, "held_after": 1, "debt_after": 1, "contra": 12,
    "version_id": 13, "req_hash": 5, "at": datetime(2026, 3, 1, 12, 30, 15, 123457, UTC), "effective_on": date(2026, 3, 2),
    "part": 2, "kind": Kind.HOLD, "idem": UUID(int=1), "lots": (Interval(669450241, 11, 250),), "rev_of": 1,
    "spender_id": 1, "value_fen": None, "ends_at": FOREVER, "ref": None,
}  # fmt: skip


def test_every_column_but_the_hash_is_hashed():
    plain = postings.canonical(golden_posting())

    unseen = [
        n for n, v in CHANGES.items() if postings.canonical(golden_posting()._replace(**{n: v})) == plain
    ]

    assert unseen == []
    assert set(CHANGES) == {name for name in Posting._fields if name != "hash"}
    assert len({postings.canonical(golden_posting()._replace(**{n: v})) for n, v in CHANGES.items()}) == len(
        CHANGES
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"ref": ""}, {"ref": None}),
        ({"lots": ()}, {"lots": (Interval(0, 0, 0),)}),
        ({"rev_of": 0}, {"rev_of": None}),
        ({"rev_of": 5, "spender_id": None}, {"rev_of": None, "spender_id": 5}),
        (
            {"at": datetime(1969, 12, 31, 23, 59, 59, 500000, UTC)},
            {"at": datetime(1970, 1, 1, 0, 0, 0, 500000, UTC)},
        ),
        (
            {"at": datetime(9998, 1, 1, 0, 0, 0, 999999, UTC)},
            {"at": datetime(9998, 1, 1, 0, 0, 1, 999999, UTC)},
        ),
        ({"at": datetime(9998, 1, 1, 0, 0, 0, 999999, UTC)}, {"at": datetime(9998, 1, 1, 0, 0, 0, 0, UTC)}),
    ],
)
def test_two_different_postings_never_have_the_same_bytes(one, other):
    first, second = (postings.canonical(golden_posting()._replace(**values)) for values in (one, other))

    assert first != second


def test_the_hash_counts_microseconds_exactly():
    at = datetime(9998, 1, 1, 0, 0, 0, 999999, UTC)

    places = [postings.canonical(golden_posting()._replace(at=moment))[73:81] for moment in (at, FOREVER)]

    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert [int.from_bytes(p, "big") for p in places] == [
        (moment - epoch) // timedelta(microseconds=1) for moment in (at, FOREVER)
    ]


def test_another_request_has_another_hash():
    first = request(1, Kind.REDEEM, 10)
    changed = {
        "points": 11,
        "kind": Kind.HOLD,
        "lot_key": 1,
        "rev_of": 1,
        "contra": 1,
        "version_id": 1,
        "value_fen": 1,
        "ref": "x",
    }

    assert all(first._replace(**{name: value}).hash != first.hash for name, value in changed.items())
    assert first._replace(at=START + timedelta(days=1)).hash == first.hash
