"""Tables of entitlements."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class EntitlementRule(Base):
    """How often members of which tier may use a perk in a period, from a day on; never edited, a change is a later row.

    `uses`: tier code -> uses in a period; empty: nobody any more. `guests`: at most so many with the member at one use;
    `guests_take_uses`: each of them takes a use as well. `carry_over`: at most so many unused ones go into the next period.
    """

    __tablename__ = "entitlement_rule"
    rule_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    entered_at: Mapped[datetime]
    from_day: Mapped[date] = mapped_column(Date)
    guests: Mapped[int] = mapped_column(Integer)
    carry_over: Mapped[int] = mapped_column(Integer)
    guests_take_uses: Mapped[bool] = mapped_column(Boolean)
    perk: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    approval: Mapped[str | None] = mapped_column(Text)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    uses: Mapped[dict[str, int]] = mapped_column(JSONB)
    blackout_days: Mapped[list[date]] = mapped_column(ARRAY(Date))


class EntitlementCount(Base):
    """What a member has used of a perk in a period [from, until), and what came over from the one before."""

    __tablename__ = "entitlement_count"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    perk: Mapped[str] = mapped_column(Text, primary_key=True)
    period_from: Mapped[date] = mapped_column(Date, primary_key=True)
    period_until: Mapped[date] = mapped_column(Date)
    used: Mapped[int] = mapped_column(Integer)
    carried: Mapped[int] = mapped_column(Integer)


class EntitlementUse(Base):
    """One use, or with `undoes` the undoing of one; never changed. `ref`: what the provider knows it by."""

    __tablename__ = "entitlement_use"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    use_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    rule_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    undoes: Mapped[int | None] = mapped_column(BigInteger)
    uses: Mapped[int] = mapped_column(Integer)
    guests: Mapped[int] = mapped_column(Integer)
    on_day: Mapped[date] = mapped_column(Date)
    period_from: Mapped[date] = mapped_column(Date)
    perk: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    ref: Mapped[str] = mapped_column(Text)
