"""Tables of bonuses. Rules and bonuses are inserted and never changed; budgets and days are counters beside them."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class BonusRule(Base):
    """A campaign (`code`) from a day on, until `until_day` (None: on and on) or a later version; never edited.

    `points`: of one bonus; of goodwill at most. Caps count bonuses: of a member in all, of a member and a day, of all
    members in a day; None: no such cap. `budget_points`: all that this version may give; None: no limit.
    `month_day`: the day of each month that is the member day. `tier`, `least_days`: whom it is for.
    """

    __tablename__ = "bonus_rule"
    rule_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    budget_points: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]
    from_day: Mapped[date] = mapped_column(Date)
    until_day: Mapped[date | None] = mapped_column(Date)
    most_per_member: Mapped[int | None] = mapped_column(Integer)
    most_per_member_day: Mapped[int | None] = mapped_column(Integer)
    most_per_day: Mapped[int | None] = mapped_column(Integer)
    least_days: Mapped[int | None] = mapped_column(Integer)
    month_day: Mapped[int | None] = mapped_column(Integer)
    lot_class: Mapped[int] = mapped_column(SmallInteger)
    code: Mapped[str] = mapped_column(Text)
    occasion: Mapped[str] = mapped_column(Text)
    tier: Mapped[str | None] = mapped_column(Text)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    approval: Mapped[str] = mapped_column(Text)


class BonusBudget(Base):
    """What is left of the budget of a rule that has one: budget less all that it gave."""

    __tablename__ = "bonus_budget"
    rule_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    left_points: Mapped[int] = mapped_column(BigInteger)


class BonusDay(Base):
    """How many bonuses a rule with a cap for all members gave for a day."""

    __tablename__ = "bonus_day"
    rule_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    on_day: Mapped[date] = mapped_column(Date, primary_key=True)
    given: Mapped[int] = mapped_column(BigInteger)


class Bonus(Base):
    """A bonus that was given: for what (`ref`, once for good), for which day, and the posting `seq` that it made.

    `nth` counts the member's bonuses of the campaign, `nth_of_day` those for that day, both from 1 and unique.
    """

    __tablename__ = "bonus"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    ref: Mapped[str] = mapped_column(Text, primary_key=True)
    rule_id: Mapped[int] = mapped_column(BigInteger)
    policy_id: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    on_day: Mapped[date] = mapped_column(Date)
    nth: Mapped[int] = mapped_column(Integer)
    nth_of_day: Mapped[int] = mapped_column(Integer)
