"""Tables of care: which department looks after which card, and which person after which member."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class CareRule(Base):
    """From a day on members with a tier ('': with none that a rule names) belong to a department; never edited."""

    __tablename__ = "care_rule"
    rule_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    entered_at: Mapped[datetime]
    from_day: Mapped[date] = mapped_column(Date)
    tier: Mapped[str] = mapped_column(Text)
    department: Mapped[str] = mapped_column(Text)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    entered_by: Mapped[str] = mapped_column(Text)


class CareAssignment(Base):
    """From a day on this person looks after a member (None: nobody any more); the latest row counts, none is edited."""

    __tablename__ = "care_assignment"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    assignment_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    staff_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]
    from_day: Mapped[date] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(Text)
    assigned_by: Mapped[str] = mapped_column(Text)
