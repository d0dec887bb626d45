"""Tables of webhooks: receivers, events, what is to be delivered to whom, each try, and replays."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

LIVE, PAUSED, REMOVED = "live", "paused", "removed"
WAITING, DELIVERED, FAILED, DROPPED = "waiting", "delivered", "failed", "dropped"


class Endpoint(Base):
    """Where events of a programme, or those of one merchant, are sent. Secrets are sealed; while they are rotated there are two.

    `failing_since`: nothing has got through from then on; `rest_until`: nobody tries before, so that a silent receiver
    does not keep the workers waiting.
    """

    __tablename__ = "webhook_endpoint"
    endpoint_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int | None] = mapped_column(BigInteger)
    merchant_id: Mapped[int | None] = mapped_column(BigInteger)
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    paused_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    rest_until: Mapped[datetime | None]
    old_secret_until: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    secret_sealed: Mapped[bytes] = mapped_column(BYTEA)
    old_secret_sealed: Mapped[bytes | None] = mapped_column(BYTEA)


class Event(Base):
    """Something that happened in a programme or at a merchant, without personal data; never changed. member_id 0: to no member."""

    __tablename__ = "webhook_event"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int | None] = mapped_column(BigInteger)
    merchant_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]
    type: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Delivery(Base):
    """An event on its way to an endpoint. `busy_until`: a worker is trying; `status`: HTTP's, of the last answer."""

    __tablename__ = "webhook_delivery"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    tries: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    busy_until: Mapped[datetime | None]
    status: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)


class Try(Base):
    """One request that was made, and what came of it; never changed. No body and no secret is in it."""

    __tablename__ = "webhook_try"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    try_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(BigInteger)
    event_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    number: Mapped[int] = mapped_column(BigInteger)
    duration_ms: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[int | None] = mapped_column(BigInteger)
    error: Mapped[str | None] = mapped_column(Text)


class Replay(Base):
    """A walk over the events of an endpoint's owner that sends them to an endpoint again; one at a time for each endpoint."""

    __tablename__ = "webhook_replay"
    replay_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(BigInteger)
    from_at: Mapped[datetime]
    last_event: Mapped[int] = mapped_column(BigInteger)
    until_event: Mapped[int] = mapped_column(BigInteger)
    looked_at: Mapped[int] = mapped_column(BigInteger)
    queued: Mapped[int] = mapped_column(BigInteger)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    actor: Mapped[str] = mapped_column(Text)
