"""Tables of tickets."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, Integer, Text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Ticket(Base):
    """What a member asked or complained of, and where it stands: what its steps come to.

    `about`: the public id of the thing, or "bill B line L". `due_at`: until when the answer, then the call-back, is due;
    `climbs_at`: when it is told one level higher. `department` leads since it was received.
    """

    __tablename__ = "ticket"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    owner_id: Mapped[int | None] = mapped_column(BigInteger)
    opened_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    climbs_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    steps: Mapped[int] = mapped_column(Integer)
    level: Mapped[int] = mapped_column(Integer)
    tries: Mapped[int] = mapped_column(Integer)
    reopened: Mapped[bool] = mapped_column(Boolean)
    stage: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    department: Mapped[str] = mapped_column(Text)
    department_names: Mapped[dict[str, str]] = mapped_column(JSONB)
    channel: Mapped[str] = mapped_column(Text)
    opened_by: Mapped[str] = mapped_column(Text)
    about: Mapped[str | None] = mapped_column(Text)


class TicketStep(Base):
    """One deed on a ticket and what it led to; `words`, where there are any, are sealed with the member's own key.

    `person_id`: who of the staff did it (none: the member, or a job); `owner_id`: who has the ticket from then on.
    """

    __tablename__ = "ticket_step"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    no: Mapped[int] = mapped_column(Integer, primary_key=True)
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    owner_id: Mapped[int | None] = mapped_column(BigInteger)
    contact_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    level: Mapped[int] = mapped_column(Integer)
    did: Mapped[str] = mapped_column(Text)
    stage: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    words: Mapped[bytes | None] = mapped_column(BYTEA)


class TicketRule(Base):
    """From a day on a subject's tickets are led by a department and answered within so many hours; never edited.

    `by_card`: where one of the member's tiers has a department of its own, that one leads.
    """

    __tablename__ = "ticket_rule"
    rule_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    entered_at: Mapped[datetime]
    from_day: Mapped[date] = mapped_column(Date)
    hours: Mapped[int] = mapped_column(Integer)
    in_working_hours: Mapped[bool] = mapped_column(Boolean)
    by_card: Mapped[bool] = mapped_column(Boolean)
    subject: Mapped[str] = mapped_column(Text)
    department: Mapped[str] = mapped_column(Text)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    entered_by: Mapped[str] = mapped_column(Text)
