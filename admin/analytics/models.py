"""Tables of analysis: runs, immutable and reproducible; and what was asked for, with how far it is."""

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
