"""Tables of notices: their templates by version, the messages themselves, and what a day's messages cost."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, Text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

WRITTEN, DUE, SENT, DELIVERED, FAILED, SUPPRESSED = (
    "written", "due", "sent", "delivered", "failed", "suppressed",
)  # fmt: skip


class NoticeTemplate(Base):
    """The texts of a kind of message, in every language, from a moment on; never edited, a change is a later version."""

    __tablename__ = "notice_template"
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    from_at: Mapped[datetime]
    texts: Mapped[dict[str, str]] = mapped_column(JSONB)
    actor: Mapped[str] = mapped_column(Text)


TEST = "test"  # the subject of what staff send to try a text


class Notice(Base):
    """A message for a person and where it stands; receiver and text are sealed, if `keyed` with the member's own key.

    `language` None: in both. `seq`: the posting of the member's that it tells. `code_digest`: what its check code is
    found by. `version` 0: written before there were templates. `subject`: the public id of what it is about.
    """

    __tablename__ = "notice"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    notice_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    seq: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(BigInteger)
    tries: Mapped[int] = mapped_column(BigInteger, default=0)
    at: Mapped[datetime]
    due_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(Text)
    template: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)
    code_digest: Mapped[bytes | None] = mapped_column(BYTEA)
    receiver_sealed: Mapped[bytes] = mapped_column(BYTEA)
    text_sealed: Mapped[bytes] = mapped_column(BYTEA)
    keyed: Mapped[bool] = mapped_column(Boolean, server_default="false")


class NoticeSpend(Base):
    """What the messages handed to the gateway on a day may cost, in fen; a repeated hand-over costs nothing more."""

    __tablename__ = "notice_spend"
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    fen: Mapped[int] = mapped_column(BigInteger)


class NoticeCount(Base):
    """How many messages of a kind that were written on a day (of a zone) are in a state, and when that was counted."""

    __tablename__ = "notice_count"
    zone: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    template: Mapped[str] = mapped_column(Text, primary_key=True)
    state: Mapped[str] = mapped_column(Text, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    counted_at: Mapped[datetime]
