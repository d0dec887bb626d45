"""Lists of tickets: the inbox of the staff by view, department, subject and stage; a member's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from admin.tickets.course import CLOSED, RECEIVED
from admin.tickets.models import Ticket
from admin.tickets.numbers import NUMBER_BITS
from base.auth.principals import Staff
from points.members import scope

MINE, FREE, OVERDUE, CLIMBED, OPEN, ENDED = VIEWS = (
    "mine",
    "unassigned",
    "overdue",
    "climbed",
    "open",
    "closed",
)
LEVELS = {
    0: 4,
    2: 3,
    4: 2,
}  # digits of a person's area -> the level whose tickets have come up to that person


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tickets of the staff: a view, and maybe a department, a subject, a stage."""

    view: str = OPEN
    department: str | None = None
    subject: str | None = None
    stage: str | None = None


def inbox(
    session: Session,
    person: Staff,
    wanted: Wanted,
    at: datetime,
    *,
    place: int | None = None,
    limit: int,
) -> Sequence[Ticket]:
    """Tickets of members whom the person may see, the oldest first (closed ones: the newest), from beyond one id on."""
    asked = select(Ticket).where(*_of_view(person, wanted.view, at)).limit(limit)
    for column, value in (
        (Ticket.department, wanted.department),
        (Ticket.subject, wanted.subject),
        (Ticket.stage, wanted.stage),
    ):
        if value is not None:
            asked = asked.where(column == value)
    return session.scalars(scope.within(person, _ordered(asked, wanted.view, place), Ticket.member_id)).all()


def counts(session: Session, person: Staff, at: datetime) -> dict[str, int]:
    """View -> how many are in it, for the views of work to do."""
    views = (MINE, FREE, OVERDUE, CLIMBED, OPEN)
    asked: Any = select(*(func.count().filter(*_of_view(person, view, at)) for view in views)).where(
        Ticket.stage != CLOSED
    )
    row = session.execute(scope.within(person, asked, Ticket.member_id)).one()
    return dict(zip(views, row, strict=True))


def by_number(session: Session, person: Staff, number: int) -> Sequence[Ticket]:
    """Tickets whose number somebody says; almost always one."""
    asked = select(Ticket).where(Ticket.ticket_id.op("&")((1 << NUMBER_BITS) - 1) == number).limit(10)
    return session.scalars(scope.within(person, asked, Ticket.member_id)).all()


def of_member(
    session: Session, member_id: int, *, before: int | None = None, limit: int, open_only: bool = False
) -> Sequence[Ticket]:
    """A member's tickets, the newest first, from before an id on."""
    asked = select(Ticket).where(Ticket.member_id == member_id).order_by(Ticket.ticket_id.desc()).limit(limit)
    if before is not None:
        asked = asked.where(Ticket.ticket_id < before)
    if open_only:
        asked = asked.where(Ticket.stage != CLOSED)
    return session.scalars(asked).all()


def about(session: Session, member_id: int, reference: str) -> Ticket | None:
    """The open ticket about a thing."""
    return session.scalar(
        select(Ticket).where(Ticket.member_id == member_id, Ticket.about == reference, Ticket.stage != CLOSED)
    )


def is_overdue(row: Ticket, at: datetime) -> bool:
    """Whether the answer, or the call-back, should have been there by now."""
    return row.due_at is not None and row.due_at <= at


def _of_view(person: Staff, view: str, at: datetime) -> list[ColumnElement[bool]]:
    if view == ENDED:
        return [Ticket.stage == CLOSED]
    narrow = {
        MINE: [Ticket.owner_id == person.staff_id],
        FREE: [Ticket.stage == RECEIVED],
        OVERDUE: [Ticket.due_at <= at],
        CLIMBED: [Ticket.level >= LEVELS.get(len(person.area), 1)],
    }
    return [Ticket.stage != CLOSED, *narrow.get(view, [])]


def _ordered(asked: Select[Any], view: str, place: int | None) -> Select[Any]:
    if view == ENDED:
        asked = asked.order_by(Ticket.ticket_id.desc())
        return asked if place is None else asked.where(Ticket.ticket_id < place)
    asked = asked.order_by(Ticket.ticket_id)
    return asked if place is None else asked.where(Ticket.ticket_id > place)
