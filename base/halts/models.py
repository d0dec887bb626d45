"""The table of halts."""

from datetime import datetime

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Halt(Base):
    """An action that is stopped in a programme (0: in all of them) until two persons let it go on.

    `approval`: the proposal that ended it.
    """

    __tablename__ = "halt"
    halt_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    action: Mapped[str] = mapped_column(Text)
    begun_by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    approval: Mapped[str | None] = mapped_column(Text)
