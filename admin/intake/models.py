"""Tables of files that were sent by way of a page."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, FetchedValue, Integer, Text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
TRY, COMMIT, UNDO = "try", "commit", "undo"
FILE, ERRORS = "file", "errors"


class Intake(Base):
    """A file that somebody sent, of which programme and kind; its bytes (`size`) lie in parts until `emptied_at`.

    `sha256`: of its bytes, once all are here; `heads`: what the file calls its columns; `names`: which of ours each stands
    for, once that was said; `posting_at`: since when rows of it may have been posted.
    """

    __tablename__ = "intake"
    intake_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    lines: Mapped[int] = mapped_column(BigInteger, default=0)
    sent_at: Mapped[datetime]
    mapped_at: Mapped[datetime | None]
    posting_at: Mapped[datetime | None]
    emptied_at: Mapped[datetime | None]
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    sent_by: Mapped[str] = mapped_column(Text)
    sha256: Mapped[bytes | None] = mapped_column(BYTEA)
    heads: Mapped[list[str]] = mapped_column(JSONB, default=list)
    names: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))


class IntakePart(Base):
    """Up to a megabyte of a file, or of its error file, sealed: rows are about people."""

    __tablename__ = "intake_part"
    intake_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    what: Mapped[str] = mapped_column(Text, primary_key=True)
    part_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    sealed: Mapped[bytes] = mapped_column(BYTEA)


class IntakeJob(Base):
    """A dry run, a taking in or a taking back that was asked for, and how far it is; at most one of a file is open.

    Its speed is told by what was done since `from_at`, when `from_done` was done. `counts`: what became of the rows;
    `told`: the whole report, sealed, for it may name people; `reason`: the problem that ended it.
    """

    __tablename__ = "intake_job"
    job_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    intake_id: Mapped[int] = mapped_column(BigInteger)
    done: Mapped[int] = mapped_column(BigInteger, FetchedValue())
    total: Mapped[int] = mapped_column(BigInteger, FetchedValue())
    from_done: Mapped[int] = mapped_column(BigInteger, FetchedValue())
    asked_at: Mapped[datetime]
    began_at: Mapped[datetime | None]
    from_at: Mapped[datetime | None]
    stands_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    deed: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default=WAITING)
    phase: Mapped[str] = mapped_column(Text, FetchedValue())
    asked_by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    counts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    told: Mapped[bytes | None] = mapped_column(BYTEA)

    @property
    def percent(self) -> int:
        """How much of it is done."""
        return 100 * self.done // self.total if self.total else 0

    @property
    def per_second(self) -> int | None:
        """Rows a second since it came to move; None as long as nobody can tell."""
        if self.from_at is None or self.stands_at is None or self.stands_at <= self.from_at:
            return None
        return int((self.done - self.from_done) / (self.stands_at - self.from_at).total_seconds())

    @property
    def seconds_left(self) -> int | None:
        """How long it will take yet at this speed, in seconds; None as long as nobody can tell."""
        return -(-(self.total - self.done) // self.per_second) if self.per_second else None


class IntakeMapping(Base):
    """How a person last mapped the columns of files of a kind with exactly these columns."""

    __tablename__ = "intake_mapping"
    actor: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    heads_hash: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    at: Mapped[datetime]
