"""The table of a bundle's parts, as they were redeemed."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

WAITING, GIVEN, UNDONE = "waiting", "given", "undone"


class BundlePart(Base):
    """A part of a redeemed bundle: which offer, how many, and whether it was given; all of one bundle stand alike."""

    __tablename__ = "bundle_part"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    redemption_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    offer_id: Mapped[int] = mapped_column(BigInteger)
    version_id: Mapped[int] = mapped_column(BigInteger)
    value_fen: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]
    units: Mapped[int] = mapped_column(Integer)
    part_no: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
