"""The table of rates."""

from datetime import date

from sqlalchemy import BigInteger, Date, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Rate(Base):
    """From a day on, `points` points buy `per_fen` fen of an offer, of a kind of offers, or of the whole programme."""

    __tablename__ = "rate"
    rate_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    offer_id: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[str | None] = mapped_column(Text)
    from_day: Mapped[date] = mapped_column(Date)
    points: Mapped[int] = mapped_column(BigInteger)
    per_fen: Mapped[int] = mapped_column(BigInteger)
