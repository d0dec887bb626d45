"""A member's points as a plain list of lots, written without a look at the ledger: what the ledger is compared with.

Steps come from `histories()`: earn, redeem, hold, capture, release, reverse, expire, each after a jump in time.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from base import clock
from points import lots
from points.postings import Kind

ZONE = "Asia/Shanghai"
START = datetime(2026, 1, 1, tzinfo=UTC)
GRACE = timedelta(days=30)
Pieces = list[tuple[int, int]]  # (lot, points) in the order in which they were taken


class Refused(Exception):
    """The oracle would not do this."""


@dataclass(frozen=True)
class Step:
    """One thing that happens: how much later, what, how many points, with which earlier deed, and till when."""

    later: timedelta
    kind: Kind
    points: int
    life_days: int
    lot_class: int
    which: int
    hold_hours: int | None


def histories(most: int = 30) -> st.SearchStrategy[list[Step]]:
    """Lists of steps; jumps of seconds to months, lots that live from minus ten days to a year."""
    deeds = (Kind.EARN, Kind.EARN, Kind.REDEEM, Kind.HOLD, Kind.CAPTURE, Kind.RELEASE, Kind.REVERSE, Kind.EXPIRE)
    return st.lists(
        st.builds(
            Step,
            later=st.sampled_from([timedelta(0), timedelta(seconds=1), timedelta(hours=5), timedelta(days=1),
                                   timedelta(days=9), timedelta(days=40)]),
            kind=st.sampled_from(deeds),
            points=st.sampled_from([0, 1, 2, 7, 10, 30, 100]),
            life_days=st.sampled_from([-10, 0, 1, 10, 31, 365]),
            lot_class=st.sampled_from([1, 2]),
            which=st.integers(0, 5),
            hold_hours=st.sampled_from([None, 0, 3, 48]),
        ),
        max_size=most,
    )  # fmt: skip


@dataclass
class Oracle:
    """Lots by key, open holds and spends by the number of the step that made them."""

    lots: dict[int, int] = field(default_factory=dict)
    holds: dict[int, tuple[Pieces, datetime | None]] = field(default_factory=dict)
    spends: dict[int, Pieces] = field(default_factory=dict)
    lapsed: int = 0
    earned: int = 0

    @property
    def held(self) -> int:
        return sum(count for pieces, _ in self.holds.values() for _, count in pieces)

    @property
    def spent(self) -> int:
        return sum(count for pieces in self.spends.values() for _, count in pieces)

    def live(self, on: date) -> int:
        return sum(count for key, count in self.lots.items() if lots.last_day(key) >= on)

    def do(self, deed: Callable[["Oracle"], None], at: datetime) -> None:
        """Do what is due, then the deed; a refusal changes nothing at all."""
        before = deepcopy(self.__dict__)
        try:
            self._due(at)
            deed(self)
        except Refused:
            self.__dict__.update(before)
            raise

    def _due(self, at: datetime) -> None:
        on = clock.day(at, ZONE)
        for number, (pieces, ends_at) in sorted(self.holds.items()):
            if ends_at is not None and ends_at <= at:
                del self.holds[number]
                self._give_back(pieces, on)
        for key in [key for key in self.lots if lots.last_day(key) < on]:
            self.lapsed += self.lots.pop(key)

    def earn(self, key: int, points: int, at: datetime) -> None:
        self._positive(points)
        self.earned += points
        self._give_back([(key, points)], clock.day(at, ZONE))

    def redeem(self, number: int, points: int) -> None:
        self.spends[number] = self._take(points)

    def hold(self, number: int, points: int, ends_at: datetime | None) -> None:
        self.holds[number] = (self._take(points), ends_at)

    def capture(self, number: int, of: int, points: int) -> None:
        if of not in self.holds:
            raise Refused
        pieces, ends_at = self.holds.pop(of)
        first, rest = self._split(pieces, points or sum(count for _, count in pieces))
        self.spends[number] = first
        if rest:
            self.holds[of] = (rest, ends_at)

    def release(self, of: int, points: int, at: datetime) -> None:
        if of not in self.holds:
            raise Refused
        pieces, ends_at = self.holds.pop(of)
        back, rest = self._split(pieces[::-1], points or sum(count for _, count in pieces))
        if rest:
            self.holds[of] = (rest[::-1], ends_at)
        self._give_back(back[::-1], clock.day(at, ZONE))

    def reverse(self, of: int, points: int, at: datetime) -> None:
        pieces = self.spends.get(of, [])
        if not pieces:
            raise Refused
        back, rest = self._split(pieces[::-1], points or sum(count for _, count in pieces))
        self.spends[of] = rest[::-1]
        self._give_back(back[::-1], clock.day(at, ZONE))

    def _take(self, points: int) -> Pieces:
        self._positive(points)
        taken, rest = [], points
        for key in sorted(self.lots):
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
            live = lots.last_day(key) >= on
            to = key if live else lots.key(on + GRACE, lots.lot_class(key))
            self.lots[to] = self.lots.get(to, 0) + count

    @staticmethod
    def _split(pieces: Pieces, points: int) -> tuple[Pieces, Pieces]:
        first: Pieces = []
        rest: Pieces = []
        for key, count in pieces:
            part = min(points, count)
            points -= part
            first += [(key, part)] if part else []
            rest += [(key, count - part)] if count > part else []
        if points:
            raise Refused
        return first, rest

    @staticmethod
    def _positive(points: int) -> None:
        if points < 1:
            raise Refused
