"""Tables of sealed statements; the application's role may insert and read them, nothing else."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Statement(Base):
    """A sealed period [from_at, to_at) of one merchant; its hash covers its lines and the statement before."""

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


class StatementLine(Base):
    """One acceptance or void in exactly one statement; a void's amounts are negative."""

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
