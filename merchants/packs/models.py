"""Tables of packs: what was bought, and what of it was used."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Pack(Base):
    """Points that a merchant bought, to give them to members from a day until a day (None: without end); never changed.

    `price_fen` was paid for all of them; `reference` says how: the number of an invoice or a transfer.
    """

    __tablename__ = "points_pack"
    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    pack_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    points: Mapped[int] = mapped_column(BigInteger)
    price_fen: Mapped[int] = mapped_column(BigInteger)
    bought_at: Mapped[datetime]
    from_day: Mapped[date] = mapped_column(Date)
    until_day: Mapped[date | None] = mapped_column(Date)
    approval: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)


class PackUse(Base):
    """Points that an earning took out of a pack, or (negative) that its reversal put back; `source_id` is the one's or the other's."""

    __tablename__ = "pack_use"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    source_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    pack_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
