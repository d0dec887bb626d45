"""The table of hourly proofs."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class VerifyRun(Base):
    """One hour's `jifen verify`: begun by one worker, ended with what it found; never ended: that worker died.

    `found`: the first findings, each with rule, place, text; `findings`: how many there were.
    """

    __tablename__ = "verify_run"
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    postings: Mapped[int] = mapped_column(BigInteger, default=0)
    findings: Mapped[int] = mapped_column(BigInteger, default=0)
    found: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
