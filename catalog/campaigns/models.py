"""The table of merchants' campaigns."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

VOUCHER, MEMBER_DAY, BIRTHDAY, HOLIDAY = KINDS = ("voucher", "member_day", "birthday", "holiday")


class Campaign(Base):
    """What a merchant proposes as an offer of its own. `outlet_id`: the one outlet whose manager wrote it; None: all.

    `content`: the merchant's part of the offer's document (catalog/publishing/contents.py); `revision` grows with each change.
    `made_by`, `handed_in_by` name people of the merchant, `taken_by` one of the staff, who made `draft_id` of it.
    `refusal`: the words with which it was sent back. `wished_points`: the price that the merchant would like; None: any.
    """

    __tablename__ = "campaign"
    campaign_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    outlet_id: Mapped[int | None] = mapped_column(BigInteger)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    made_by: Mapped[int] = mapped_column(BigInteger)
    handed_in_by: Mapped[int | None] = mapped_column(BigInteger)
    taken_by: Mapped[int | None] = mapped_column(BigInteger)
    draft_id: Mapped[int | None] = mapped_column(BigInteger)
    wished_points: Mapped[int | None] = mapped_column(BigInteger)
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    handed_in_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(Text)
    refusal: Mapped[str | None] = mapped_column(Text)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
