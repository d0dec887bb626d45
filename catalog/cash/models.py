"""Tables of the cash part of redemptions, and of what Stripe told about them."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

DUE, ASKED, PAID, CANCELLING, CANCELLED = "due", "asked", "paid", "cancelling", "cancelled"
REFUND_DUE, REFUNDED = "refund_due", "refunded"
OPEN = (DUE, ASKED, CANCELLING)


class CashPart(Base):
    """What a member pays in money for a redemption, and where that stands.

    due: to be asked for; asked: the PaymentIntent is there, the member can pay; paid: the money came in time, the course
    of the redemption was told. cancelling: time is up, Stripe is asked to cancel; cancelled: it did, the course was told.
    refund_due, refunded: all of it goes back. `paid_at` and `gave_up_at`: when the course was told, one of the two, once.
    `busy_until`: somebody is asking Stripe at this moment. `maybe_sent`: a PaymentIntent may be there that we do not know.
    """

    __tablename__ = "cash_part"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    redemption_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    ends_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    busy_until: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    gave_up_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(Integer, default=0)
    refund_no: Mapped[int] = mapped_column(Integer, default=1)
    maybe_sent: Mapped[bool] = mapped_column(Boolean, default=False)
    currency: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    payment_intent: Mapped[str | None] = mapped_column(Text)
    refund: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)


class CardProceeds(Base):
    """What a payment brought: Stripe's fee is taken off the amount, and the rest is in our balance there from `available_at` on."""

    __tablename__ = "card_proceeds"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    redemption_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    fee_fen: Mapped[int] = mapped_column(BigInteger)
    available_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    currency: Mapped[str] = mapped_column(Text)
    transaction: Mapped[str] = mapped_column(Text)


class CashEvent(Base):
    """A webhook of Stripe's that named one of our redemptions: a hint that was followed, once."""

    __tablename__ = "cash_event"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[str] = mapped_column(Text, primary_key=True)
    redemption_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(Text)
    payment_intent: Mapped[str | None] = mapped_column(Text)
