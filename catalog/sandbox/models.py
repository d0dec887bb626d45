"""Table of what was accepted in the sandbox of tills; no voucher, no member and no money stands behind it."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class SandboxUse(Base):
    """An acceptance at a sandbox terminal: of which case, so many units; forgotten after a day."""

    __tablename__ = "sandbox_use"
    terminal_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    use_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    case_no: Mapped[int] = mapped_column(Integer)
    units: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
