"""The table of analysis runs: immutable, reproducible from snapshot, code version and seed."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class AnalysisRun(Base):
    """What one run found."""

    __tablename__ = "analysis_run"
    run_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    seed: Mapped[int] = mapped_column(BigInteger)
    code_version: Mapped[str] = mapped_column(Text)
    input_hash: Mapped[bytes] = mapped_column(BYTEA)
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
