"""Tables of care: dated rules of occasions, the tasks they opened, how far the nightly walk is, the rhythm of visits."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class OccasionRule(Base):
    """From a day on an occasion opens tasks by this rule, or none (`is_on`); never edited, a change is a later row.

    `tiers`: for members who hold one of these (empty: for all). `days_ahead`: so many days before the occasion the task is
    opened; `days`: so many after it, calendar or working ones, it is due. `holidays`: MM-DD or YYYY-MM-DD.
    """

    __tablename__ = "care_occasion_rule"
    rule_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    entered_at: Mapped[datetime]
    from_day: Mapped[date] = mapped_column(Date)
    is_on: Mapped[bool] = mapped_column(Boolean)
    days_ahead: Mapped[int] = mapped_column(Integer)
    days: Mapped[int] = mapped_column(Integer)
    in_working_days: Mapped[bool] = mapped_column(Boolean)
    occasion: Mapped[str] = mapped_column(Text)
    tiers: Mapped[list[str]] = mapped_column(ARRAY(Text))
    holidays: Mapped[list[str]] = mapped_column(ARRAY(Text))
    entered_by: Mapped[str] = mapped_column(Text)


class CareTask(Base):
    """Something to do for a member, once for an occasion and period: whose it is, until when, and what came of it.

    `staff_id`: the person who looks after the member; None: the department does. `contact_id`: the contact that did it.
    `reason`: of what was not needed, one of tasks.REASONS.
    """

    __tablename__ = "care_task"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    task_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    staff_id: Mapped[int | None] = mapped_column(BigInteger)
    contact_id: Mapped[int | None] = mapped_column(BigInteger)
    opened_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    on_day: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date] = mapped_column(Date)
    occasion: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    department: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    opened_by: Mapped[str] = mapped_column(Text)
    ended_by: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)


class CareWalk(Base):
    """How far the walk of a day is through a programme's members, and how many tasks it opened; `ended_at` None: under way."""

    __tablename__ = "care_walk"
    programme_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    on_day: Mapped[date] = mapped_column(Date, primary_key=True)
    last_member: Mapped[int] = mapped_column(BigInteger)
    opened: Mapped[int] = mapped_column(BigInteger)
    began_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class VisitRule(Base):
    """From a day on, members of a class are visited so many `times` in so many `months`; never edited."""

    __tablename__ = "visit_rule"
    rule_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    entered_at: Mapped[datetime]
    from_day: Mapped[date] = mapped_column(Date)
    months: Mapped[int] = mapped_column(Integer)
    times: Mapped[int] = mapped_column(Integer)
    visit_class: Mapped[str] = mapped_column("class", Text)
    entered_by: Mapped[str] = mapped_column(Text)


class VisitStanding(Base):
    """When a member is to be visited next (`due_on` None: not at all) and what that follows from, as of the last walk."""

    __tablename__ = "visit_standing"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    staff_id: Mapped[int | None] = mapped_column(BigInteger)
    taken_at: Mapped[datetime]
    last_on: Mapped[date | None] = mapped_column(Date)
    due_on: Mapped[date | None] = mapped_column(Date)
    area: Mapped[str] = mapped_column(Text)
    visit_class: Mapped[str] = mapped_column("class", Text)
    department: Mapped[str] = mapped_column(Text)
