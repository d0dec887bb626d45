"""The table of vouchers that are given to another member."""

from datetime import datetime

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class VoucherGift(Base):
    """Whom a redemption is for; the member is the giver, the voucher is the receiver's once it is there.

    Both numbers are kept masked, as they were when the gift was made. Where it stands is the redemption's state.
    """

    __tablename__ = "voucher_gift"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    redemption_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    receiver_id: Mapped[int] = mapped_column(BigInteger)
    voucher_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]
    send_at: Mapped[datetime]
    giver_masked: Mapped[str] = mapped_column(Text)
    receiver_masked: Mapped[str] = mapped_column(Text)
    message: Mapped[str | None] = mapped_column(Text)
