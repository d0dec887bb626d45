"""The table of alerts."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

OPEN, CLOSED = "open", "closed"
HARMLESS, WATCHED, FRAUD = "harmless", "watched", "fraud"
OUTCOMES = (HARMLESS, WATCHED, FRAUD)


class Alert(Base):
    """Something that looks wrong: one for each rule, subject (a clerk, a till, a merchant) and day of the merchant.

    `facts`: numbers and opaque ids as they were at `latest_at`. merchant_id 0: it is about all merchants.
    """

    __tablename__ = "till_alert"
    alert_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    outlet_id: Mapped[int | None] = mapped_column(BigInteger)
    terminal_id: Mapped[int | None] = mapped_column(BigInteger)
    clerk_id: Mapped[int | None] = mapped_column(BigInteger)
    closed_by: Mapped[int | None] = mapped_column(BigInteger)
    raised_at: Mapped[datetime]
    latest_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    on_day: Mapped[date] = mapped_column(Date)
    rule: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default=OPEN)
    outcome: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
