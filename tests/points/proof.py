"""What the postings of one member prove by themselves, looked at one after the other and written without `verify`.

Numbers without a gap, the chain, the replay, points that are numbered once for good, holds and reversals within their
original, returned points in the lot they came from, soonest-lapsing points first, and a clock that never runs back.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

from base import clock
from points import lots, postings
from points.kinds import FOLLOWS, FOREVER, GIVES, SIDES, TAKES, Kind, Side
from points.lots import Interval
from points.postings import Posting, Wallet
from tests.points.oracle import GRACE, ZONE

AWAY = frozenset({Kind.CAPTURE, Kind.GIFT_OUT})  # held points that leave
BACK = frozenset({Kind.RELEASE, Kind.TIMEOUT, Kind.REVERSE, Kind.GIFT_RETURN})
LAPSING = frozenset({Kind.EXPIRE, Kind.REDATE_OUT})
OF_DEBT = frozenset({Kind.OWE, Kind.MERGE_DEBT_OUT, Kind.MERGE_DEBT_IN})
MAY_FOLLOW = FOLLOWS | {Kind.TIMEOUT: frozenset({Kind.HOLD}), Kind.OWE: frozenset({Kind.EARN})}


def points_of(intervals: tuple[Interval, ...]) -> list[tuple[int, int]]:
    """Each single point, by lot and number, in the order of the intervals."""
    return [(i.key, n) for i in intervals for n in range(i.first, i.first + i.count)]


@dataclass
class Proof:
    """A member's postings so far: what they add up to, and which numbers of which lots were given and taken."""

    wallet: Wallet
    rows: dict[int, Posting] = field(default_factory=dict)
    given: Counter[int] = field(default_factory=Counter)
    taken: Counter[int] = field(default_factory=Counter)
    sides: Counter[Side] = field(default_factory=Counter)
    away: Counter[int] = field(default_factory=Counter)  # of a hold: points that left
    back: Counter[int] = field(
        default_factory=Counter
    )  # of an original: points that came back, or were taken back

    def add(self, row: Posting) -> None:
        """The next posting holds what a posting must hold; AssertionError else."""
        before = self.wallet
        assert row.seq == before.seq + 1
        assert row.amount > 0
        assert row.hash == hashlib.sha256(before.head + postings.canonical(row)).digest()
        assert row.at >= before.at
        assert row.effective_on == clock.day(row.at, ZONE)
        assert sum(i.count for i in row.lots) == (0 if row.kind in OF_DEBT else row.amount)
        assert all(i.count > 0 for i in row.lots)
        if row.kind in MAY_FOLLOW:
            self._follows(row)
        if row.kind in TAKES:
            self._takes(row)
        elif row.kind in GIVES:
            self._gives(row)
        source, target = SIDES[row.kind]
        self.sides[source] -= row.amount
        self.sides[target] += row.amount
        own = self.sides[Side.AVAILABLE], self.sides[Side.HELD], -self.sides[Side.DEBT]
        assert (row.balance_after, row.held_after, row.debt_after) == own
        assert min(own) >= 0
        assert sum(self.sides.values()) == 0
        self.wallet = postings.apply(before, row)
        self.rows[row.seq] = row

    def agrees_with(self, wallet: Wallet) -> None:
        """The wallet is what the postings make of it, and open holds are what is held."""
        assert self.wallet._replace(seen=wallet.seen, state=wallet.state) == wallet
        assert lots.well_formed(wallet.lots)
        assert sum(wallet.lots.given) - sum(wallet.lots.taken) == wallet.balance
        left = {key: self.given[key] - self.taken[key] for key in self.given}
        assert {k: n for k, n in left.items() if n} == {
            k: g - t for k, g, t in zip(*wallet.lots, strict=True) if g > t
        }
        still = {seq: self.open(seq) for seq, row in self.rows.items() if row.kind is Kind.HOLD}
        assert sum(still.values()) == wallet.held
        ended = [s for s, n in still.items() if n and (self.rows[s].ends_at or FOREVER) <= wallet.at]
        assert ended in ([], [wallet.seq])  # but one that was to end at once

    def open(self, seq: int) -> int:
        return self.rows[seq].amount - self.away[seq] - self.back[seq]

    def _follows(self, row: Posting) -> None:
        original = self.rows[row.rev_of or 0]
        assert original.kind in MAY_FOLLOW[row.kind]
        assert row.amount <= self.open(original.seq)
        if original.kind is Kind.HOLD:
            assert (row.at >= (original.ends_at or FOREVER)) == (row.kind is Kind.TIMEOUT)
        gone = points_of(original.lots)
        if row.kind in AWAY:  # first-taken first, and the very points that were set aside
            done = self.away[original.seq]
            assert points_of(row.lots) == gone[done : done + row.amount]
            self.away[original.seq] += row.amount
            return
        if row.kind in BACK:  # last-taken first, each to its lot or the stated grace lot
            done = self.back[original.seq]
            returning = gone[::-1][done : done + row.amount]
            assert [k for k, _ in points_of(row.lots)] == [self._landed(k, row) for k, _ in returning]
        self.back[original.seq] += row.amount

    def _takes(self, row: Posting) -> None:
        floor = lots.first_live(row.effective_on)
        own = self.rows[row.rev_of].lots[0].key if row.kind is Kind.UNEARN and row.rev_of else None
        for interval in row.lots:
            assert interval.first == self.taken[interval.key]
            self.taken[interval.key] += interval.count
            assert self.taken[interval.key] <= self.given[interval.key]
            if interval.key != own and row.kind is not Kind.ADJUST_DOWN:  # those may name a lapsed lot
                assert (interval.key < floor) == (row.kind in LAPSING)
        if row.kind in (Kind.REDEEM, Kind.HOLD, Kind.REPAY, Kind.UNEARN, Kind.MERGE_OUT):
            last = max((i.key for i in row.lots if i.key != own), default=0)
            sooner = [k for k in self.given if floor <= k < last and self.given[k] > self.taken[k]]
            assert not sooner
        if row.kind in LAPSING:
            assert not [k for k in self.given if k < floor and self.given[k] > self.taken[k]]

    def _gives(self, row: Posting) -> None:
        for interval in row.lots:
            assert (
                interval.first == self.given[interval.key]
            )  # a number never returns, even when its lot was dropped
            self.given[interval.key] += interval.count
            assert lots.last_day(interval.key) >= row.effective_on
        if row.kind is Kind.REDATE_IN:
            out = self.rows[row.seq - 1]
            assert (out.kind, out.amount) == (Kind.REDATE_OUT, row.amount)
            assert [i.key for i in row.lots] == [self._landed(i.key, row) for i in out.lots]

    @staticmethod
    def _landed(key: int, row: Posting) -> int:
        if lots.last_day(key) >= row.effective_on:
            return key
        return lots.key(row.effective_on + GRACE, lots.lot_class(key))
