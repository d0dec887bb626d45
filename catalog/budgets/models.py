"""Tables of budgets. Budgets, amounts and uses are inserted and never changed; what a period spent is a counter beside."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

WHOLE, MONTH = "whole", "month"
PERIODS = (WHOLE, MONTH)


class Budget(Base):
    """Money for a campaign from a moment until another (None: on and on), in all or anew in each month of the programme's
    zone. `area`: for its members alone. `owner_id`: the one of the staff who may spend it; None: redemptions do.
    """

    __tablename__ = "budget"
    budget_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    owner_id: Mapped[int | None] = mapped_column(BigInteger)
    entered_at: Mapped[datetime]
    from_at: Mapped[datetime]
    until_at: Mapped[datetime | None]
    code: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    area: Mapped[str | None] = mapped_column(Text)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    approval: Mapped[str] = mapped_column(Text)


class BudgetAmount(Base):
    """How much a budget may spend in a period, from a moment on; the latest that has begun counts."""

    __tablename__ = "budget_amount"
    budget_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    amount_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    cap_fen: Mapped[int] = mapped_column(BigInteger)
    from_at: Mapped[datetime]
    approval: Mapped[str] = mapped_column(Text)


class BudgetPeriod(Base):
    """What was spent in a period and not given back; follows from uses."""

    __tablename__ = "budget_period"
    budget_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    period_from: Mapped[date] = mapped_column(Date, primary_key=True)
    spent_fen: Mapped[int] = mapped_column(BigInteger)


class BudgetUse(Base):
    """What a redemption spent, and with `back` that it gave it back, each once. `person_id`: who spent a person's budget."""

    __tablename__ = "budget_use"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    redemption_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    back: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    budget_id: Mapped[int] = mapped_column(BigInteger)
    fen: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    period_from: Mapped[date] = mapped_column(Date)
