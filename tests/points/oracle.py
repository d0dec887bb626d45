"""A member's points as a plain list of lots, written without a look at the ledger: what the ledger is compared with.

Steps come from `histories()`: earn, redeem, hold, capture, release, reverse, expire, each after a jump in time;
`asked_for` says the same to the ledger, `same_in_oracle` to the oracle.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from base import clock
from points import kinds, lots
from points.deeds import Request
from points.kinds import FOREVER, Kind

ZONE = "Asia/Shanghai"
START = datetime(2026, 1, 1, tzinfo=UTC)
MEMBER = 42
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


JUMPS = (0, 0, 0, 1, 5 * 3600, 86_400, 9 * 86_400, 40 * 86_400)
FOLLOW_UPS = (Kind.CAPTURE, Kind.RELEASE, Kind.REVERSE)
KINDS = (
    Kind.EARN,
    Kind.EARN,
    Kind.REDEEM,
    Kind.REDEEM,
    Kind.HOLD,
    Kind.HOLD,
    *FOLLOW_UPS,
    *FOLLOW_UPS,
    Kind.EXPIRE,
)


@st.composite
def steps(draw: st.DrawFn, kinds: tuple[Kind, ...] = KINDS) -> Step:
    kind = draw(st.sampled_from(kinds))
    return Step(
        later=timedelta(seconds=draw(st.sampled_from(JUMPS))),
        kind=kind,
        points=draw(
            st.sampled_from([1, 2, 7, 10, 30, 100, 0] if kind not in FOLLOW_UPS else [0, 1, 2, 7, 10])
        ),
        life_days=draw(st.sampled_from([365, 31, 10, 1, 0, -10])),
        lot_class=draw(st.sampled_from([1, 2])),
        which=draw(st.integers(0, 5)),
        hold_hours=draw(st.sampled_from([None, None, 3, 48, 0])),
    )


def histories(most: int = 40) -> st.SearchStrategy[list[Step]]:
    """Lists of steps with points to begin with; jumps of seconds to weeks, lots that live from minus ten days to a year."""
    begin = st.lists(steps((Kind.EARN,)), min_size=2, max_size=4)
    return st.tuples(begin, st.lists(steps(), min_size=5, max_size=most)).map(
        lambda parts: parts[0] + parts[1]
    )


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


def request(number: int, kind: Kind, points: int, at: datetime = START, **more: object) -> Request:
    return Request(MEMBER, UUID(int=number), kind, points, at, ZONE, **more)  # type: ignore[arg-type]


def in_days(days: int, lot_class: int = 1, at: datetime = START) -> int:
    return lots.key(clock.day(at, ZONE) + timedelta(days=days), lot_class)


def full(first_day: int = 0) -> list[int]:
    """As many lots as a wallet holds, opened in this order: a day apart, and at last some without an end."""
    days = [in_days(first_day + n) for n in range(lots.QUARTERS_FROM)]
    return days + [lots.key(lots.NO_END, 10 + n) for n in range(lots.MOST_LOTS - len(days))]


def same_in_oracle(oracle: Oracle, number: int, step: Step, asked: Request, of: int) -> None:
    """Tell the oracle what the ledger is asked."""
    at = asked.at
    deeds = {
        Kind.EARN: lambda o: o.earn(asked.lot_key, step.points, at),
        Kind.REDEEM: lambda o: o.redeem(number, step.points),
        Kind.HOLD: lambda o: o.hold(number, step.points, asked.ends_at),
        Kind.CAPTURE: lambda o: o.capture(number, of, step.points),
        Kind.RELEASE: lambda o: o.release(of, step.points, at),
        Kind.REVERSE: lambda o: o.reverse(of, step.points, at),
        Kind.EXPIRE: lambda o: None,
    }
    oracle.do(deeds[step.kind], at)


def asked_for(
    made: dict[int, tuple[Kind, int]], number: int, step: Step, at: datetime
) -> tuple[Request, int]:
    """The ledger's request for a step, and the number of the earlier step that it refers to: mostly one that fits."""
    fitting = [n for n, (kind, _) in made.items() if kind in kinds.FOLLOWS.get(step.kind, ())]
    numbers = fitting if fitting and step.which < 5 else sorted(made)
    of = numbers[-1 - step.which % len(numbers)] if numbers else -1
    more: dict[str, object] = {}
    if step.kind is Kind.EARN:
        more["lot_key"] = in_days(step.life_days, step.lot_class, at)
    if step.kind is Kind.HOLD:
        more["ends_at"] = FOREVER if step.hold_hours is None else at + timedelta(hours=step.hold_hours)
    if step.kind in FOLLOW_UPS:
        more["rev_of"] = made[of][1] if of in made else 10**6
    return request(number, step.kind, step.points, at, **more), of
