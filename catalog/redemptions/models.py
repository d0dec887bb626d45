"""Tables of quotes, and of redemptions with their timeline."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

REQUESTED, PENDING, FULFILLING, FULFILLED, UNKNOWN, FAILED, CANCELLED, REVERSED = (
    "requested",
    "pending",
    "fulfilling",
    "fulfilled",
    "unknown",
    "failed",
    "cancelled",
    "reversed",
)


class Quote(Base):
    """The exact price of a redemption, and the points it would take; holds nothing, lives some minutes, used once.

    `version_id`: the offer as it was quoted. `cash_fen`: the part to be paid in cash. `cost_fen`: what it costs the
    operator. `details`: what its kind asks besides. `spender_id`: who asked for it, where the member is a group.
    """

    __tablename__ = "quote"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    quote_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    offer_id: Mapped[int] = mapped_column(BigInteger)
    version_id: Mapped[int] = mapped_column(BigInteger)
    rate_id: Mapped[int | None] = mapped_column(BigInteger)
    units: Mapped[int] = mapped_column(Integer)
    price_points: Mapped[int] = mapped_column(BigInteger)
    value_fen: Mapped[int] = mapped_column(BigInteger)
    cash_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    cost_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    made_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    spender_id: Mapped[int | None] = mapped_column(BigInteger)
    lots: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class StepUp(Base):
    """A quote that was confirmed with a code, and why one was asked; never changed."""

    __tablename__ = "step_up"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    quote_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    why: Mapped[str] = mapped_column(Text)


class Redemption(Base):
    """A member's redemption and where it stands; `posting_seq` is the hold or the redeem in the ledger.

    `held`: its points were set aside first. `steps`: how many steps its timeline has. `version_id`: the offer as it was
    redeemed. `spender_id`: who redeemed, where the member is a group. `details`: of its kind, nothing personal.
    `maybe_sent`: a call to the other side may have arrived there although its answer did not reach us.
    """

    __tablename__ = "redemption"
    __allow_unmapped__ = True
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    redemption_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    offer_id: Mapped[int] = mapped_column(BigInteger)
    version_id: Mapped[int] = mapped_column(BigInteger)
    rate_id: Mapped[int | None] = mapped_column(BigInteger)
    quote_id: Mapped[int | None] = mapped_column(BigInteger)
    posting_seq: Mapped[int | None] = mapped_column(BigInteger)
    spender_id: Mapped[int | None] = mapped_column(BigInteger)
    budget_id: Mapped[int | None] = mapped_column(BigInteger)
    price_points: Mapped[int] = mapped_column(BigInteger)
    value_fen: Mapped[int] = mapped_column(BigInteger)
    cash_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    cost_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    at: Mapped[datetime]
    changed_at: Mapped[datetime]
    units: Mapped[int] = mapped_column(Integer)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    steps: Mapped[int] = mapped_column(SmallInteger, default=0)
    maybe_sent: Mapped[bool] = mapped_column(Boolean, default=False)
    held: Mapped[bool] = mapped_column(Boolean, default=False)
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    issued: int | None = None  # no column: the voucher that was issued with it in this very transaction


class Step(Base):
    """A step of a redemption's timeline: which state, when, by whom, by which channel; never changed."""

    __tablename__ = "redemption_step"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    redemption_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    no: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
