"""Lots: points of one class that lapse on the same day, as two counters - points ever given, points ever taken.

A lot's key holds its last day and its class, so that key order is spending order. Its points are numbered 0, 1, 2 ...;
an interval (key, first, count) names those that a posting took or gave. Pure functions; nothing here knows a database.
"""

from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

EPOCH = date(1970, 1, 1)
_EPOCH_DAY = EPOCH.toordinal()
CLASS_BITS = 15
NO_END = date(2149, 6, 6)  # the last day that a key can hold: these points do not lapse
MOST_LOTS = 64
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


def key(last_day: date, lot_class: int) -> int:
    """The key of the lot that lapses after `last_day` (inclusive) and holds points of a class (0 to 32767)."""
    return (last_day - EPOCH).days << CLASS_BITS | lot_class


def last_day(lot_key: int) -> date:
    """The last day on which the lot's points can be spent."""
    return EPOCH + timedelta(days=lot_key >> CLASS_BITS)


def lot_class(lot_key: int) -> int:
    """The class of the lot's points: their kind and who funded them."""
    return lot_key & ((1 << CLASS_BITS) - 1)


def first_live(on: date) -> int:
    """The smallest key that is still live on a day."""
    return (on.toordinal() - _EPOCH_DAY) << CLASS_BITS


def live(lots: Lots, on: date) -> int:
    """How many points can be spent on a day."""
    floor = first_live(on)
    return sum(g - t for k, g, t in zip(*lots, strict=True) if k >= floor)


def take(lots: Lots, points: int, on: date) -> tuple[Lots, tuple[Interval, ...]]:
    """Take up to `points` from the live lots, soonest-lapsing first; the intervals say what was there to take."""
    if not points:
        return lots, ()
    floor, wanted, found = first_live(on), points, []
    taken = list(lots.taken)
    for at, (lot_key, given, before) in enumerate(zip(*lots, strict=True)):
        if lot_key < floor or given == before:
            continue
        count = min(wanted, given - before)
        found.append(Interval(lot_key, before, count))
        taken[at] = before + count
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


def take_lapsed(lots: Lots, on: date) -> tuple[Lots, tuple[Interval, ...]]:
    """Take all that is left in lots whose last day has passed."""
    floor = first_live(on)
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
    """Drop empty lots whose last day has passed: their keys never return."""
    floor = first_live(on)
    if not lots.keys or lots.keys[0] >= floor:
        return lots
    keep = [at for at, k in enumerate(lots.keys) if k >= floor or lots.left(at)]
    return Lots(*(tuple(column[at] for at in keep) for column in lots))


def landing(lot_key: int, on: date, grace_days: int = GRACE_DAYS) -> int:
    """Where points meant for a lot go: to it while it is live, else to a lot that lives some days more."""
    if lot_key >= first_live(on):
        return lot_key
    return key(on + timedelta(days=grace_days), lot_class(lot_key))


def with_room(lots: Lots, lot_key: int) -> int | None:
    """The key itself while the wallet can hold one lot more; else the next later lot of its class; None: there is none."""
    if lot_key in lots.keys or len(lots.keys) < MOST_LOTS:
        return lot_key
    return next((k for k in lots.keys if k > lot_key and lot_class(k) == lot_class(lot_key)), None)


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
