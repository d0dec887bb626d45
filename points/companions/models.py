"""The table of links between members."""

from datetime import datetime

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

DECLINED, WITHDRAWN, ENDED = "declined", "withdrawn", "ended"


class CompanionLink(Base):
    """A member's invitation to another one, and what became of it; `ends_at`: unanswered until then, it expires."""

    __tablename__ = "companion_link"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    link_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    companion_id: Mapped[int] = mapped_column(BigInteger)
    invited_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(Text)
