"""The table of disputes."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

OPEN, DECIDED, CLOSED = STATES = ("open", "decided", "closed")
MEMBER, MERCHANT = VERDICTS = ("member", "merchant")
PROPOSED, BY_HAND, NONE = POINTS_BACK = ("proposed", "by_hand", "none")
SIDES = VERDICTS  # who opened it


class Dispute(Base):
    """A member says of an acceptance that it was not them, or its merchant that it is not right (`side`; `said`: the merchant's
    words). Decided once, by the person of the staff who took it first: for the member, the use does not stand.

    `amount_fen`: what is owed to the merchant for it, which is `held` from the first moment (those of the time before there
    were holds: false). `points_back` of a decision for the member: proposed as a reversal, or to be given by hand. `closing`:
    what else was done.
    """

    __tablename__ = "dispute"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    dispute_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    acceptance_id: Mapped[int] = mapped_column(BigInteger)
    voucher_id: Mapped[int] = mapped_column(BigInteger)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    outlet_id: Mapped[int] = mapped_column(BigInteger)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    opened_at: Mapped[datetime]
    decide_by: Mapped[datetime]
    handler_id: Mapped[int | None] = mapped_column(BigInteger)
    taken_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(Text, default=OPEN)
    verdict: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    points_back: Mapped[str | None] = mapped_column(Text)
    closing: Mapped[str | None] = mapped_column(Text)
    opened_by: Mapped[str] = mapped_column(Text)
    side: Mapped[str] = mapped_column(Text, default=MEMBER)
    said: Mapped[str] = mapped_column(Text, default="")
    held: Mapped[bool] = mapped_column(Boolean, default=True)
