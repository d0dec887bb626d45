"""Tables of quotes, redemptions and seats."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

PENDING, FULFILLED, FAILED, CANCELLED, UNKNOWN = "pending", "fulfilled", "failed", "cancelled", "unknown"


class Quote(Base):
    """The exact price of a redemption, and the points it would take; holds nothing, lives some minutes, used once.

    `spender_id`: who asked for it, where the member is a group.
    """

    __tablename__ = "quote"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    quote_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    offer_id: Mapped[int] = mapped_column(BigInteger)
    rate_id: Mapped[int] = mapped_column(BigInteger)
    units: Mapped[int] = mapped_column(Integer)
    price_points: Mapped[int] = mapped_column(BigInteger)
    value_fen: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    spender_id: Mapped[int | None] = mapped_column(BigInteger)
    lots: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))


class Redemption(Base):
    """A member's redemption and where it stands; `posting_seq` is the hold or the redeem in the ledger.

    `spender_id`: who redeemed, where the member is a group.
    `maybe_sent`: a call to the other side may have arrived there although its answer did not reach us.
    """

    __tablename__ = "redemption"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    redemption_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    offer_id: Mapped[int] = mapped_column(BigInteger)
    rate_id: Mapped[int] = mapped_column(BigInteger)
    quote_id: Mapped[int | None] = mapped_column(BigInteger)
    posting_seq: Mapped[int | None] = mapped_column(BigInteger)
    spender_id: Mapped[int | None] = mapped_column(BigInteger)
    price_points: Mapped[int] = mapped_column(BigInteger)
    value_fen: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    changed_at: Mapped[datetime]
    units: Mapped[int] = mapped_column(Integer)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    maybe_sent: Mapped[bool] = mapped_column(Boolean, default=False)
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)


class Seat(Base):
    """A place at a club event; of a group each spender has one."""

    __tablename__ = "seat"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    seat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    offer_id: Mapped[int] = mapped_column(BigInteger)
    redemption_id: Mapped[int] = mapped_column(BigInteger)
    spender_id: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
