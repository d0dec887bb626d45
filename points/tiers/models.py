"""Tables of tiers: dated policies of ladders, what members reached by them, what was granted and revoked."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class TierPolicy(Base):
    """How a ladder of a programme is climbed from a day on; never edited, a change is a later row.

    `window_months` None: the calendar year. `steps`: [{"tier", "names", "points"}], lowest first. `approval` None: set
    up together with the programme, which only a ladder's first version is.
    """

    __tablename__ = "tier_policy"
    policy_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    entered_at: Mapped[datetime]
    from_day: Mapped[date] = mapped_column(Date)
    window_months: Mapped[int | None] = mapped_column(Integer)
    hold_months: Mapped[int] = mapped_column(Integer)
    grace_months: Mapped[int] = mapped_column(Integer)
    grace_days: Mapped[int] = mapped_column(Integer)
    most_down: Mapped[int] = mapped_column(Integer)
    lot_classes: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    ladder: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    approval: Mapped[str | None] = mapped_column(Text)


class TierChange(Base):
    """From a day on a member has this tier of a ladder by what was earned, or none; entries that are never changed."""

    __tablename__ = "tier_change"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    ladder: Mapped[str] = mapped_column(Text, primary_key=True)
    from_day: Mapped[date] = mapped_column(Date, primary_key=True)
    policy_id: Mapped[int] = mapped_column(BigInteger)
    earned: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    window_first: Mapped[date] = mapped_column(Date)
    holds_until: Mapped[date] = mapped_column(Date)
    grace_until: Mapped[date] = mapped_column(Date)
    rank: Mapped[int] = mapped_column(SmallInteger)
    tier: Mapped[str | None] = mapped_column(Text)
    before: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)


class TierGrant(Base):
    """A tier that two persons gave a member, from a day to a day (both included), whatever is earned meanwhile."""

    __tablename__ = "tier_grant"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    grant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    granted_at: Mapped[datetime]
    from_day: Mapped[date] = mapped_column(Date)
    until_day: Mapped[date] = mapped_column(Date)
    ladder: Mapped[str] = mapped_column(Text)
    tier: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    approval: Mapped[str] = mapped_column(Text)


class TierRevocation(Base):
    """From a day on a grant counts no more; again by two persons."""

    __tablename__ = "tier_revocation"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    grant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    revoked_at: Mapped[datetime]
    from_day: Mapped[date] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(Text)
    approval: Mapped[str] = mapped_column(Text)


class TierRun(Base):
    """The evaluation of a programme's members as of a day, and how far it has come."""

    __tablename__ = "tier_run"
    programme_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    last_member: Mapped[int] = mapped_column(BigInteger)
    members: Mapped[int] = mapped_column(BigInteger)
    changes: Mapped[int] = mapped_column(BigInteger)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
