"""Table of the lots that members brought with them."""

from datetime import date

from sqlalchemy import BigInteger, Date, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class OpeningLot(Base):
    """A lot that a member brought, its posting `seq`, and the approval that it came under; never changed.

    `value_fen`: what the older system says it is worth; None: it does not say. `last_day` lots.NO_END: does not lapse.
    """

    __tablename__ = "opening_lot"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    proposal_id: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    value_fen: Mapped[int | None] = mapped_column(BigInteger)
    last_day: Mapped[date] = mapped_column(Date)
    earned_on: Mapped[date | None] = mapped_column(Date)
    lot_class: Mapped[int] = mapped_column(SmallInteger)
    source: Mapped[str] = mapped_column(Text)
