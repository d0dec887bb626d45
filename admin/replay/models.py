"""The table of replays."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

WAITING, RUNNING, DONE = "waiting", "running", "done"


class ReplayRun(Base):
    """One replay of one content over whole days, the last one included, and how far it is.

    `ends`: the last member of each part, once it was divided; `sums`: what the parts done so far add up to; `report`: once it is done.
    """

    __tablename__ = "replay_run"
    replay_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    proposal_id: Mapped[int] = mapped_column(BigInteger)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    asked_at: Mapped[datetime]
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    from_day: Mapped[date] = mapped_column(Date)
    until_day: Mapped[date] = mapped_column(Date)
    months: Mapped[int] = mapped_column(SmallInteger)
    parts_done: Mapped[int] = mapped_column(SmallInteger, default=0)
    state: Mapped[str] = mapped_column(Text, default=WAITING)
    asked_by: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[bytes] = mapped_column(BYTEA)
    ends: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    sums: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB)

    @property
    def progress_percent(self) -> int:
        """How much of it is done."""
        return 100 * self.parts_done // len(self.ends) if self.ends else 0
