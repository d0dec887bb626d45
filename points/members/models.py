"""Tables of members, their phone numbers (dated, sealed, found by a keyed digest), and what else is known by date."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, Text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Member(Base):
    """One customer in one programme; `involuntary`: the leaving was not the customer's choice (fraud, death, debt).

    `language`: of messages; None: not known, in all.
    """

    __tablename__ = "member"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    customer_id: Mapped[str] = mapped_column(Text)
    joined_on: Mapped[date] = mapped_column(Date)
    left_on: Mapped[date | None] = mapped_column(Date)
    involuntary: Mapped[bool] = mapped_column(Boolean, default=False)
    language: Mapped[str | None] = mapped_column(Text)


class Phone(Base):
    """A phone number that a member had from one moment to another."""

    __tablename__ = "phone"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    until: Mapped[datetime | None]
    digest: Mapped[bytes] = mapped_column(BYTEA)
    sealed: Mapped[bytes] = mapped_column(BYTEA)


class MemberAttribute(Base):
    """What a member is from a day on: `tier`, a code, or `birthday`, MM-DD; never edited, a change is a later row."""

    __tablename__ = "member_attribute"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    from_day: Mapped[date] = mapped_column(Date, primary_key=True)
    value: Mapped[str] = mapped_column(Text)
