"""Tables of the breakage that is expected, by the month in which points were earned; the only thing that the books keep."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

TIME, POLICY = "time", "policy"


class BreakageRun(Base):
    """An estimate as of the end of a day, never changed. `cause`: time has passed, or (a row more of the same day) a policy or an
    extension is another than at the estimate before; `changes` says which.
    """

    __tablename__ = "breakage_run"
    programme_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    estimate_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    figures_run_id: Mapped[int] = mapped_column(BigInteger)
    taken_at: Mapped[datetime]
    on_day: Mapped[date] = mapped_column(Date)
    cause: Mapped[str] = mapped_column(Text)
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


class BreakageEstimate(Base):
    """Of the points of a class that were earned in a month (YYYY-MM) and are there: how many are expected to lapse, in fen."""

    __tablename__ = "breakage_estimate"
    programme_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    estimate_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    issued: Mapped[str] = mapped_column(Text, primary_key=True)
    lot_class: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    points: Mapped[int] = mapped_column(BigInteger)
    expected_points: Mapped[int] = mapped_column(BigInteger)
    value_fen: Mapped[int] = mapped_column(BigInteger)
    breakage_fen: Mapped[int] = mapped_column(BigInteger)
