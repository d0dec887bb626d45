"""The table of rates."""

from datetime import date

from sqlalchemy import BigInteger, Date, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Rate(Base):
    """A version: from its first to its last day `points` points buy `per_fen` fen of what its scope says, see scopes.py.

    Never edited, but for `until_day`, which is set once: when a later version takes over, or the scope is to have none of
    its own any more. One that was taken back before it began ends on the day before its first.
    """

    __tablename__ = "rate"
    rate_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    offer_id: Mapped[int | None] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    per_fen: Mapped[int] = mapped_column(BigInteger)
    from_day: Mapped[date] = mapped_column(Date)
    until_day: Mapped[date | None] = mapped_column(Date)
    area: Mapped[str] = mapped_column(Text, default="")
    kind: Mapped[str | None] = mapped_column(Text)
    tier: Mapped[str | None] = mapped_column(Text)
    approval: Mapped[str | None] = mapped_column(Text)
