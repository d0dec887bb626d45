"""The table of recoveries: how what a merchant owes us came back, or did not."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

RESERVE, REVERSAL, INVOICE, WRITE_OFF = LADDER = ("reserve", "reversal", "invoice", "write-off")
OPEN, SENDING, UNKNOWN, DONE, REFUSED, CANCELLED = (
    "open",
    "sending",
    "unknown",
    "done",
    "refused",
    "cancelled",
)


class Recovery(Base):
    """A rung of the ladder on which a debt that no statement netted is brought back, after the next statement itself.

    reserve: taken out of it; reversal: of the transfer of statement `against_no`, sending, unknown, done or refused; invoice:
    open, then done (paid) or cancelled (written off instead); write-off: by two persons. `statement_no`: whose debt it is.
    `item_id`: the item by which the next statement owes so much less. `number`: of an invoice.
    """

    __tablename__ = "recovery"
    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    recovery_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    statement_no: Mapped[int] = mapped_column(Integer)
    against_no: Mapped[int | None] = mapped_column(Integer)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    item_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]
    changed_at: Mapped[datetime]
    busy_until: Mapped[datetime | None]
    step: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    number: Mapped[str | None] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(Text)
    approval: Mapped[str | None] = mapped_column(Text)
