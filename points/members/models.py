"""Tables of members and their phone numbers; a number is a dated attribute, sealed, found by a keyed digest."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, Text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Member(Base):
    """One customer in one programme; `involuntary`: the leaving was not the customer's choice (fraud, death, debt)."""

    __tablename__ = "member"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    customer_id: Mapped[str] = mapped_column(Text)
    joined_on: Mapped[date] = mapped_column(Date)
    left_on: Mapped[date | None] = mapped_column(Date)
    involuntary: Mapped[bool] = mapped_column(Boolean, default=False)


class Phone(Base):
    """A phone number that a member had from one moment to another."""

    __tablename__ = "phone"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    until: Mapped[datetime | None]
    digest: Mapped[bytes] = mapped_column(BYTEA)
    sealed: Mapped[bytes] = mapped_column(BYTEA)
