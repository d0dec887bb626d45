"""Tables of what Stripe tells us: payouts of merchants' accounts to their banks, and the events themselves."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class StripePayout(Base):
    """A payout of a merchant's account to its bank, as Stripe told it last; its state only goes forward, by `rank`.

    `took`: payouts that failed before and whose money it takes along."""

    __tablename__ = "stripe_payout"
    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    bank_payout: Mapped[str] = mapped_column(Text, primary_key=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    arrival_day: Mapped[date | None] = mapped_column(Date)
    at: Mapped[datetime]
    changed_at: Mapped[datetime]
    rank: Mapped[int] = mapped_column(Integer)
    currency: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    failure: Mapped[str] = mapped_column(Text, default="")
    took: Mapped[list[str]] = mapped_column(JSONB, default=list)


class StripeEvent(Base):
    """A webhook whose signature was right, by Stripe's own id: a hint, followed once."""

    __tablename__ = "stripe_event"
    event_id: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    kind: Mapped[str] = mapped_column(Text)
    account: Mapped[str] = mapped_column(Text, default="")
    subject: Mapped[str] = mapped_column(Text)
