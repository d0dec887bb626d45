"""Tables of sealed statements; the application's role may insert and read them, nothing else."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

CARRIED_IN = "carried-in"
KINDS = (
    CARRIED_IN,
    "acceptance",
    "void",
    "earning",
    "earning-reversal",
    "adjustment",
    "clawback",
    "dispute-held",
    "dispute-released",
    "reserve-in",
    "reserve-out",
)  # of lines, in the order in which files show their sums


class Statement(Base):
    """A sealed period [from_at, to_at) of one merchant; its hash covers its lines and the statement before.

    The sums of all its lines make `net_fen`, of which `opening_fen` came from the statement before. Of it `payable_fen` is paid
    on `due_day`, or `carried_fen` goes to the next: what is below zero or below the minimum of the terms. `reserve_fen` is what
    is in reserve after it. `sums`: {"<kind>": {"lines", "owed_fen", "fee_fen", "vat_fen"}}; `terms`: ids of the versions that its
    acceptances name. `form` says what the hash covers: 1 not what follows `line_count`.
    """

    __tablename__ = "statement"
    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    statement_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    from_at: Mapped[datetime]
    to_at: Mapped[datetime]
    sealed_at: Mapped[datetime]
    owed_fen: Mapped[int] = mapped_column(BigInteger)
    fee_fen: Mapped[int] = mapped_column(BigInteger)
    vat_fen: Mapped[int] = mapped_column(BigInteger)
    net_fen: Mapped[int] = mapped_column(BigInteger)
    line_count: Mapped[int] = mapped_column(Integer)
    currency: Mapped[str] = mapped_column(Text)
    previous_hash: Mapped[bytes] = mapped_column(BYTEA)
    hash: Mapped[bytes] = mapped_column(BYTEA)
    form: Mapped[int] = mapped_column(SmallInteger, default=1)
    opening_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    payable_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    carried_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    reserve_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    due_day: Mapped[date | None] = mapped_column(Date)
    sums: Mapped[dict[str, dict[str, int]]] = mapped_column(JSONB, default=dict)
    terms: Mapped[list[str]] = mapped_column(JSONB, default=list)


class StatementLine(Base):
    """One thing in exactly one statement; what is taken off again is negative."""

    __tablename__ = "statement_line"
    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    statement_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    line_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    member_id: Mapped[int] = mapped_column(BigInteger)
    source_id: Mapped[int] = mapped_column(BigInteger)
    recorded_at: Mapped[datetime]
    owed_fen: Mapped[int] = mapped_column(BigInteger)
    fee_fen: Mapped[int] = mapped_column(BigInteger)
    vat_fen: Mapped[int] = mapped_column(BigInteger)
