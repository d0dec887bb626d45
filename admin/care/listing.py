"""Lists of tasks of care: one's own, those of departments without a named person, overdue, all open, ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from admin.care.models import CareTask
from admin.care.opening import OPEN
from base.auth.principals import Staff
from points.members import scope
from points.models import Programme

MINE, LED, OVERDUE, ALL, ENDED = VIEWS = ("mine", "department", "overdue", "open", "ended")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tasks: a view, and maybe a department and an occasion."""

    view: str = MINE
    department: str | None = None
    occasion: str | None = None


def listed(
    session: Session,
    person: Staff,
    programme: Programme,
    wanted: Wanted,
    on: date,
    *,
    after: tuple[date, int] | None = None,
    limit: int,
) -> Sequence[CareTask]:
    """Tasks of members whom the person may see, the soonest due first (ended ones: the newest), from beyond a place on."""
    asked = select(CareTask).where(
        CareTask.programme_id == programme.programme_id, *_of_view(person, wanted.view, on)
    )
    for column, value in ((CareTask.department, wanted.department), (CareTask.occasion, wanted.occasion)):
        if value is not None:
            asked = asked.where(column == value)
    if wanted.view == ENDED:
        asked = asked.order_by(CareTask.task_id.desc())
        asked = asked if after is None else asked.where(CareTask.task_id < after[1])
    else:
        asked = asked.order_by(CareTask.due_on, CareTask.task_id)
        if after is not None:
            same = and_(CareTask.due_on == after[0], CareTask.task_id > after[1])
            asked = asked.where(or_(CareTask.due_on > after[0], same))
    return session.scalars(scope.within(person, asked.limit(limit), CareTask.member_id)).all()


def counts(session: Session, person: Staff, programme: Programme, on: date) -> dict[str, int]:
    """View -> how many are in it, for the views of work to do."""
    views = (MINE, LED, OVERDUE, ALL)
    asked: Any = select(*(func.count().filter(*_of_view(person, view, on)) for view in views)).where(
        CareTask.state == OPEN, CareTask.programme_id == programme.programme_id
    )
    row = session.execute(scope.within(person, asked, CareTask.member_id)).one()
    return dict(zip(views, row, strict=True))


def _of_view(person: Staff, view: str, on: date) -> list[ColumnElement[bool]]:
    if view == ENDED:
        return [CareTask.state != OPEN]
    narrow: dict[str, list[ColumnElement[bool]]] = {
        MINE: [CareTask.staff_id == person.staff_id],
        LED: [CareTask.staff_id.is_(None)],
        OVERDUE: [CareTask.due_on < on],
    }
    return [CareTask.state == OPEN, *narrow.get(view, [])]
