"""Lots: points of one class that lapse on the same day, as two counters - points ever given, points ever taken.

A lot's key holds its last day and its class, so that key order is spending order. Its points are numbered 0, 1, 2 ...;
an interval (key, first, count) names those that a posting took or gave. Pure functions; nothing here knows a database.

An extension lays a later last day over the lots of a class, whose keys stay as they are. A calendar holds those that
were announced by a moment; `lasting` is the one function that reads it. Mostly it is empty and costs nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

EPOCH = date(1970, 1, 1)
_EPOCH_DAY = EPOCH.toordinal()
CLASS_BITS = 15
NO_END = date(2149, 6, 6)  # the last day that a key can hold: these points do not lapse
_CLASS, _NO_END_DAY = (1 << CLASS_BITS) - 1, (NO_END - EPOCH).days
MOST_LOTS = 64
QUARTERS_FROM, YEARS_FROM = 56, 60  # so many lots, and a new one lasts to the end of its quarter, of its year
MANY_LOTS = 48  # somebody should look why
MOST_IN_A_LOT = 2**56  # points ever given; so many in as many lots still fit the column of the balance
GRACE_DAYS = 30


class Interval(NamedTuple):
    """`count` points of the lot `key`, from number `first` on."""

    key: int
    first: int
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs here


class Lots(NamedTuple):
    """The lots of a wallet: keys ascending, points ever given, points ever taken."""

    keys: tuple[int, ...] = ()
    given: tuple[int, ...] = ()
    taken: tuple[int, ...] = ()

    def left(self, at: int) -> int:
        return self.given[at] - self.taken[at]


@dataclass(frozen=True, slots=True)
class Extension:
    """Points of a class that lapse from a day to a day last until `last_day`; counts from `announced_at` on.

    `from_day` and `until_day` NO_END: points without an end get a first one. `days`: the three, as keys have them.
    """

    lot_class: int
    from_day: date
    until_day: date
    last_day: date
    announced_at: datetime
    extension_id: int = 0
    days: tuple[int, int, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        days = [(day - EPOCH).days for day in (self.from_day, self.until_day, self.last_day)]
        object.__setattr__(self, "days", tuple(days))

    def covers(self, lot_key: int) -> bool:
        """Whether the lot is one of those; it is known by its own last day."""
        first, last, _ = self.days
        return self.lot_class == lot_key & _CLASS and first <= lot_key >> CLASS_BITS <= last


Calendar = tuple[Extension, ...]
NO_EXTENSIONS: Calendar = ()


def key(last_day: date, lot_class: int) -> int:
    """The key of the lot that lapses after `last_day` (inclusive) and holds points of a class (0 to 32767)."""
    return (last_day - EPOCH).days << CLASS_BITS | lot_class


def last_day(lot_key: int) -> date:
    """The last day on which the lot's points can be spent."""
    return EPOCH + timedelta(days=lot_key >> CLASS_BITS)


def lot_class(lot_key: int) -> int:
    """The class of the lot's points: their kind and who funded them."""
    return lot_key & _CLASS


def first_live(on: date) -> int:
    """The smallest key that is still live on a day."""
    return (on.toordinal() - _EPOCH_DAY) << CLASS_BITS


def announced(extensions: Calendar, at: datetime) -> Calendar:
    """Those that count at a moment."""
    return tuple(one for one in extensions if one.announced_at <= at)


def lasting(lot_key: int, calendar: Calendar) -> int:
    """The key with the day until which the lot really lasts: its own, or the latest that an extension gives it.

    A day is never moved forward, except that points without an end get a first one.
    """
    latest, own = 0, lot_key >> CLASS_BITS
    for one in calendar:
        if one.days[2] > latest and one.covers(lot_key):
            latest = one.days[2]
    if latest > own or (latest and own == _NO_END_DAY):
        return latest << CLASS_BITS | lot_key & _CLASS
    return lot_key


def live(lots: Lots, on: date, calendar: Calendar = NO_EXTENSIONS) -> int:
    """How many points can be spent on a day."""
    floor = first_live(on)
    if calendar:
        return sum(g - t for k, g, t in zip(*lots, strict=True) if lasting(k, calendar) >= floor)
    return sum(g - t for k, g, t in zip(*lots, strict=True) if k >= floor)


def in_order(lots: Lots, calendar: Calendar) -> Iterator[tuple[int, int]]:
    """The place of each lot and the key with its real last day, soonest-lapsing first."""
    if not calendar:
        return enumerate(lots.keys)
    return iter(
        sorted(
            ((at, lasting(lot_key, calendar)) for at, lot_key in enumerate(lots.keys)),
            key=lambda found: (found[1], found[0]),
        )
    )


def take(
    lots: Lots, points: int, on: date, calendar: Calendar = NO_EXTENSIONS
) -> tuple[Lots, tuple[Interval, ...]]:
    """Take up to `points` from the live lots, soonest-lapsing first; the intervals say what was there to take."""
    if not points:
        return lots, ()
    floor, wanted, found = first_live(on), points, []
    taken = list(lots.taken)
    for at, until in in_order(lots, calendar):
        left = lots.given[at] - taken[at]
        if until < floor or not left:
            continue
        count = min(wanted, left)
        found.append(Interval(lots.keys[at], taken[at], count))
        taken[at] += count
        wanted -= count
        if not wanted:
            break
    return Lots(lots.keys, lots.given, tuple(taken)), tuple(found)


def take_from(lots: Lots, lot_key: int, points: int) -> tuple[Lots, tuple[Interval, ...]]:
    """Take up to `points` from one lot; nothing when it is not there."""
    if lot_key not in lots.keys:
        return lots, ()
    at = lots.keys.index(lot_key)
    count = min(points, lots.left(at))
    if not count:
        return lots, ()
    taken = (*lots.taken[:at], lots.taken[at] + count, *lots.taken[at + 1 :])
    return lots._replace(taken=taken), (Interval(lot_key, lots.taken[at], count),)


def take_lapsed(
    lots: Lots, on: date, calendar: Calendar = NO_EXTENSIONS
) -> tuple[Lots, tuple[Interval, ...]]:
    """Take all that is left in lots whose last day has passed."""
    floor = first_live(on)
    if calendar:
        past = {k for k in lots.keys if lasting(k, calendar) < floor}
        found = tuple(Interval(k, t, g - t) for k, g, t in zip(*lots, strict=True) if k in past and g > t)
        emptied = tuple(g if k in past else t for k, g, t in zip(*lots, strict=True))
        return lots._replace(taken=emptied), found
    if not lots.keys or lots.keys[0] >= floor:
        return lots, ()
    found = tuple(
        Interval(lot_key, lots.taken[at], lots.left(at))
        for at, lot_key in enumerate(lots.keys)
        if lot_key < floor and lots.left(at)
    )
    emptied = tuple(g if k < floor else t for k, g, t in zip(*lots, strict=True))
    return lots._replace(taken=emptied), found


def give(lots: Lots, lot_key: int, count: int) -> tuple[Lots, Interval]:
    """Give points to a lot, which is opened when it is not there; they get the next numbers."""
    if lot_key in lots.keys:
        at = lots.keys.index(lot_key)
        given = (*lots.given[:at], lots.given[at] + count, *lots.given[at + 1 :])
        return lots._replace(given=given), Interval(lot_key, lots.given[at], count)
    at = sum(k < lot_key for k in lots.keys)
    opened = Lots(
        (*lots.keys[:at], lot_key, *lots.keys[at:]),
        (*lots.given[:at], count, *lots.given[at:]),
        (*lots.taken[:at], 0, *lots.taken[at:]),
    )
    return opened, Interval(lot_key, 0, count)


def without_past(lots: Lots, on: date) -> Lots:
    """Drop empty lots whose own last day has passed, extended or not: such a key is never opened again, see `landing`."""
    floor = first_live(on)
    if not lots.keys or lots.keys[0] >= floor:
        return lots
    keep = [at for at, k in enumerate(lots.keys) if k >= floor or lots.left(at)]
    return Lots(*(tuple(column[at] for at in keep) for column in lots))


def landing(
    lot_key: int,
    on: date,
    grace_days: int = GRACE_DAYS,
    calendar: Calendar = NO_EXTENSIONS,
    there: tuple[int, ...] = (),
) -> int:
    """Where points meant for a lot go: to it while it is live, else to a lot that lives some days more.

    A lot past its own day that an extension keeps alive takes them where the wallet has it (`there`); opened anew,
    its numbers would begin again, so the points then go to the lot of the extension's day.
    """
    floor = first_live(on)
    until = lasting(lot_key, calendar) if calendar else lot_key
    if until >= floor:
        return lot_key if lot_key >= floor or lot_key in there else until
    return key(on + timedelta(days=grace_days), lot_class(lot_key))


def with_room(lots: Lots, lot_key: int, calendar: Calendar = NO_EXTENSIONS) -> int | None:
    """The key itself while the wallet has room for one lot more; None: nowhere to go without losing life.

    As room gets short a new lot lasts to the end of its quarter, then of its year; where there is none left at all,
    its points join the next later lot of their class.
    """
    if lot_key in lots.keys or len(lots.keys) < QUARTERS_FROM:
        return lot_key
    until = lasting(lot_key, calendar)
    if len(lots.keys) < MOST_LOTS and last_day(until) == NO_END:
        return lot_key
    for room, months in ((YEARS_FROM, 3), (MOST_LOTS, 12)):
        rounded = _rounded_up(until, months)
        if (rounded in lots.keys or len(lots.keys) < room) and lasting(rounded, calendar) >= until:
            return rounded
    later = [(lasting(k, calendar), k) for k in lots.keys if lot_class(k) == lot_class(lot_key)]
    return min(((u, k) for u, k in later if u >= until), default=(0, None))[1]


def _rounded_up(lot_key: int, months: int) -> int:
    """The same class at the end of the quarter (3 months) or year (12) of its last day; never past NO_END."""
    day = last_day(lot_key)
    month = -(-day.month // months) * months
    end = date(day.year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    return key(min(end, NO_END), lot_class(lot_key))


def head_of(intervals: tuple[Interval, ...], skip: int, count: int) -> tuple[Interval, ...]:
    """`count` points of the intervals from the front, after `skip`."""
    found = []
    for interval in intervals:
        dropped = min(skip, interval.count)
        part = min(count, interval.count - dropped)
        if part:
            found.append(Interval(interval.key, interval.first + dropped, part))
        skip, count = skip - dropped, count - part
    return tuple(found)


def tail_of(intervals: tuple[Interval, ...], skip: int, count: int) -> tuple[Interval, ...]:
    """`count` points of the intervals from the back, after `skip`, last-taken first."""
    found = []
    for interval in reversed(intervals):
        dropped = min(skip, interval.count)
        part = min(count, interval.count - dropped)
        if part:
            found.append(Interval(interval.key, interval.first + interval.count - dropped - part, part))
        skip, count = skip - dropped, count - part
    return tuple(found)


def well_formed(lots: Lots) -> bool:
    """Keys ascending, counters in range, columns of one length, not too many."""
    return (
        len(lots.keys) == len(lots.given) == len(lots.taken) <= MOST_LOTS
        and all(a < b for a, b in pairwise(lots.keys))
        and all(0 <= t <= g for g, t in zip(lots.given, lots.taken, strict=True))
    )
