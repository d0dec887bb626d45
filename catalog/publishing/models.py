"""The table of drafts of offers."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class OfferDraft(Base):
    """What one person is writing: a new offer (`offer_id` None until it is approved), or a further version of one.

    `revision` grows with each edit; `content`: see contents.py. `proposal_id`: the last proposal that was made of it.
    `from_version_id`: the version that it was begun from. `campaign_id`: the merchant's campaign that it was made of.
    """

    __tablename__ = "offer_draft"
    draft_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    maker_id: Mapped[int] = mapped_column(BigInteger)
    offer_id: Mapped[int | None] = mapped_column(BigInteger)
    from_version_id: Mapped[int | None] = mapped_column(BigInteger)
    proposal_id: Mapped[int | None] = mapped_column(BigInteger)
    campaign_id: Mapped[int | None] = mapped_column(BigInteger)
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    discarded_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
