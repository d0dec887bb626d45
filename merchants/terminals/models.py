"""Tables of terminals and clerks."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Terminal(Base):
    """One till of an outlet."""

    __tablename__ = "terminal"
    terminal_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    outlet_id: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str] = mapped_column(Text, unique=True)
    revoked_at: Mapped[datetime | None]


class ClerkRow(Base):
    """A person at the tills of an outlet, known by a number; a leaver's row is ended, never deleted."""

    __tablename__ = "clerk"
    clerk_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    outlet_id: Mapped[int] = mapped_column(BigInteger)
    number: Mapped[str] = mapped_column(Text)
    pin_hash: Mapped[str] = mapped_column(Text)
    is_manager: Mapped[bool] = mapped_column(Boolean, default=False)
    ended_at: Mapped[datetime | None]
