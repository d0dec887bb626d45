"""Where points came from: followed back, number by number, to the postings that brought them. Pure functions.

A lot's points are numbered as they enter and leave in the same order, so the number taken is the number given. Points
that came back (released, reversed, kept over a suspension) got new numbers; each stands for one of those that had gone,
last-taken first, and is followed on from there. What is left are postings that brought points from outside the wallet.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from points import lots
from points.kinds import GIVES, Kind
from points.lots import Interval

PASSED_ON = frozenset({Kind.CAPTURE, Kind.GIFT_OUT})  # they refer to a hold and bring nothing back


class Moved(NamedTuple):
    """What is needed of a posting: its number, kind, amount, what it refers to, and the points it took or gave.

    `contra`: the lapsed lot that a RESTORE brings back.
    """

    seq: int
    kind: Kind
    amount: int
    rev_of: int | None
    lots: tuple[Interval, ...]
    contra: int = 0


class Source(NamedTuple):
    """`count` points that posting `seq` brought, from its point number `first` on (0: its first one)."""

    seq: int
    first: int
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs here


class Untraceable(LookupError):
    """No posting gave these points: the ones handed over are not all that is needed, or the books are broken."""


def trace(postings: Iterable[Moved], seq: int) -> tuple[Source, ...]:
    """Where the points of posting `seq` came from, in the order in which it names them; their counts add up to it.

    `postings`: all of the member, or those that `History` needs. One without lots (debt alone) has no sources.
    """
    known = {posting.seq: posting for posting in postings}
    return History(known.values()).sources(known[seq].lots)


class _Give(NamedTuple):
    """An interval that a posting gave: its first number and its length, and how many points of the posting come before."""

    first: int
    length: int
    seq: int
    before: int


class History:
    """Postings that gave points, in which numbers are looked up.

    Needed are all gives of the lots that are asked for; for each that came back also its original, with everything else
    that came back of that; and so on for the originals' lots.
    """

    def __init__(self, postings: Iterable[Moved]) -> None:
        known = {posting.seq: posting for posting in postings}
        self._gives: dict[int, list[_Give]] = defaultdict(list)
        self._behind: dict[int, tuple[Interval, ...]] = {}
        returned: dict[int, int] = defaultdict(int)
        for seq in sorted(known):
            posting = known[seq]
            if posting.kind not in GIVES:
                continue
            before = 0
            for interval in posting.lots:
                self._gives[interval.key].append(_Give(interval.first, interval.count, seq, before))
                before += interval.count
            gone = comes_back_from(posting)
            if gone in known:
                self._behind[seq] = lots.tail_of(known[gone].lots, returned[gone], posting.amount)
                if posting.kind is Kind.REDATE_IN:  # all of it at once, in the order in which it went
                    self._behind[seq] = known[gone].lots
                if posting.kind is Kind.RESTORE:  # all that lapsed in one lot
                    lapsed = [one for one in known[gone].lots if one.key == posting.contra]
                    self._behind[seq] = tuple(lapsed)
                returned[gone] += posting.amount
            elif gone is not None:
                self._behind[seq] = ()
        for gives in self._gives.values():
            gives.sort()

    def sources(self, intervals: Sequence[Interval]) -> tuple[Source, ...]:
        """Where these points of the member came from, in the same order; Untraceable."""
        found: list[Source] = []
        waiting = list(reversed(intervals))
        while waiting:
            interval = waiting.pop()
            give = self._give_of(interval)
            skip = interval.first - give.first
            part = min(interval.count, give.length - skip)
            if part < interval.count:
                waiting.append(Interval(interval.key, interval.first + part, interval.count - part))
            if give.seq not in self._behind:
                _add(found, Source(give.seq, give.before + skip, part))
                continue
            behind = lots.head_of(self._behind[give.seq], give.before + skip, part)
            if sum(one.count for one in behind) != part:
                raise Untraceable(f"posting {give.seq} returned points that nothing took")
            waiting.extend(reversed(behind))
        return tuple(found)

    def _give_of(self, interval: Interval) -> _Give:
        gives = self._gives.get(interval.key, [])
        at = bisect_right(gives, interval.first, key=lambda give: give.first) - 1
        if at < 0 or gives[at].first + gives[at].length <= interval.first:
            raise Untraceable(f"point {interval.first} of lot {interval.key} was never given")
        return gives[at]


def comes_back_from(posting: Moved) -> int | None:
    """The posting whose points this one gives back under new numbers; None: it brings points from outside."""
    if posting.kind is Kind.REDATE_IN:
        return posting.seq - 1  # written together, one after the other
    return posting.rev_of if posting.kind in GIVES else None


def _add(found: list[Source], source: Source) -> None:
    last = found[-1] if found else None
    if last and last.seq == source.seq and last.first + last.count == source.first:
        found[-1] = Source(last.seq, last.first, last.count + source.count)
    else:
        found.append(source)
