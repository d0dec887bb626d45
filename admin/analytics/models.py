"""Tables of analysis: runs and what was asked for; figures of a period with their sums by area, target mixes, reports."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, FetchedValue, Integer, Text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"


class AnalysisRun(Base):
    """What one run found, of one protocol over one snapshot by one version of the program with one seed.

    `input_hash`: of the snapshot, which was taken at `snapshot_at`; `refusals`: [{"block", "code"}] of the report.
    """

    __tablename__ = "analysis_run"
    run_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    snapshot_at: Mapped[datetime | None]
    seed: Mapped[int] = mapped_column(BigInteger)
    code_version: Mapped[str] = mapped_column(Text)
    input_hash: Mapped[bytes] = mapped_column(BYTEA)
    protocol_hash: Mapped[bytes] = mapped_column(BYTEA, FetchedValue())
    protocol: Mapped[dict[str, Any]] = mapped_column(JSONB, FetchedValue())
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    refusals: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, FetchedValue())


class AnalysisTask(Base):
    """A run that was asked for, by a person or for a night, and how far it is; at most one of a programme is open.

    `run_id`: the run, once it is done; `reason`: why there is none; `snapshot_hash`: the snapshot it goes on with.
    """

    __tablename__ = "analysis_task"
    task_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    run_id: Mapped[int | None] = mapped_column(BigInteger)
    asked_at: Mapped[datetime]
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    night: Mapped[date | None] = mapped_column(Date)
    steps_done: Mapped[int] = mapped_column(Integer, default=0)
    steps: Mapped[int] = mapped_column(Integer, default=0)
    state: Mapped[str] = mapped_column(Text, default=WAITING)
    asked_by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    snapshot_hash: Mapped[bytes | None] = mapped_column(BYTEA)

    @property
    def progress_percent(self) -> int:
        """How much of it is done."""
        return 100 if self.state == DONE else 100 * self.steps_done // self.steps if self.steps else 0


class FiguresRun(Base):
    """Figures of a programme over whole days, as they were taken at a moment; taken anew they are a further row.

    The same sums and facts are one row, whoever takes them again. `facts`: what is no sum by area.
    """

    __tablename__ = "figures_run"
    run_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    from_day: Mapped[date] = mapped_column(Date)
    until_day: Mapped[date] = mapped_column(Date)
    topic: Mapped[str] = mapped_column(Text)
    code_version: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[bytes] = mapped_column(BYTEA)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)


class AreaSum(Base):
    """What the members of exactly one area come to, under a key of the topic: a number of things, points, and fen."""

    __tablename__ = "area_sum"
    run_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    value_fen: Mapped[int] = mapped_column(BigInteger)
    cost_fen: Mapped[int] = mapped_column(BigInteger)
    area: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)


class MixTarget(Base):
    """From a day on, which shares of the points are to go where (basis points by heap), and from which drift on staff are told."""

    __tablename__ = "mix_target"
    programme_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    from_day: Mapped[date] = mapped_column(Date, primary_key=True)
    entered_at: Mapped[datetime]
    alert_bp: Mapped[int] = mapped_column(Integer)
    shares: Mapped[dict[str, int]] = mapped_column(JSONB)
    approval: Mapped[str] = mapped_column(Text)


class MixAlert(Base):
    """In a week a heap's share lay further from the target than agreed; told once a week and heap."""

    __tablename__ = "mix_alert"
    programme_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    week_from: Mapped[date] = mapped_column(Date, primary_key=True)
    at: Mapped[datetime]
    run_id: Mapped[int] = mapped_column(BigInteger)
    share_bp: Mapped[int] = mapped_column(Integer)
    target_bp: Mapped[int] = mapped_column(Integer)
    heap: Mapped[str] = mapped_column(Text, primary_key=True)


class PeriodReport(Base):
    """The report of ten days or a month as it was made, once: CSV and the hash of its bytes."""

    __tablename__ = "period_report"
    programme_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    from_day: Mapped[date] = mapped_column(Date)
    until_day: Mapped[date] = mapped_column(Date)
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    code_version: Mapped[str] = mapped_column(Text)
    sha256: Mapped[bytes] = mapped_column(BYTEA)
    content: Mapped[str] = mapped_column(Text)
