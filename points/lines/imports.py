"""A file of line events as the operator's systems tell them. Each row counts once by its event id, for good."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Unpack

from sqlalchemy.orm import Session

from base import clock, csv_files
from base.config import Config
from base.csv_files import BadCell
from base.database import StillRunning
from base.errors import Problem
from points import imports
from points.imports import Format, How, Outcome, Report, What, refused
from points.lines import events
from points.lines.log import Told
from points.lines.states import REPORTED, LineState
from points.members import members
from points.models import Programme

REQUIRED = ("customer_id", "event_id", "state", "since", "reason")
OPTIONAL = ("clearing_day", "to_customer", "phone")
CHANGED = "changed: an event is never edited; send another one"
ACTOR = "import:line-events"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file."""

    customer_id: str
    told: Told


def take_in(programme: Programme, config: Config, path: Path, **how: Unpack[How]) -> Report:
    """A file of line events; opens its own transactions, see points/imports.py."""
    return imports.run(programme, path, form(programme, config), **how)


def form(programme: Programme, config: Config) -> Format[Row]:
    """How line events are taken in."""
    return Format(
        kind="line events",
        required=REQUIRED,
        optional=OPTIONAL,
        changed=CHANGED,
        parse=_parse,
        take=partial(take_rows, programme=programme, config=config),
        identity=lambda row: (row.customer_id, row.told.event_id),
    )


def take_rows(
    session: Session, rows: Sequence[Row], *, programme: Programme, config: Config
) -> list[Outcome]:
    """Take events, one outcome each in the same order. Customers are taken in one order by every run, so that two of
    them never wait for each other in a ring; the events of one customer stay in the order of the file.
    """
    outcomes: dict[int, Outcome] = {}
    for number, row in sorted(enumerate(rows), key=lambda pair: pair[1].customer_id):
        outcomes[number] = _take(session, row, programme, config)
    return [outcomes[number] for number in range(len(rows))]


def _take(session: Session, row: Row, programme: Programme, config: Config) -> Outcome:
    known = members.find_many(session, programme.programme_id, [row.customer_id])
    if row.customer_id not in known:
        return refused("customer_id: no such customer in this programme")
    try:
        with session.begin_nested():  # a refusal half-way undoes what was done for this row alone
            taken = events.take(session, config, known[row.customer_id], row.told, ACTOR, clock.now())
    except StillRunning:
        raise
    except Problem as problem:
        return refused(str(problem))
    return Outcome(What.THERE if taken.repeated else What.POSTED, name=str(row.told.state))


def _parse(cells: dict[str, str]) -> Row:
    state = csv_files.text(cells, "state")
    if state not in {str(one) for one in REPORTED}:
        raise BadCell(f"state: must be one of {', '.join(REPORTED)}")
    told = Told(
        event_id=csv_files.text(cells, "event_id"),
        state=LineState(state),
        since=csv_files.day(cells, "since"),
        reason=csv_files.text(cells, "reason", longest=200),
        clearing_day=csv_files.day(cells, "clearing_day") if cells.get("clearing_day") else None,
        to_customer=cells.get("to_customer") or None,
        phone=cells.get("phone") or None,
    )
    return Row(csv_files.text(cells, "customer_id"), told)
