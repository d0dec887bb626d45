"""Tables of proposals and decisions; rows are inserted and never changed, whoever asks."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

APPROVED, REJECTED, WITHDRAWN = "approved", "rejected", "withdrawn"


class Proposal(Base):
    """What a person wants to be done, for good: another content is another proposal.

    `content` is canonical JSON and `content_hash` its SHA-256, which the database checks; `member_id` 0: about no member.
    """

    __tablename__ = "proposal"
    proposal_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger)
    maker_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    ends_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(Text)
    content: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[bytes] = mapped_column(BYTEA)

    @property
    def said(self) -> dict[str, Any]:
        """The content as values."""
        found: dict[str, Any] = json.loads(self.content)
        return found


class Decision(Base):
    """The one decision on a proposal: by another person than the maker, or the maker's own withdrawal."""

    __tablename__ = "decision"
    proposal_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    maker_id: Mapped[int] = mapped_column(BigInteger)
    person_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    verdict: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[bytes] = mapped_column(BYTEA)
    note: Mapped[str | None] = mapped_column(Text)


class Endorsement(Base):
    """A checker's yes to a proposal that takes several: one row for each of them, never the maker's, of the same content."""

    __tablename__ = "endorsement"
    proposal_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    person_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    maker_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    content_hash: Mapped[bytes] = mapped_column(BYTEA)
    note: Mapped[str | None] = mapped_column(Text)
