"""Tables that every package uses: idempotency, outbox, audit."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class IdempotencyKey(Base):
    """A key with the request it stood for and the answer it got; kept for good. member_id 0: no member touched."""

    __tablename__ = "idempotency_key"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    actor: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(BYTEA)
    status: Mapped[int | None]
    answer: Mapped[Any | None] = mapped_column(JSONB)
    at: Mapped[datetime]


class OutboxRow(Base):
    """Work that was promised in a member's transaction and waits to be handed to the job queue."""

    __tablename__ = "outbox"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    outbox_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    task: Mapped[str] = mapped_column(Text)
    args: Mapped[dict[str, Any]] = mapped_column(JSONB)
    due_at: Mapped[datetime]


class AuditRow(Base):
    """What somebody of the staff, a merchant or a terminal did or looked at; never changed."""

    __tablename__ = "audit"
    audit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    actor: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime]
