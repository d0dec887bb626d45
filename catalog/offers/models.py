"""The table of offers."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

BILL_CREDIT, VOUCHER, PERK, HISTORY = "bill_credit", "voucher", "perk", "history"


class Offer(Base):
    """Something points can buy. `value_fen`: what one unit is worth to the member - the credit, the voucher's face value,
    the list price of the place. `history`: what was redeemed before this system began; never live."""

    __tablename__ = "offer"
    offer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    merchant_id: Mapped[int | None] = mapped_column(BigInteger)
    value_fen: Mapped[int] = mapped_column(BigInteger)
    from_at: Mapped[datetime]
    until_at: Mapped[datetime | None]
    most_units: Mapped[int] = mapped_column(Integer, default=1)
    voucher_days: Mapped[int | None] = mapped_column(Integer)
    event_at: Mapped[datetime | None]
    cancellable: Mapped[bool] = mapped_column(Boolean)
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="live")
    code: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    city: Mapped[str | None] = mapped_column(Text)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    texts: Mapped[dict[str, str]] = mapped_column(JSONB)
