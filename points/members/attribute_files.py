"""A file of what members are from a day on: area, middle bill, risk grade, tier, birthday. What was told is never edited."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Unpack

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from base import clock, csv_files
from base.csv_files import BadCell
from points import imports
from points.imports import Format, How, Outcome, Report, What, refused
from points.members import attributes, members
from points.members.attributes import EARLIEST, BadAttribute, Told
from points.members.models import MemberAttribute
from points.models import Programme

REQUIRED = ("customer_id", "name", "from_day", "value")
OPTIONAL = ("source", "reason")
CHANGED = "changed: something else was told of this customer for the same day"
SOURCE = "import"
LONGEST_SOURCE, LONGEST_REASON = 64, 200
Place = tuple[int, str, date]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file."""

    customer_id: str
    told: Told


def take_in(programme: Programme, path: Path, **how: Unpack[How]) -> Report:
    """A file of attributes; opens its own transactions, see points/imports.py."""
    return imports.run(programme, path, form(programme), **how)


def form(programme: Programme) -> Format[Row]:
    """How attributes are taken in."""
    return Format(
        kind="attributes",
        required=REQUIRED,
        optional=OPTIONAL,
        changed=CHANGED,
        parse=_parse,
        take=partial(take_rows, programme=programme),
        identity=lambda row: (row.customer_id, row.told.name, row.told.from_day),
    )


def take_rows(session: Session, rows: Sequence[Row], *, programme: Programme) -> list[Outcome]:
    """Keep what is told, one outcome each in the same order; safe to repeat. Nothing is committed here."""
    today = clock.day(clock.now(), programme.zone)
    known = members.find_many(session, programme.programme_id, sorted({row.customer_id for row in rows}))
    there = _there(session, rows, known)
    fresh: dict[tuple[str, str | None], dict[Place, str]] = defaultdict(dict)
    outcomes: list[Outcome] = []
    for row in rows:
        told = row.told
        if row.customer_id not in known:
            outcomes.append(refused("customer_id: no such customer in this programme"))
        elif not EARLIEST <= told.from_day <= today:
            outcomes.append(refused(f"from_day: must lie between {EARLIEST} and today"))
        elif (place := (known[row.customer_id], told.name, told.from_day)) in there:
            outcomes.append(Outcome(What.THERE) if there[place] == told.value else refused(CHANGED))
        else:
            there[place] = fresh[told.source, told.reason][place] = told.value
            outcomes.append(Outcome(What.POSTED))
    for (source, reason), told_by in fresh.items():
        attributes.add_many(session, told_by, source=source, reason=reason)
    return outcomes


def _there(session: Session, rows: Sequence[Row], known: dict[str, int]) -> dict[Place, str]:
    """What was told before for the same members and days."""
    table = MemberAttribute
    places = {
        (known[row.customer_id], row.told.name, row.told.from_day) for row in rows if row.customer_id in known
    }
    found = session.execute(
        select(table.member_id, table.name, table.from_day, table.value).where(
            tuple_(table.member_id, table.name, table.from_day).in_(sorted(places))
        )
    )
    return {(member_id, name, from_day): value for member_id, name, from_day, value in found}


def _parse(cells: dict[str, str]) -> Row:
    told = Told(
        name=csv_files.text(cells, "name"),
        from_day=csv_files.day(cells, "from_day"),
        value=csv_files.text(cells, "value"),
        source=csv_files.text(cells, "source", longest=LONGEST_SOURCE) if cells.get("source") else SOURCE,
        reason=csv_files.text(cells, "reason", longest=LONGEST_REASON) if cells.get("reason") else None,
    )
    try:
        attributes.check(told.name, told.value)
    except BadAttribute as problem:
        raise BadCell(problem.detail) from problem
    return Row(csv_files.text(cells, "customer_id"), told)
