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
    """What somebody of the staff, a merchant or a terminal did or looked at; never changed. Written by base/audit.py alone."""

    __tablename__ = "audit"
    audit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    chain: Mapped[str] = mapped_column(Text)
    no: Mapped[int] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    request_id: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    digest: Mapped[bytes] = mapped_column(BYTEA)


class AuditHead(Base):
    """Where the chain of an actor's rows stands."""

    __tablename__ = "audit_head"
    chain: Mapped[str] = mapped_column(Text, primary_key=True)
    no: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes] = mapped_column(BYTEA)


class VaultKey(Base):
    """The key of one member's personal data, itself sealed; without it (shredded) nothing of it can be read again."""

    __tablename__ = "vault_key"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    made_at: Mapped[datetime]
    shredded_at: Mapped[datetime | None]
    wrapped: Mapped[bytes | None] = mapped_column(BYTEA)


class VaultItem(Base):
    """A piece of personal data that held from one moment to another, sealed with the member's key."""

    __tablename__ = "vault_item"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    until: Mapped[datetime | None]
    sealed: Mapped[bytes] = mapped_column(BYTEA)
    source: Mapped[str] = mapped_column(Text)
