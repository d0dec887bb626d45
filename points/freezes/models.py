"""Table of freezes of points."""

from datetime import datetime

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

OF_MEMBER, OF_STAFF = "member", "staff"
OWN, NOT_ME, NUMBER = "own", "not-me", "number-changed"
CALLED, FRAUD = "member-called", "suspected-fraud"


class WalletFreeze(Base):
    """A time in which a member's points could not be spent; open while `ended_at` is None, and of each side one at most.

    `side`: whose it is, and so who may end it. `thaw_at`: the member has given the code, and it ends then.
    """

    __tablename__ = "wallet_freeze"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    freeze_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    thaw_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    side: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    case_no: Mapped[str] = mapped_column(Text, default="")
    ended_by: Mapped[str | None] = mapped_column(Text)
    ended_case: Mapped[str | None] = mapped_column(Text)
