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
    earns: dict[int, tuple[int, int]] = field(default_factory=dict)  # the lot, and what was not taken back
    sent: dict[int, Pieces] = field(default_factory=dict)  # gifts on their way, by who sent them
    lapsed: int = 0
    earned: int = 0
    adjusted: int = 0
    debt: int = 0
    on: date = date.min
    frozen: bool = False

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
        self.on = on
        for number, (pieces, ends_at) in sorted(self.holds.items()):
            if ends_at is not None and ends_at <= at:
                del self.holds[number]
                self._give_back(pieces, on)
        if self.frozen:  # keeps what lapses
            return
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

    # Beyond earning and spending

    def bill(self, number: int, key: int, points: int, at: datetime) -> None:
        """An earning that may be taken back; what is owed is repaid from it, soonest-lapsing points first."""
        self.earn(key, points, at)
        self.earns[number] = (self._landed(key, self.on), points)
        repaid = min(points, self.debt, self.live(self.on))
        if repaid:
            self._take(repaid)
            self.debt -= repaid

    def unearn(self, of: int, points: int) -> None:
        """Its own lot first, then the soonest-lapsing; what was spent already becomes debt."""
        key, left = self.earns.get(of, (0, 0))
        points = points or left
        if not 0 < points <= left:
            raise Refused
        self.earns[of] = (key, left - points)
        self.earned -= points
        own = min(points, self.lots.get(key, 0))
        if own:
            self.lots[key] -= own
        others = min(points - own, self.live(self.on))
        if others:
            self._take(others)
        self.debt += points - own - others

    def adjust_up(self, key: int, points: int) -> None:
        self._positive(points)
        self.adjusted += points
        self._give_back([(key, points)], self.on)

    def adjust_down(self, key: int | None, points: int) -> None:
        if key is None:
            self._take(points)
        elif not 0 < points <= self.lots.get(key, 0):
            raise Refused
        else:
            self.lots[key] -= points
        self.adjusted -= points

    def send(self, number: int, of: int, points: int) -> None:
        """Points that were set aside leave as a gift."""
        if of not in self.holds:
            raise Refused
        pieces, ends_at = self.holds.pop(of)
        first, rest = self._split(pieces, points or sum(count for _, count in pieces))
        self.sent[number] = first
        if rest:
            self.holds[of] = (rest, ends_at)

    def bring(self, pieces: Pieces) -> None:
        """Points of another's lots arrive."""
        self._give_back(pieces, self.on)

    def come_back(self, of: int, points: int) -> None:
        """A gift, or a part of it, that nobody took."""
        pieces = self.sent.get(of, [])
        if not pieces:
            raise Refused
        back, rest = self._split(pieces[::-1], points or sum(count for _, count in pieces))
        self.sent[of] = rest[::-1]
        self._give_back(back[::-1], self.on)

    def leave(self) -> tuple[Pieces, int]:
        """All that can be spent, and the debt, go to another membership."""
        if self.holds:
            raise Refused
        everything = self.live(self.on)
        left = (self._take(everything) if everything else []), self.debt
        self.debt = 0
        return left

    def clear(self) -> None:
        """A cancelled line: what is owed is repaid, all that is left lapses."""
        repaid = min(self.debt, self.live(self.on))
        if repaid:
            self._take(repaid)
            self.debt -= repaid
        if left := self.live(self.on):
            self._take(left)
            self.lapsed += left

    def take_over(self, debt: int) -> None:
        """Another membership's debt; what can be repaid is."""
        self._positive(debt)
        repaid = min(debt, self.live(self.on))
        if repaid:
            self._take(repaid)
        self.debt += debt - repaid

    def redate(self) -> None:
        """What lapsed while the line was frozen gets thirty days."""
        for key in sorted(key for key in self.lots if lots.last_day(key) < self.on):
            self._give_back([(key, self.lots.pop(key))], self.on)

    def _landed(self, key: int, on: date) -> int:
        return key if lots.last_day(key) >= on else lots.key(on + GRACE, lots.lot_class(key))

    def _take(self, points: int) -> Pieces:
        self._positive(points)
        taken, rest = [], points
        for key in sorted(key for key in self.lots if lots.last_day(key) >= self.on):
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
            to = self._landed(key, on)
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


# Spenders of a group


@dataclass
class Taken:
    """What one spender took at once: of which month, what is still held of it and till when, what came back."""

    spender: int
    month: tuple[int, int]
    points: int
    held: int = 0
    ends_at: datetime | None = None
    back: int = 0


@dataclass
class Spendings:
    """What spenders took of a group's points, as a plain list; a cap for each."""

    caps: dict[int, int]
    taken: dict[int, Taken] = field(default_factory=dict)

    def may(self, spender: int, points: int, at: datetime) -> bool:
        self.due(at)
        return self.spent(spender, _month(at)) + points <= self.caps[spender]

    def take(self, number: int, asked: Request) -> None:
        held = asked.points if asked.kind is Kind.HOLD else 0
        assert asked.spender_id is not None
        self.taken[number] = Taken(
            asked.spender_id, _month(asked.at), asked.points, held, asked.ends_at if held else None
        )

    def follow(self, number: int, of: int, kind: Kind, points: int) -> None:
        taken = self.taken[of]
        if kind is not Kind.REVERSE:
            taken.held -= points
        if kind is Kind.CAPTURE:
            self.taken[number] = taken  # what is taken back of a capture was taken by its hold
        else:
            taken.back += points

    def due(self, at: datetime) -> None:
        for taken in self.taken.values():
            if taken.ends_at is not None and taken.ends_at <= at:
                taken.back, taken.held = taken.back + taken.held, 0

    def spent(self, spender: int, month: tuple[int, int]) -> int:
        each = {id(taken): taken for taken in self.taken.values()}.values()
        return sum(t.points - t.back for t in each if (t.spender, t.month) == (spender, month))

    def all(self) -> dict[tuple[int, int, int], int]:
        """By spender, year and month; only months with something left."""
        places = {(taken.spender, taken.month) for taken in self.taken.values()}
        return {(s, *month): self.spent(s, month) for s, month in places if self.spent(s, month)}


def _month(at: datetime) -> tuple[int, int]:
    on = clock.day(at, ZONE)
    return on.year, on.month
