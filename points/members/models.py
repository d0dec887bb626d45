"""Tables of members, their phone numbers (dated, sealed, found by a keyed digest), and what else is known by date."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, SmallInteger, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB
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
    """A phone number that a member had from one moment to another; `keyed`: sealed with the member's own key."""

    __tablename__ = "phone"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    until: Mapped[datetime | None]
    digest: Mapped[bytes] = mapped_column(BYTEA)
    sealed: Mapped[bytes] = mapped_column(BYTEA)
    keyed: Mapped[bool] = mapped_column(Boolean, server_default="false")


class PhoneHolder(Base):
    """Who has a number in a programme now: one row a number, so that there is one holder; None: nobody has it."""

    __tablename__ = "phone_holder"
    programme_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    digest: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    since: Mapped[datetime]


class MemberDevice(Base):
    """A device that a member is known by: the keyed digest of what it keeps."""

    __tablename__ = "member_device"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    digest: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    since: Mapped[datetime]


class MemberAttribute(Base):
    """What a member is from a day on (see attributes.py), who said so and why; never edited, a change is a later row."""

    __tablename__ = "member_attribute"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    from_day: Mapped[date] = mapped_column(Date, primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    told_at: Mapped[datetime] = mapped_column(server_default=func.now())
    source: Mapped[str] = mapped_column(Text, server_default="import")
    reason: Mapped[str | None] = mapped_column(Text)


class MemberFacts(Base):
    """What every rule asks about a member today, in one row; each value is the latest of its dated history.

    `tiers`: codes that hold until `tiers_until` (None: until they change); `interests`: those with consent alone.
    """

    __tablename__ = "member_facts"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    arpu_fen: Mapped[int | None] = mapped_column(BigInteger)
    joined_on: Mapped[date] = mapped_column(Date)
    tiers_until: Mapped[date | None] = mapped_column(Date)
    risk: Mapped[int | None] = mapped_column(SmallInteger)
    kind: Mapped[str] = mapped_column(Text, server_default="person")
    area: Mapped[str] = mapped_column(Text, server_default="")
    birthday: Mapped[str | None] = mapped_column(Text)
    tiers: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    interests: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")


class Preference(Base):
    """What somebody said that a member prefers, and whether the member consents to its use; a later word is a later row.

    The value is sealed with the member's own key: to erase the person is to forget it.
    """

    __tablename__ = "preference"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    entry_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    since: Mapped[datetime]
    at: Mapped[datetime]
    consent: Mapped[bool] = mapped_column(Boolean)
    name: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    sealed: Mapped[bytes] = mapped_column(BYTEA)


class Area(Base):
    """A province, city or county by its code, with its names."""

    __tablename__ = "area"
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
