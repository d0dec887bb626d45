"""Tables of offers by version, and of whether they are open."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

BILL_CREDIT, VOUCHER, TRIAL_CARD, PERK, EVENT, GOODS, SERVICE, GIFT, BUNDLE, HISTORY = (
    "bill_credit",
    "voucher",
    "trial_card",
    "perk",
    "event",
    "goods",
    "service",
    "gift",
    "bundle",
    "history",
)
LIVE, PAUSED, ENDED = "live", "paused", "ended"
BASIC, VALUE_ADDED, EXTENSION = "basic", "value_added", "extension"


class Offer(Base):
    """Something points can buy, as one version of it says; never edited: a change is a further version from a moment on.

    `value_fen`: what one unit is worth to the member - the credit, the voucher's face value, the list price of the place;
    `cost_fen`: what one unit costs the operator. `cash_choices`: how much of a unit may be paid in cash (fen); without
    any, points alone. `form`: what only its kind knows. `until_at`: the end of the offer, of all its versions.
    Kind `history`: what was redeemed before this system began; never live. `proposal_id`: the approval it came by.
    """

    __tablename__ = "offer"
    version_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    offer_id: Mapped[int] = mapped_column(BigInteger)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    merchant_id: Mapped[int | None] = mapped_column(BigInteger)
    budget_id: Mapped[int | None] = mapped_column(BigInteger)
    proposal_id: Mapped[int | None] = mapped_column(BigInteger)
    value_fen: Mapped[int] = mapped_column(BigInteger)
    cost_fen: Mapped[int] = mapped_column(BigInteger)
    from_at: Mapped[datetime]
    until_at: Mapped[datetime | None]
    most_units: Mapped[int] = mapped_column(Integer, default=1)
    voucher_days: Mapped[int | None] = mapped_column(Integer)
    event_at: Mapped[datetime | None]
    cancellable: Mapped[bool] = mapped_column(Boolean)
    kind: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    approval_class: Mapped[str] = mapped_column(Text, default=BASIC)
    city: Mapped[str | None] = mapped_column(Text)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    texts: Mapped[dict[str, str]] = mapped_column(JSONB)
    terms: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    pictures: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    cash_choices: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)
    form: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    eligibility: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    limits: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)


class OfferState(Base):
    """An offer whatever its version: its code, and whether it is live, paused or ended by hand, by whom and why."""

    __tablename__ = "offer_state"
    offer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    paused_by: Mapped[int | None] = mapped_column(BigInteger)
    ended_by: Mapped[int | None] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)


class OfferCount(Base):
    """How many units of an offer all members have together in a calendar window; only where its limits ask for it."""

    __tablename__ = "offer_count"
    offer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    per: Mapped[str] = mapped_column(Text, primary_key=True)
    first_day: Mapped[date] = mapped_column(Date, primary_key=True)
    units: Mapped[int] = mapped_column(BigInteger)
