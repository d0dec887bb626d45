"""The ledger's heart: pure functions from a wallet and a request to the next wallet and its postings.

A posting moves a positive number of points between two different classes, so an unbalanced one cannot be written.
Each posting carries the hash of the one before: sha256(head || canonical(posting)). No database, no clock, no random.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from uuid import UUID

from base import clock
from base.errors import Conflict, Invalid, NotAllowed
from points import lots
from points.lots import Interval, Lots

FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
MOST_POINTS = 10**15
NO_LOTS = Lots()


class Side(IntEnum):
    """Classes of account: the member's (1-3) and the house's (11-15)."""

    AVAILABLE = 1
    HELD = 2
    DEBT = 3
    ISSUED = 11
    REDEEMED = 12
    LAPSED = 13
    TRANSIT = 14
    ADJUSTED = 15


class Kind(IntEnum):
    """What a posting does."""

    EARN = 1
    REPAY = 4
    REDEEM = 5
    HOLD = 6
    CAPTURE = 7
    RELEASE = 8
    TIMEOUT = 9
    REVERSE = 10
    EXPIRE = 11


class State(IntEnum):
    """State of a wallet, set by events of the line."""

    NEW = 1
    OPEN = 2
    FROZEN = 3
    CLOSED = 4


SIDES: dict[Kind, tuple[Side, Side]] = {
    Kind.EARN: (Side.ISSUED, Side.AVAILABLE),
    Kind.REPAY: (Side.AVAILABLE, Side.DEBT),
    Kind.REDEEM: (Side.AVAILABLE, Side.REDEEMED),
    Kind.HOLD: (Side.AVAILABLE, Side.HELD),
    Kind.CAPTURE: (Side.HELD, Side.REDEEMED),
    Kind.RELEASE: (Side.HELD, Side.AVAILABLE),
    Kind.TIMEOUT: (Side.HELD, Side.AVAILABLE),
    Kind.REVERSE: (Side.REDEEMED, Side.AVAILABLE),
    Kind.EXPIRE: (Side.AVAILABLE, Side.LAPSED),
}
TAKES = frozenset({Kind.REPAY, Kind.REDEEM, Kind.HOLD, Kind.EXPIRE})
GIVES = frozenset({Kind.EARN, Kind.RELEASE, Kind.TIMEOUT, Kind.REVERSE})
FOLLOWS: dict[
    Kind, tuple[Kind, ...]
] = {  # what a follow-up may refer to: nothing is given back that was not taken
    Kind.CAPTURE: (Kind.HOLD,),
    Kind.RELEASE: (Kind.HOLD,),
    Kind.REVERSE: (Kind.REDEEM, Kind.CAPTURE),
}


class NotEnoughPoints(Conflict):
    """There are not enough points."""

    zh = "积分不足。"
    next_en, next_zh = "Choose something smaller or collect a little more.", "请选择所需积分较少的权益。"


class QuoteChanged(Conflict):
    """The points of this quote are no longer the ones that would be taken."""

    zh = "报价所依据的积分已变化。"
    next_en, next_zh = "Ask for a fresh quote.", "请重新获取报价。"


class HoldEnded(Conflict):
    """This hold has ended; its points are back."""

    zh = "该笔预留已结束，积分已退回。"


class MoreThanLeft(Conflict):
    """More than is left of the original."""

    zh = "超过原交易的剩余数量。"


class MemberTooNew(NotAllowed):
    """This line is too new to redeem points."""

    zh = "入网时间不足，暂不能兑换。"


class MemberFrozen(NotAllowed):
    """This line is suspended; its points are kept."""

    zh = "号码已停机，积分保留但暂不能使用。"


class MemberClosed(NotAllowed):
    """This line was cancelled."""

    zh = "号码已销户。"


class PointsOutOfRange(Invalid):
    """Points are whole numbers from 1 to 1,000,000,000,000,000."""

    zh = "积分必须是 1 到 1000 万亿之间的整数。"


class LotsFull(Conflict):
    """This wallet has as many lots as it can hold."""

    zh = "该账户的积分批次已满。"


@dataclass(frozen=True, slots=True)
class Wallet:
    """One member's points: lots, what they add up to, and the number and hash of the last posting."""

    member_id: int
    state: State
    at: datetime
    head: bytes
    lots: Lots = NO_LOTS
    seq: int = 0
    seen: int = 0
    balance: int = 0
    held: int = 0
    debt: int = 0


@dataclass(frozen=True, slots=True)
class Posting:
    """One immutable movement of points. `lots` are the points taken or given, in order."""

    member_id: int
    seq: int
    amount: int
    balance_after: int
    held_after: int
    debt_after: int
    contra: int
    version_id: int
    req_hash: int
    at: datetime
    effective_on: date
    part: int
    kind: Kind
    idem: UUID
    lots: tuple[Interval, ...]
    rev_of: int | None = None
    spender_id: int | None = None
    value_fen: int | None = None
    ends_at: datetime | None = None
    ref: str | None = None
    hash: bytes = b""

    @property
    def sides(self) -> tuple[Side, Side]:
        return SIDES[self.kind]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a wallet. `points` 0 with REVERSE, CAPTURE or RELEASE means all that is left.

    `lot_key` names the lot of an EARN; `quoted` the exact points of a REDEEM or HOLD; `rev_of` the original's number.
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

    @property
    def hash(self) -> int:
        """The first 64 bits of sha256 over everything but the moment; signed, as bigint is."""
        text = repr((int(self.kind), self.points, self.lot_key, self.quoted, self.rev_of, self.contra,
                     self.version_id, self.value_fen, self.ref))  # fmt: skip
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


@dataclass(frozen=True, slots=True)
class Original:
    """A posting that a request refers to, with what came of it so far."""

    posting: Posting
    captured: int = 0
    returned: int = 0

    @property
    def open(self) -> int:
        return self.posting.amount - self.captured - self.returned


@dataclass(frozen=True, slots=True)
class Known:
    """What was read beside the wallet: overdue holds, and the original of a reversal, capture or release."""

    overdue: tuple[Original, ...] = ()
    original: Original | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The wallet after a request, and its postings; the deed is the one that was asked for."""

    wallet: Wallet
    postings: tuple[Posting, ...] = field(default=())

    @property
    def deed(self) -> Posting | None:
        return deed_of(self.postings)


def deed_of(postings: tuple[Posting, ...]) -> Posting | None:
    """The posting that was asked for, among those that fell due with it."""
    asked = [p for p in postings if p.kind not in (Kind.TIMEOUT, Kind.EXPIRE, Kind.REPAY)]
    return asked[0] if asked else (postings[0] if postings else None)


def first_head(member_id: int) -> bytes:
    """The hash before the first posting."""
    return hashlib.sha256(b"jifen/1" + struct.pack(">q", member_id)).digest()


def empty(member_id: int, state: State, at: datetime) -> Wallet:
    """A wallet without postings."""
    return Wallet(member_id, state, at, first_head(member_id))


def run(wallet: Wallet, request: Request, known: Known = Known()) -> Outcome:
    """Do a request: first what is due anyway, then the deed, then repayment. Raises a named refusal."""
    start, postings = wallet, []
    at = max(request.at, wallet.at)
    for part, (kind, points, intervals, original) in enumerate(_steps(wallet, request, known, at)):
        wallet, posting = _write(wallet, request, at, part, kind, points, intervals, original)
        postings.append(posting)
    return Outcome(replace(wallet, seen=start.seq) if postings else wallet, tuple(postings))


Step = tuple[Kind, int, tuple[Interval, ...], Posting | None]


def _steps(wallet: Wallet, request: Request, known: Known, at: datetime) -> Iterator[Step]:
    on = clock.day(at, request.zone)
    pot = wallet.lots
    for overdue in known.overdue:
        pot, back = _give_back(pot, overdue.posting.lots, overdue.returned, overdue.open, on)
        yield Kind.TIMEOUT, overdue.open, back, overdue.posting
    pot, lapsed = lots.take_lapsed(pot, on)
    if lapsed:
        yield Kind.EXPIRE, _total(lapsed), lapsed, None
    pot = lots.without_past(pot, on)
    if request.kind is Kind.EXPIRE:
        return
    _allowed(wallet.state, request.kind)
    if not 0 <= request.points <= MOST_POINTS or (request.points == 0 and request.kind not in FOLLOWS):
        raise PointsOutOfRange(points=request.points)
    if request.kind is Kind.EARN:
        pot, given = lots.give(pot, lots.landing(request.lot_key, on), request.points)
        if len(pot.keys) > lots.MOST_LOTS:
            raise LotsFull()
        yield Kind.EARN, request.points, (given,), None
        if wallet.debt:
            pot, repaid = lots.take(pot, min(wallet.debt, request.points), on)
            yield Kind.REPAY, _total(repaid), repaid, None
        return
    if request.kind in (Kind.REDEEM, Kind.HOLD):
        _, taken = lots.take(pot, request.points, on)
        if _total(taken) < request.points:
            raise NotEnoughPoints(balance=_total(taken), needed=request.points)
        if request.quoted and taken != request.quoted:
            raise QuoteChanged()
        yield request.kind, request.points, taken, None
        return
    yield _follow_up(pot, request, known.original, on, at)


def _follow_up(pot: Lots, request: Request, original: Original | None, on: date, at: datetime) -> Step:
    """Capture, release or reversal of an earlier posting."""
    if original is None or original.posting.kind not in FOLLOWS.get(request.kind, ()):
        raise MoreThanLeft(left=0)
    posting = original.posting
    points = request.points or original.open
    if request.kind is not Kind.REVERSE and (original.open == 0 or (posting.ends_at or FOREVER) <= at):
        raise HoldEnded()
    if points > original.open or points == 0:
        raise MoreThanLeft(left=original.open)
    if request.kind is Kind.CAPTURE:
        return Kind.CAPTURE, points, lots.head_of(posting.lots, original.captured, points), posting
    _, back = _give_back(pot, posting.lots, original.returned, points, on)
    return request.kind, points, back, posting


def _give_back(
    pot: Lots, taken: tuple[Interval, ...], skip: int, points: int, on: date
) -> tuple[Lots, tuple[Interval, ...]]:
    """Last-taken points first, each to its own lot or, where that has lapsed, to its grace lot."""
    back = []
    for interval in lots.tail_of(taken, skip, points):
        pot, given = lots.give(pot, lots.with_room(pot, lots.landing(interval.key, on)), interval.count)
        back.append(given)
    if len(pot.keys) > lots.MOST_LOTS:
        raise LotsFull()
    return pot, tuple(back)


def _allowed(state: State, kind: Kind) -> None:
    """MemberTooNew, MemberFrozen or MemberClosed where the line's state does not allow the deed."""
    if kind in (Kind.REDEEM, Kind.HOLD):
        refusal = {State.NEW: MemberTooNew, State.FROZEN: MemberFrozen, State.CLOSED: MemberClosed}.get(state)
        if refusal:
            raise refusal()
    if kind is Kind.EARN and state is State.CLOSED:
        raise MemberClosed()


def _total(intervals: tuple[Interval, ...]) -> int:
    return sum(interval.count for interval in intervals)


def _write(
    wallet: Wallet,
    request: Request,
    at: datetime,
    part: int,
    kind: Kind,
    points: int,
    intervals: tuple[Interval, ...],
    original: Posting | None,
) -> tuple[Wallet, Posting]:
    deed = kind is request.kind
    posting = Posting(
        member_id=wallet.member_id,
        seq=wallet.seq + 1,
        amount=points,
        balance_after=wallet.balance + balance_change(kind, points),
        held_after=wallet.held + held_change(kind, points),
        debt_after=wallet.debt - (points if kind is Kind.REPAY else 0),
        contra=request.contra if deed else 0,
        version_id=request.version_id if deed else 0,
        req_hash=request.hash,
        at=at,
        effective_on=clock.day(at, request.zone),
        part=part,
        kind=kind,
        idem=request.idem,
        lots=intervals,
        rev_of=original.seq if original else None,
        value_fen=request.value_fen if deed else None,
        ends_at=request.ends_at if kind is Kind.HOLD else None,
        ref=request.ref if deed else None,
    )
    posting = replace(posting, hash=hashlib.sha256(wallet.head + canonical(posting)).digest())
    return apply(wallet, posting), posting


def apply(wallet: Wallet, posting: Posting) -> Wallet:
    """The wallet after a posting: the one function that both the write and the replay of `verify` go through."""
    pot = wallet.lots
    if posting.kind in TAKES:
        pot = _with_taken(pot, posting.lots)
    elif posting.kind in GIVES:
        for interval in posting.lots:
            pot, _ = lots.give(pot, interval.key, interval.count)
    return replace(
        wallet,
        lots=lots.without_past(pot, posting.effective_on),
        seq=posting.seq,
        balance=wallet.balance + balance_change(posting.kind, posting.amount),
        held=wallet.held + held_change(posting.kind, posting.amount),
        debt=wallet.debt - (posting.amount if posting.kind is Kind.REPAY else 0),
        at=posting.at,
        head=posting.hash,
    )


def balance_change(kind: Kind, points: int) -> int:
    """What a posting does to the balance (all lots)."""
    return {Side.AVAILABLE: -points}.get(SIDES[kind][0], 0) + {Side.AVAILABLE: points}.get(SIDES[kind][1], 0)


def held_change(kind: Kind, points: int) -> int:
    """What a posting does to the points set aside."""
    return {Side.HELD: -points}.get(SIDES[kind][0], 0) + {Side.HELD: points}.get(SIDES[kind][1], 0)


def _with_taken(pot: Lots, intervals: tuple[Interval, ...]) -> Lots:
    taken = list(pot.taken)
    for interval in intervals:
        taken[pot.keys.index(interval.key)] += interval.count
    return pot._replace(taken=tuple(taken))


def canonical(posting: Posting) -> bytes:
    """Every column but the hash, unambiguously: version byte, integers 8 bytes big-endian, the rest length-prefixed."""
    sides = posting.sides
    numbers = (posting.member_id, posting.seq, posting.amount, posting.balance_after, posting.held_after,
               posting.debt_after, posting.contra, posting.version_id, posting.req_hash, _micros(posting.at),
               (posting.effective_on - lots.EPOCH).days, posting.part, posting.kind, *sides)  # fmt: skip
    optional = (posting.rev_of, posting.spender_id, posting.value_fen,
                _micros(posting.ends_at) if posting.ends_at else None)  # fmt: skip
    ref = b"" if posting.ref is None else posting.ref.encode()
    flat = [number for interval in posting.lots for number in interval]
    return b"".join(
        (
            b"\x01",
            struct.pack(f">{len(numbers)}q", *numbers),
            b"".join(b"\x00" if value is None else b"\x01" + struct.pack(">q", value) for value in optional),
            posting.idem.bytes,
            struct.pack(f">q{len(flat)}q", len(flat), *flat),
            b"\x00" if posting.ref is None else b"\x01" + struct.pack(">q", len(ref)) + ref,
        )
    )


def _micros(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
