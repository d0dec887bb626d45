"""Table of files of members' own data."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Integer, Text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class MemberExport(Base):
    """One file of a member's own data: how far it is (`done` of `total` parts), until when it can be fetched.

    `file`: the archive, sealed with the member's key; gone once it ended. `language`: of the words in it.
    """

    __tablename__ = "member_export"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    export_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    asked_at: Mapped[datetime]
    made_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    downloaded_at: Mapped[datetime | None]
    downloads: Mapped[int] = mapped_column(Integer, default=0)
    done: Mapped[int] = mapped_column(Integer, default=0)
    total: Mapped[int] = mapped_column(Integer)
    on_day: Mapped[date] = mapped_column(Date)
    language: Mapped[str] = mapped_column(Text)
    file: Mapped[bytes | None] = mapped_column(BYTEA, deferred=True)
