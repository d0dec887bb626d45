"""Tables of the events of lines, and of what programmes allow in each state."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, Integer, Text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class LineEvent(Base):
    """Something that happened to a line, as the operator's systems told it; never changed.

    `nth` numbers the events of a member from 1 in the order of arrival; `applied`: it changed the line's state when it
    came. `successor_id`: who goes on after a transfer. `digest` is of what was told, `hash` of the row and the one
    before it.
    """

    __tablename__ = "line_event"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    nth: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    successor_id: Mapped[int | None] = mapped_column(BigInteger)
    since: Mapped[date] = mapped_column(Date)
    clearing_day: Mapped[date | None] = mapped_column(Date)
    applied: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[str] = mapped_column(Text)
    event_id: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(BYTEA)
    hash: Mapped[bytes] = mapped_column(BYTEA)


class LinePolicy(Base):
    """What a programme answers to an action of a line in a state, from a day on, where it differs from the default."""

    __tablename__ = "line_policy"
    policy_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    from_day: Mapped[date] = mapped_column(Date)
    line_state: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
