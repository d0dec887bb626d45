"""The table of planned work."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Maintenance(Base):
    """Planned work from one moment to another, in words for everybody; ended before its time, or never begun.

    `read_only`: while it lasts nothing is written, whoever asks.
    """

    __tablename__ = "maintenance"
    maintenance_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    from_at: Mapped[datetime]
    until_at: Mapped[datetime]
    announced_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    read_only: Mapped[bool] = mapped_column(Boolean)
    announced_by: Mapped[str] = mapped_column(Text)
    ended_by: Mapped[str | None] = mapped_column(Text)
    texts: Mapped[dict[str, str]] = mapped_column(JSONB)
