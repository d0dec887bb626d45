"""Tables of what members earned at merchants; the application's role may insert and read them, nothing else."""

from datetime import datetime

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Earning(Base):
    """Points that a member earned with a purchase of `amount_fen` at a till, by posting `seq`, under a version of the terms.

    `postpaid_points` of them came out of no pack: for these the merchant owes `price_fen`.
    """

    __tablename__ = "merchant_earning"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    earning_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    outlet_id: Mapped[int] = mapped_column(BigInteger)
    terminal_id: Mapped[int] = mapped_column(BigInteger)
    clerk_id: Mapped[int] = mapped_column(BigInteger)
    shift_id: Mapped[int | None] = mapped_column(BigInteger)
    terms_id: Mapped[int] = mapped_column(BigInteger)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    postpaid_points: Mapped[int] = mapped_column(BigInteger)
    price_fen: Mapped[int] = mapped_column(BigInteger)
    recorded_at: Mapped[datetime]
    currency: Mapped[str] = mapped_column(Text)


class EarningReversal(Base):
    """The undoing of an earning, once; `seq`: the posting that took its points back, as debt where they had been spent."""

    __tablename__ = "earning_reversal"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    reversal_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    earning_id: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int] = mapped_column(BigInteger)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    outlet_id: Mapped[int] = mapped_column(BigInteger)
    terminal_id: Mapped[int] = mapped_column(BigInteger)
    clerk_id: Mapped[int] = mapped_column(BigInteger)
    shift_id: Mapped[int | None] = mapped_column(BigInteger)
    recorded_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
