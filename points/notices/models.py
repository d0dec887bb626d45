"""Tables of what was told: notices ahead of lapsing points, and how far the walks have come that write notices."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

EXPIRY, DEBITS = "expiry", "debits"


class ExpiryNotice(Base):
    """A member was told, so many days ahead (`stage`), of the points with a last day; once only, by the key."""

    __tablename__ = "expiry_notice"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    last_day: Mapped[date] = mapped_column(Date, primary_key=True)
    stage: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    points: Mapped[int] = mapped_column(BigInteger)
    worth_fen: Mapped[int] = mapped_column(BigInteger)
    notice_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]


class NoticeWalk(Base):
    """Where a walk stands: `expiry` of a programme as of a day, by first lot and member; `debits` of all, by moment.

    `until_at`, of debits: postings before it, and those of it up to `last_member`, are done.
    """

    __tablename__ = "notice_walk"
    programme_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    task: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    last_key: Mapped[int] = mapped_column(BigInteger, default=0)
    last_member: Mapped[int] = mapped_column(BigInteger, default=0)
    looked_at: Mapped[int] = mapped_column(BigInteger, default=0)
    written: Mapped[int] = mapped_column(BigInteger, default=0)
    began_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    until_at: Mapped[datetime | None]
