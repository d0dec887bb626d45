"""What can be asked of a wallet, and what becomes of it: pure functions from a wallet and a request to postings.

`run` first does what is due anyway (holds that ran out, lots that lapsed), then the deed, then repayment of debt.
Each deed is one small generator of steps; a refusal is a named error, and then nothing is written.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from base import clock
from base.errors import NotAllowed
from points import caps, lots, postings
from points.kinds import FOLLOWS, FOREVER, MOST_POINTS, Kind, State
from points.lots import Calendar, Interval, Lots
from points.postings import Posting, Wallet
from points.refusals import (
    HoldEnded,
    LineStillOpen,
    LotsFull,
    MemberClosed,
    MemberFrozen,
    MemberMerged,
    MemberTooNew,
    MoreThanLeft,
    NotEnoughPoints,
    PointsFrozen,
    PointsHeld,
    PointsOutOfRange,
    QuoteChanged,
    StillLapsed,
)


class Request(NamedTuple):
    """What is asked of a wallet. `points` 0 with a deed that follows an earlier one means all that is left of it.

    `lot_key` names the lot of an EARN, an adjustment or a RESTORE; `quoted` the exact points of a REDEEM or HOLD, or what a GIFT_IN
    or MERGE_IN brings (key, 0, count); `rev_of` the number of the original.
    """

    member_id: int
    idem: UUID
    kind: Kind
    points: int
    at: datetime
    zone: str
    lot_key: int = 0
    quoted: tuple[Interval, ...] = ()
    rev_of: int | None = None
    ends_at: datetime | None = None
    contra: int = 0
    version_id: int = 0
    value_fen: int | None = None
    ref: str | None = None
    spender_id: int | None = None

    @property
    def hash(self) -> int:
        """The first 64 bits of sha256 over everything but the moment; signed, as bigint is."""
        text = repr((int(self.kind), self.points, self.lot_key, self.quoted, self.rev_of, self.contra,
                     self.version_id, self.value_fen, self.ref, self.spender_id))  # fmt: skip
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


class Original(NamedTuple):
    """A posting that a request refers to, with what came of it so far."""

    posting: Posting
    captured: int = 0
    returned: int = 0

    @property
    def open(self) -> int:
        return self.posting.amount - self.captured - self.returned


class Known(NamedTuple):
    """What was read beside the wallet: overdue holds, what the request follows, a spender's cap, extensions."""

    overdue: tuple[Original, ...] = ()
    original: Original | None = None
    allowance: caps.Allowance | None = None
    calendar: Calendar = lots.NO_EXTENSIONS


class Outcome(NamedTuple):
    """The wallet after a request, and its postings; the deed is the one that was asked for."""

    wallet: Wallet
    postings: tuple[Posting, ...] = ()

    @property
    def deed(self) -> Posting | None:
        return deed_of(self.postings)


BESIDE = frozenset({Kind.TIMEOUT, Kind.EXPIRE, Kind.REPAY})  # what falls due with a deed


def deed_of(postings: tuple[Posting, ...]) -> Posting | None:
    """The posting that was asked for, among those that fell due with it."""
    asked = [p for p in postings if p.kind not in BESIDE]
    return asked[0] if asked else (postings[0] if postings else None)


Step = tuple[Kind, int, tuple[Interval, ...], Posting | None]


class Scene(NamedTuple):
    """A deed's surroundings: the wallet, the request, what was read beside it, and the lots after what was due.

    `calendar`: the extensions that count at the moment of the deed.
    """

    wallet: Wallet
    request: Request
    known: Known
    pot: Lots
    on: date
    at: datetime
    calendar: Calendar


NOTHING_KNOWN = Known()


def run(wallet: Wallet, request: Request, known: Known = NOTHING_KNOWN) -> Outcome:
    """Do a request: first what is due anyway, then the deed, then repayment. Raises a named refusal."""
    seen, done = wallet.seq, []
    at = max(request.at, wallet.at)
    on, request_hash = clock.day(at, request.zone), request.hash
    for part, (kind, points, intervals, original) in enumerate(_steps(wallet, request, known, on, at)):
        deed = kind is request.kind
        balance, held, debt = postings.EFFECT[kind]
        posting = Posting(
            wallet.member_id,
            wallet.seq + 1,
            points,
            wallet.balance + balance * points,
            wallet.held + held * points,
            wallet.debt + debt * points,
            request.contra if deed else 0,
            request.version_id if deed else 0,
            request_hash,
            at,
            on,
            part,
            kind,
            request.idem,
            intervals,
            original.seq if original else None,
            original.spender_id if original else request.spender_id if deed else None,
            request.value_fen if deed else None,
            request.ends_at if kind is Kind.HOLD else None,
            request.ref if deed else None,
        )
        posting = postings.seal(posting, wallet.head)
        wallet = postings.apply(wallet, posting, seen)
        done.append(posting)
    return Outcome(wallet, tuple(done))


def _steps(wallet: Wallet, request: Request, known: Known, on: date, at: datetime) -> Iterator[Step]:
    calendar = known.calendar and lots.announced(known.calendar, at)
    pot = lots.without_past(wallet.lots, on)
    for overdue in known.overdue:
        pot, back = _give_back(pot, overdue.posting.lots, overdue.returned, overdue.open, on, calendar)
        yield Kind.TIMEOUT, overdue.open, back, overdue.posting
    if wallet.state is not State.FROZEN:  # a frozen line keeps its lapsing lots
        pot, lapsed = lots.take_lapsed(pot, on, calendar)
        if lapsed:
            yield Kind.EXPIRE, _total(lapsed), lapsed, None
        pot = lots.without_past(pot, on)
    if request.kind is Kind.EXPIRE:
        return
    _allowed(wallet, request.kind)
    least = 0 if request.kind in FOLLOWS or request.kind in _ALL_OF_IT else 1
    if not least <= request.points <= MOST_POINTS:
        raise PointsOutOfRange(points=request.points)
    if request.kind not in _DEEDS:
        raise MoreThanLeft(left=0)  # it only falls due, nobody asks for it
    yield from _DEEDS[request.kind](Scene(wallet, request, known, pot, on, at, calendar))


def _earn(scene: Scene) -> Iterator[Step]:
    """Points enter their lot, or where that has lapsed its grace lot; open debt is repaid from what can be spent."""
    pot, given = _give(scene.pot, scene.request.lot_key, scene.request.points, scene.on, scene.calendar)
    yield Kind.EARN, scene.request.points, (given,), None
    if scene.wallet.debt:
        _, repaid = lots.take(pot, min(scene.wallet.debt, scene.request.points), scene.on, scene.calendar)
        yield Kind.REPAY, _total(repaid), repaid, None


def _unearn(scene: Scene) -> Iterator[Step]:
    """Take an earn back: from its own lot, then the soonest-lapsing, and what was spent already becomes debt."""
    original = _original(scene)
    points = scene.request.points or original.open
    if not 0 < points <= original.open:
        raise MoreThanLeft(left=original.open)
    pot, own = lots.take_from(scene.pot, original.posting.lots[0].key, points)
    _, others = lots.take(pot, points - _total(own), scene.on, scene.calendar)
    covered = _total(own) + _total(others)
    if covered:
        yield Kind.UNEARN, covered, _merged((*own, *others)), original.posting
    if covered < points:
        yield Kind.OWE, points - covered, (), original.posting


def _spend(scene: Scene) -> Iterator[Step]:
    """Redeem or set aside: soonest-lapsing lots first; with a quote exactly the quoted points."""
    request = scene.request
    if request.spender_id is not None:
        ran_out = [(hold.posting, hold.open) for hold in scene.known.overdue]
        caps.check(scene.known.allowance, request.spender_id, request.points, scene.on, ran_out)
    _, taken = lots.take(scene.pot, request.points, scene.on, scene.calendar)
    if _total(taken) < request.points:
        raise NotEnoughPoints(balance=_total(taken), needed=request.points)
    if request.quoted and taken != request.quoted:
        raise QuoteChanged()
    yield request.kind, request.points, taken, None


def _pass_on(scene: Scene) -> Iterator[Step]:
    """Held points leave: captured, or sent as a gift; first-taken first."""
    original, points = _of_hold(scene)
    taken = lots.head_of(original.posting.lots, original.captured, points)
    yield scene.request.kind, points, taken, original.posting


def _release(scene: Scene) -> Iterator[Step]:
    """Held points go back to the same lots; last-taken first."""
    original, points = _of_hold(scene)
    _, back = _give_back(
        scene.pot, original.posting.lots, original.returned, points, scene.on, scene.calendar
    )
    yield Kind.RELEASE, points, back, original.posting


def _return(scene: Scene) -> Iterator[Step]:
    """What was redeemed, or sent and not taken, comes back to its own lots; last-taken first."""
    original = _original(scene)
    points = scene.request.points or original.open
    if not 0 < points <= original.open:
        raise MoreThanLeft(left=original.open)
    _, back = _give_back(
        scene.pot, original.posting.lots, original.returned, points, scene.on, scene.calendar
    )
    yield scene.request.kind, points, back, original.posting


def _bring(scene: Scene) -> Iterator[Step]:
    """Points of somebody else's lots arrive and keep their last day."""
    request, pot, given = scene.request, scene.pot, []
    if _total(request.quoted) != request.points:
        raise PointsOutOfRange(points=request.points)
    for interval in request.quoted:
        pot, one = _give(pot, interval.key, interval.count, scene.on, scene.calendar)
        given.append(one)
    yield request.kind, request.points, tuple(given), None


def _adjust_up(scene: Scene) -> Iterator[Step]:
    """Points more, approved by a second person, into a named lot."""
    _, given = _give(scene.pot, scene.request.lot_key, scene.request.points, scene.on, scene.calendar)
    yield Kind.ADJUST_UP, scene.request.points, (given,), None


def _adjust_down(scene: Scene) -> Iterator[Step]:
    """Points fewer, approved by a second person, from a named lot or the soonest-lapsing ones."""
    request = scene.request
    if request.lot_key:
        _, taken = lots.take_from(scene.pot, request.lot_key, request.points)
    else:
        _, taken = lots.take(scene.pot, request.points, scene.on, scene.calendar)
    if _total(taken) < request.points:
        raise NotEnoughPoints(balance=_total(taken), needed=request.points)
    yield Kind.ADJUST_DOWN, request.points, taken, None


def _merge_out(scene: Scene) -> Iterator[Step]:
    """All that can be spent leaves for the survivor, and so does the debt; nothing may be set aside."""
    if scene.wallet.held - sum(overdue.open for overdue in scene.known.overdue):
        raise PointsHeld(held=scene.wallet.held)
    everything = lots.live(scene.pot, scene.on, scene.calendar)
    if everything:
        _, taken = lots.take(scene.pot, everything, scene.on, scene.calendar)
        yield Kind.MERGE_OUT, everything, taken, None
    if scene.wallet.debt:
        yield Kind.MERGE_DEBT_OUT, scene.wallet.debt, (), None


def _merge_debt_in(scene: Scene) -> Iterator[Step]:
    """The survivor takes the debt over, and repays what it can at once."""
    yield Kind.MERGE_DEBT_IN, scene.request.points, (), None
    _, repaid = lots.take(scene.pot, scene.request.points, scene.on, scene.calendar)
    if repaid:
        yield Kind.REPAY, _total(repaid), repaid, None


def _redate(scene: Scene) -> Iterator[Step]:
    """After a freeze: what lapsed meanwhile gets the stated grace, through TRANSIT and back in one write."""
    pot, lapsed = lots.take_lapsed(scene.pot, scene.on, scene.calendar)
    if not lapsed:
        return
    yield Kind.REDATE_OUT, _total(lapsed), lapsed, None
    given = []
    for interval in lapsed:
        pot, one = _give(pot, interval.key, interval.count, scene.on, scene.calendar)
        given.append(one)
    yield Kind.REDATE_IN, _total(lapsed), tuple(given), None


def _restore(scene: Scene) -> Iterator[Step]:
    """All that lapsed in one lot comes back: an extension announced later gives that lot a last day to come."""
    original, lot_key = _original(scene), scene.request.lot_key
    lapsed = sum(interval.count for interval in original.posting.lots if interval.key == lot_key)
    if not lapsed or lapsed > original.open or scene.request.points not in (0, lapsed):
        raise MoreThanLeft(left=min(lapsed, original.open))
    if lots.lasting(lot_key, scene.calendar) < lots.first_live(scene.on):
        raise StillLapsed()
    _, given = _give(scene.pot, lot_key, lapsed, scene.on, scene.calendar)
    yield Kind.RESTORE, lapsed, (given,), original.posting


def _close_out(scene: Scene) -> Iterator[Step]:
    """A cancelled line is cleared: what is owed is repaid first, all that is left lapses at once."""
    if scene.wallet.state is not State.CLOSED:
        raise LineStillOpen()
    pot, repaid = lots.take(scene.pot, scene.wallet.debt, scene.on, scene.calendar)
    if repaid:
        yield Kind.REPAY, _total(repaid), repaid, None
    _, left = lots.take(pot, lots.live(pot, scene.on, scene.calendar), scene.on, scene.calendar)
    if left:
        yield Kind.CLOSE_OUT, _total(left), left, None


_ALL_OF_IT = frozenset({Kind.MERGE_OUT, Kind.REDATE_OUT, Kind.CLOSE_OUT})
_DEEDS: dict[Kind, Callable[[Scene], Iterator[Step]]] = {
    Kind.EARN: _earn,
    Kind.UNEARN: _unearn,
    Kind.REDEEM: _spend,
    Kind.HOLD: _spend,
    Kind.CAPTURE: _pass_on,
    Kind.GIFT_OUT: _pass_on,
    Kind.RELEASE: _release,
    Kind.REVERSE: _return,
    Kind.GIFT_RETURN: _return,
    Kind.GIFT_IN: _bring,
    Kind.MERGE_IN: _bring,
    Kind.ADJUST_UP: _adjust_up,
    Kind.ADJUST_DOWN: _adjust_down,
    Kind.MERGE_OUT: _merge_out,
    Kind.MERGE_DEBT_IN: _merge_debt_in,
    Kind.REDATE_OUT: _redate,
    Kind.CLOSE_OUT: _close_out,
    Kind.RESTORE: _restore,
}
_REFUSED: dict[State, dict[Kind, type[NotAllowed]]] = {
    State.NEW: dict.fromkeys((Kind.REDEEM, Kind.HOLD), MemberTooNew),
    State.FROZEN: dict.fromkeys((Kind.REDEEM, Kind.HOLD), MemberFrozen),
    State.CLOSED: dict.fromkeys(
        (Kind.REDEEM, Kind.HOLD, Kind.EARN, Kind.GIFT_IN, Kind.RESTORE), MemberClosed
    ),
    State.MERGED: dict.fromkeys(_DEEDS.keys() - {Kind.MERGE_OUT}, MemberMerged),
}
# What a wallet that is frozen by hand does not do: what was set aside before goes on, but for gifts.
_STOPPED = frozenset({Kind.REDEEM, Kind.HOLD, Kind.GIFT_OUT, Kind.MERGE_OUT})


def _allowed(wallet: Wallet, kind: Kind) -> None:
    """MemberTooNew, MemberFrozen, MemberClosed or MemberMerged where the line's state does not allow the deed; PointsFrozen."""
    refusal = _REFUSED.get(wallet.state, {}).get(kind)
    if refusal is None and wallet.stopped and kind in _STOPPED:
        refusal = PointsFrozen
    if refusal:
        raise refusal()


def _original(scene: Scene) -> Original:
    """What the request follows; MoreThanLeft where it names nothing of the right kind."""
    found = scene.known.original
    if found is None or found.posting.kind not in FOLLOWS[scene.request.kind]:
        raise MoreThanLeft(left=0)
    return found


def _of_hold(scene: Scene) -> tuple[Original, int]:
    """The hold that a request ends, and how much of it; HoldEnded after its end, swept or not."""
    original = _original(scene)
    if original.open == 0 or (original.posting.ends_at or FOREVER) <= scene.at:
        raise HoldEnded()
    points = scene.request.points or original.open
    if points > original.open:
        raise MoreThanLeft(left=original.open)
    return original, points


def _give(
    pot: Lots, lot_key: int, points: int, on: date, calendar: Calendar = lots.NO_EXTENSIONS
) -> tuple[Lots, Interval]:
    """To the lot while it is live, else to its grace lot; where a wallet is full of lots, to a later one."""
    room = lots.with_room(pot, lots.landing(lot_key, on, calendar=calendar, there=pot.keys), calendar)
    if room is None:
        raise LotsFull()
    pot, given = lots.give(pot, room, points)
    if given.first + given.count > lots.MOST_IN_A_LOT:
        raise PointsOutOfRange(points=points)
    return pot, given


def _give_back(
    pot: Lots,
    taken: tuple[Interval, ...],
    skip: int,
    points: int,
    on: date,
    calendar: Calendar = lots.NO_EXTENSIONS,
) -> tuple[Lots, tuple[Interval, ...]]:
    """Last-taken points first, each to its own lot or, where that has lapsed, to its grace lot."""
    back = []
    for interval in lots.tail_of(taken, skip, points):
        pot, given = _give(pot, interval.key, interval.count, on, calendar)
        back.append(given)
    return pot, tuple(back)


def _merged(intervals: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """Neighbouring intervals of one lot as one."""
    found: list[Interval] = []
    for interval in intervals:
        last = found[-1] if found else None
        if last and last.key == interval.key and last.first + last.count == interval.first:
            found[-1] = Interval(last.key, last.first, last.count + interval.count)
        else:
            found.append(interval)
    return tuple(found)


def _total(intervals: tuple[Interval, ...]) -> int:
    return sum([interval.count for interval in intervals])
