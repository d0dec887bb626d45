"""The table of contacts."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Contact(Base):
    """A touch with a member; what was said and what is next are sealed with the member's own key. Never edited.

    `direction`: the member came to us (in) or we to the member (out). `about`: the public id of what it was about.
    """

    __tablename__ = "contact"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    contact_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    ticket_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]
    next_on: Mapped[date | None] = mapped_column(Date)
    channel: Mapped[str] = mapped_column(Text)
    direction: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    result: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    about: Mapped[str | None] = mapped_column(Text)
    words: Mapped[bytes | None] = mapped_column(BYTEA)
    next_step: Mapped[bytes | None] = mapped_column(BYTEA)
