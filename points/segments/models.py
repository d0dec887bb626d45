"""Tables of segments, the versions of their rules, their members, and the runs that counted them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Segment(Base):
    """A named part of all members; its rule is that of the version in force."""

    __tablename__ = "segment"
    segment_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    code: Mapped[str] = mapped_column(Text, unique=True)
    made_by: Mapped[str] = mapped_column(Text)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)


class SegmentVersion(Base):
    """The rule of a segment from a day on; never edited, a change is a later row.

    `adds_only`: the rule asks for the risk grade, so that nothing but care and offers may be made of it.
    """

    __tablename__ = "segment_version"
    version_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    segment_id: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime]
    from_day: Mapped[date] = mapped_column(Date)
    adds_only: Mapped[bool] = mapped_column(Boolean)
    made_by: Mapped[str] = mapped_column(Text)
    rule: Mapped[dict[str, Any]] = mapped_column(JSONB)


class SegmentMember(Base):
    """A member was in a segment from one refresh to another; `until` None: still is."""

    __tablename__ = "segment_member"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    segment_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    until: Mapped[datetime | None]


class SegmentRun(Base):
    """One refresh of one segment, and how far it is; `version_id` None: the segment has ended and is emptied."""

    __tablename__ = "segment_run"
    segment_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    run_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    version_id: Mapped[int | None] = mapped_column(BigInteger)
    last_member: Mapped[int] = mapped_column(BigInteger)
    came: Mapped[int] = mapped_column(BigInteger)
    went: Mapped[int] = mapped_column(BigInteger)
    stayed: Mapped[int] = mapped_column(BigInteger)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    as_of: Mapped[date] = mapped_column(Date)
