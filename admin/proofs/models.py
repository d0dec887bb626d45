"""Tables of proofs: a service in a month as it was recorded and rated, and the sample that a person verifies."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, Integer, Text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class ProofRun(Base):
    """What was recorded of a service in a month (its first day) for the members of an area, and what they said of it.

    `service`: offer:NUMBER or care:OCCASION. `log` and `survey` None: the worker has not come to it. `seed`: what the sample
    of `size` things is drawn by.
    """

    __tablename__ = "proof_run"
    run_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    seed: Mapped[int] = mapped_column(BigInteger)
    asked_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    month: Mapped[date] = mapped_column(Date)
    size: Mapped[int] = mapped_column(Integer)
    service: Mapped[str] = mapped_column(Text)
    area: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[str] = mapped_column(Text)
    log: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    survey: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class ProofSample(Base):
    """A use, or a contact of care, that is to be verified, and what the member answered; the note is under the member's key.

    `thing_id`: the redemption or the contact. `rated`: the member has rated it besides.
    """

    __tablename__ = "proof_sample"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    run_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    thing_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    verified_by: Mapped[int | None] = mapped_column(BigInteger)
    verified_at: Mapped[datetime | None]
    happened_at: Mapped[datetime]
    rated: Mapped[bool] = mapped_column(Boolean)
    answer: Mapped[str | None] = mapped_column(Text)
    note: Mapped[bytes | None] = mapped_column(BYTEA)
