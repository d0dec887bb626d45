"""The table of what came of trial cards."""

from datetime import datetime

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

OUTCOMES = ("converted", "interested", "declined", "no_answer")


class TrialCardResult(Base):
    """What came of a trial card, in the words of a person of the staff; once, never changed."""

    __tablename__ = "trial_card_result"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    redemption_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    staff_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
