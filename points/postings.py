"""The ledger's heart: wallets and postings as values, and `apply`, through which both the write and its proof go.

A posting moves a positive number of points between two different classes, so an unbalanced one cannot be written.
Each posting carries the hash of the one before: sha256(head || canonical(posting)). No database, no clock, no random.
"""

import struct
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from points import lots
from points.kinds import GIVES, SIDES, TAKES, Kind, Side, State
from points.lots import Interval, Lots

NO_LOTS = Lots()
_EPOCH_DAY = lots.EPOCH.toordinal()
_EPOCH_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Wallet(NamedTuple):
    """One member's points: lots, what they add up to, and the number and hash of the last posting.

    `stopped`: frozen by hand (points/freezes); which, like the state, no posting says.
    """

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
    stopped: bool = False


class Posting(NamedTuple):
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


def first_head(member_id: int) -> bytes:
    """The hash before the first posting."""
    return sha256(b"jifen/1" + struct.pack(">q", member_id)).digest()


def empty(member_id: int, state: State, at: datetime) -> Wallet:
    """A wallet without postings."""
    return Wallet(member_id, state, at, first_head(member_id))


def seal(posting: Posting, head: bytes) -> Posting:
    """The posting with its place in the chain: the hash over the one before and everything it says."""
    return Posting._make((*posting[:-1], sha256(head + canonical(posting)).digest()))


def apply(wallet: Wallet, posting: Posting, seen: int = 0) -> Wallet:
    """The wallet after a posting: the one function that both the write and the replay of `verify` go through.

    `seen` is the number that the posting's writer had read, which no posting tells.
    """
    kind, amount, pot = posting.kind, posting.amount, wallet.lots
    if kind in TAKES:
        pot = _with_taken(pot, posting.lots)
    elif kind in GIVES:
        for interval in posting.lots:
            pot, _ = lots.give(pot, interval.key, interval.count)
    balance, held, debt = EFFECT[kind]
    return Wallet(
        wallet.member_id,
        wallet.state,
        posting.at,
        posting.hash,
        lots.without_past(pot, posting.effective_on),
        posting.seq,
        seen,
        wallet.balance + balance * amount,
        wallet.held + held * amount,
        wallet.debt + debt * amount,
        wallet.stopped,
    )


def _effect(kind: Kind) -> tuple[int, int, int]:
    """What one point of a posting does to balance, held and debt (which is minus the sum of its class)."""
    source, target = SIDES[kind]
    balance, held, debt = (
        (target is side) - (source is side) for side in (Side.AVAILABLE, Side.HELD, Side.DEBT)
    )
    return balance, held, -debt


EFFECT = {kind: _effect(kind) for kind in Kind}


def _with_taken(pot: Lots, intervals: tuple[Interval, ...]) -> Lots:
    taken = list(pot.taken)
    for key, _, count in intervals:
        taken[pot.keys.index(key)] += count
    return Lots(pot.keys, pot.given, tuple(taken))


_NUMBERS = ">B15q"
_PLAIN = [struct.Struct(f"{_NUMBERS}4x16sq{3 * count}q") for count in range(lots.MOST_LOTS + 1)]
_NOTHING_OPTIONAL = (None, None, None, None)


def canonical(posting: Posting) -> bytes:
    """Every column but the hash, unambiguously: version byte, integers 8 bytes big-endian, the rest length-prefixed."""
    source, target = SIDES[posting.kind]
    numbers = (
        1, posting.member_id, posting.seq, posting.amount, posting.balance_after, posting.held_after,
        posting.debt_after, posting.contra, posting.version_id, posting.req_hash, _micros(posting.at),
        posting.effective_on.toordinal() - _EPOCH_DAY, posting.part, posting.kind, source, target,
    )  # fmt: skip
    optional = (posting.rev_of, posting.spender_id, posting.value_fen, posting.ends_at)
    flat = [number for interval in posting.lots for number in interval]
    ref = b"\x00" if posting.ref is None else _text(posting.ref)
    if (
        optional == _NOTHING_OPTIONAL and len(posting.lots) <= lots.MOST_LOTS
    ):  # most postings: packed in one go
        return _PLAIN[len(posting.lots)].pack(*numbers, posting.idem.bytes, len(flat), *flat) + ref
    return b"".join(
        (
            struct.pack(_NUMBERS, *numbers),
            _optional(*optional),
            posting.idem.bytes,
            struct.pack(f">q{len(flat)}q", len(flat), *flat),
            ref,
        )
    )


def _optional(
    rev_of: int | None, spender_id: int | None, value_fen: int | None, ends_at: datetime | None
) -> bytes:
    ends = None if ends_at is None else _micros(ends_at)
    return b"".join(
        b"\x00" if value is None else b"\x01" + struct.pack(">q", value)
        for value in (rev_of, spender_id, value_fen, ends)
    )


def _text(ref: str) -> bytes:
    body = ref.encode()
    return b"\x01" + struct.pack(">q", len(body)) + body


def _micros(at: datetime) -> int:
    return (at - _EPOCH_MOMENT) // _MICROSECOND
