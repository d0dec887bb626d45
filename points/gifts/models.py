"""Table of gifts."""

from datetime import datetime

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

WAITING, UNDONE, SENT, RECEIVED, RETURNED = "waiting", "undone", "sent", "received", "returned"


class Gift(Base):
    """A member's gift to another and where it stands; the member is the giver.

    `hold_seq` and `sent_seq` are the giver's postings; `end_seq` is the receiver's when the gift was received, else the
    giver's. Both numbers are kept masked, as they were when the gift was made.
    """

    __tablename__ = "gift"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    gift_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    receiver_id: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    hold_seq: Mapped[int] = mapped_column(BigInteger)
    sent_seq: Mapped[int | None] = mapped_column(BigInteger)
    end_seq: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]
    send_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(Text)
    giver_masked: Mapped[str] = mapped_column(Text)
    receiver_masked: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
