"""The table of uses of perks."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

CAME, MISSED = "used", "missed"


class PerkUse(Base):
    """That a perk was used at its provider, once, with so many guests, or missed; never changed."""

    __tablename__ = "perk_use"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    redemption_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    on_day: Mapped[date] = mapped_column(Date)
    guests: Mapped[int] = mapped_column(Integer)
    outcome: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
