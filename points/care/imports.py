"""A file of named persons: who looks after which customer, from when on and why. Harmless to take in twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Unpack

from sqlalchemy.orm import Session

from base import clock, csv_files
from base.errors import Problem
from points import imports
from points.care import care
from points.imports import Format, How, Outcome, Report, What, refused
from points.members import members
from points.models import Programme

REQUIRED, OPTIONAL = ("customer_id", "person", "reason"), ("from_day",)
CHANGED = "changed: another row of this file names another person from the same day on"
ACTOR = "import:managers"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file; `from_day` None: today."""

    customer_id: str
    person: str
    reason: str
    from_day: date | None


def take_in(programme: Programme, path: Path, **how: Unpack[How]) -> Report:
    """A file of named persons; opens its own transactions, see points/imports.py."""
    return imports.run(programme, path, form(programme), **how)


def form(programme: Programme) -> Format[Row]:
    """How named persons are taken in."""
    return Format(
        kind="managers",
        required=REQUIRED,
        optional=OPTIONAL,
        changed=CHANGED,
        parse=_parse,
        take=partial(take_rows, programme=programme),
        identity=lambda row: (row.customer_id, row.from_day),
    )


def take_rows(session: Session, rows: Sequence[Row], *, programme: Programme) -> list[Outcome]:
    """Name persons, one outcome each in the same order; whom a member has already is there."""
    known = members.find_many(session, programme.programme_id, sorted({row.customer_id for row in rows}))
    return [_take(session, row, programme, known) for row in rows]


def _take(session: Session, row: Row, programme: Programme, known: dict[str, int]) -> Outcome:
    if row.customer_id not in known:
        return refused("customer_id: no such customer in this programme")
    now = clock.now()
    member = members.by_id(session, known[row.customer_id])
    try:
        person = care.person(session, row.person)
        day = row.from_day or clock.day(now, programme.zone)
        before = care.manager_of(session, member.member_id, day)
        if before is not None and before.staff_id == person.staff_id:
            return Outcome(What.THERE)
        care.assign(session, member, person.staff_id, row.reason, ACTOR, now, row.from_day)
    except care.PersonUnknown as problem:
        return refused(f"person: {problem}")
    except Problem as problem:
        return refused(str(problem))
    return Outcome(What.POSTED, name="managers")


def _parse(cells: dict[str, str]) -> Row:
    return Row(
        customer_id=csv_files.text(cells, "customer_id"),
        person=csv_files.text(cells, "person", longest=200),
        reason=csv_files.text(cells, "reason", longest=500),
        from_day=csv_files.day(cells, "from_day") if cells.get("from_day") else None,
    )
