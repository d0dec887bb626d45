"""Wallets and postings on their way to PostgreSQL and back: columns, values from rows, and COPY's binary format."""

import struct
from datetime import date, datetime
from typing import Any

from base import packed
from points.kinds import SIDES, Kind, State
from points.lots import Interval, Lots
from points.postings import Posting, Wallet

WALLET = "member_id, state, lot_key, lot_in, lot_out, seq, seen, balance, held, debt, at, head, stopped"
POSTING = (
    "member_id, seq, amount, balance_after, held_after, debt_after, contra, version_id, req_hash, at, rev_of, "
    "spender_id, value_fen, ends_at, effective_on, part, kind, from_class, to_class, idem, hash, lots, ref"
)
POSTING_TYPES = (
    "int8", "int8", "int8", "int8", "int8", "int8", "int8", "int8", "int8", "timestamptz", "int8",
    "int8", "int8", "timestamptz", "date", "int2", "int2", "int2", "int2", "uuid", "bytea", "int8[]", "text",
)  # fmt: skip


def wallet_of(row: Any) -> Wallet:
    """A wallet from its row, columns in the order of WALLET."""
    return Wallet(
        member_id=row[0], state=State(row[1]), lots=Lots(tuple(row[2]), tuple(row[3]), tuple(row[4])), seq=row[5],
        seen=row[6], balance=row[7], held=row[8], debt=row[9], at=row[10], head=bytes(row[11]), stopped=row[12],
    )  # fmt: skip


def posting_of(row: Any) -> Posting:
    """A posting from its row, columns in the order of POSTING."""
    flat = row[21]
    return Posting(
        member_id=row[0], seq=row[1], amount=row[2], balance_after=row[3], held_after=row[4], debt_after=row[5],
        contra=row[6], version_id=row[7], req_hash=row[8], at=row[9], rev_of=row[10], spender_id=row[11],
        value_fen=row[12], ends_at=row[13], effective_on=row[14], part=row[15], kind=Kind(row[16]), idem=row[19],
        hash=bytes(row[20]), lots=tuple(Interval(*flat[at : at + 3]) for at in range(0, len(flat), 3)), ref=row[22],
    )  # fmt: skip


def columns(table: str, names: str) -> str:
    return ", ".join(f"{table}.{name}" for name in names.split(", "))


def wallet_values(wallet: Wallet) -> tuple[Any, ...]:
    return (
        packed.int4s(wallet.lots.keys), packed.int8s(wallet.lots.given), packed.int8s(wallet.lots.taken), wallet.seq, wallet.seen,
        wallet.balance, wallet.held, wallet.debt, wallet.at, wallet.head,
    )  # fmt: skip


def posting_values(posting: Posting) -> tuple[Any, ...]:
    sides = posting.sides
    return (
        posting.member_id, posting.seq, posting.amount, posting.balance_after, posting.held_after, posting.debt_after,
        posting.contra, posting.version_id, posting.req_hash, posting.at, posting.rev_of, posting.spender_id,
        posting.value_fen, posting.ends_at, posting.effective_on, posting.part, int(posting.kind), int(sides[0]),
        int(sides[1]), posting.idem, posting.hash, packed.int8s([n for interval in posting.lots for n in interval]),
        posting.ref,
    )  # fmt: skip


COPY = f"copy posting ({POSTING}) from stdin (format binary)"
_COPY_BEGIN, _COPY_END = b"PGCOPY\n\xff\r\n\x00" + bytes(8), b"\xff\xff"
_COPY_NUMBERS = struct.Struct(">h" + "iq" * 10)
_COPY_NULLS = b"\xff" * 16
_COPY_REST = struct.Struct(">iiihihihihi16si32s")
_DAY_ZERO = date(2000, 1, 1).toordinal()


def copied(rows: list[Posting]) -> bytes:
    """Postings as a file of COPY's binary format (`file_header`, tuples, trailer in PostgreSQL's manual)."""
    return b"".join((_COPY_BEGIN, *map(_copy_row, rows), _COPY_END))


def _copy_row(posting: Posting) -> bytes:
    """A posting as a row of COPY's binary format, columns in the order of POSTING."""
    (member_id, seq, amount, balance, held, debt, contra, version_id, req_hash, at, effective_on, part, kind, idem,
     intervals, rev_of, spender_id, value_fen, ends_at, ref, hashed) = posting  # fmt: skip
    source, target = SIDES[kind]
    optional = (rev_of, spender_id, value_fen, ends_at)
    taken = packed.int8s([number for interval in intervals for number in interval])
    return b"".join(
        (
            _COPY_NUMBERS.pack(23, 8, member_id, 8, seq, 8, amount, 8, balance, 8, held, 8, debt, 8, contra,
                               8, version_id, 8, req_hash, 8, packed.micros(at)),
            _COPY_NULLS if optional == (None, None, None, None) else _copy_optional(*optional),
            _COPY_REST.pack(4, effective_on.toordinal() - _DAY_ZERO, 2, part, 2, kind, 2, source, 2, target,
                            16, idem.bytes, 32, hashed),
            _LENGTH.pack(len(taken)),
            taken,
            b"\xff\xff\xff\xff" if ref is None else _copy_text(ref),
        )
    )  # fmt: skip


_LENGTH, _NUMBER = struct.Struct(">i"), struct.Struct(">iq")


def _copy_optional(
    rev_of: int | None, spender_id: int | None, value_fen: int | None, ends_at: datetime | None
) -> bytes:
    ends = None if ends_at is None else packed.micros(ends_at)
    return b"".join(
        b"\xff\xff\xff\xff" if value is None else _NUMBER.pack(8, value)
        for value in (rev_of, spender_id, value_fen, ends)
    )


def _copy_text(text: str) -> bytes:
    body = text.encode()
    return _LENGTH.pack(len(body)) + body
