"""A file of groups: a row for each group and contact, with the rank and, of one who may spend, the cap in a month.

It says what holds from now on, as the API does: another name, class, rank, cap or cost centre takes the place of the one
before, the same again changes nothing, and what is left out stays as it is. Nobody is taken out of a group by a file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Unpack

from sqlalchemy.orm import Session

from base import clock, csv_files
from base.csv_files import BadCell
from base.database import StillRunning
from base.errors import Problem
from points import imports
from points.groups import groups, spending
from points.groups.models import CLASSES, RANKS, Group
from points.groups.spending import MOST_COST_CENTRE
from points.imports import Format, How, Outcome, Report, What, refused
from points.kinds import MOST_POINTS
from points.models import Programme

REQUIRED = ("group", "name", "class", "contact", "rank")
OPTIONAL = ("cap_points", "cost_centre")
CHANGED = "changed: an earlier line says something else about this group and contact"
OTHER_GROUP = "group: an earlier line gives it another name or class"
ACTOR = "import:groups"
LONGEST_NAME = 200
NEW = "new"
NAMES = {"百强": "top", "A": "a", "B": "b", "C": "c"}  # as the operator writes its classes
RANK_NAMES = {"高层领导": "senior", "中层领导": "middle", "普通成员": "ordinary"}


Place = tuple[str, str]  # group and contact


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file."""

    group: str
    name: str
    group_class: str
    contact: str
    rank: str
    cap_points: int | None
    cost_centre: str | None

    @property
    def place(self) -> Place:
        return self.group, self.contact


def take_in(programme: Programme, path: Path, **how: Unpack[How]) -> Report:
    """A file of groups; opens its own transactions, see points/imports.py."""
    return imports.run(programme, path, form(programme), **how)


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What earlier lines said, some hundred bytes a row: their contents, what groups are called, and which row set each
    up. So a dry run, of which nothing is stored, tells repeats and changes as the real one does.
    """

    rows: dict[Place, Row] = field(default_factory=dict)
    groups: dict[str, tuple[str, str]] = field(default_factory=dict)
    set_up: dict[str, Place] = field(default_factory=dict)


def form(programme: Programme) -> Format[Row]:
    """How groups are taken in."""
    return Format(
        kind="groups",
        required=REQUIRED,
        optional=OPTIONAL,
        changed=CHANGED,
        parse=_parse,
        take=partial(_take_rows, programme=programme, earlier=_Earlier()),
        identity=lambda row: row.place,
    )


def _take_rows(
    session: Session, rows: Sequence[Row], *, programme: Programme, earlier: _Earlier
) -> list[Outcome]:
    """Set up what rows say, one outcome each in the same order; safe to repeat. Groups come in one order, so that two
    runs never wait for each other in a ring.
    """
    outcomes: dict[int, Outcome] = {}
    for number, row in enumerate(rows):
        said = row.name, row.group_class
        if earlier.groups.setdefault(row.group, said) != said:
            outcomes[number] = refused(OTHER_GROUP)
        elif earlier.rows.setdefault(row.place, row) != row:
            outcomes[number] = refused(CHANGED)
    for number, row in sorted(enumerate(rows), key=lambda pair: pair[1].group):
        if number not in outcomes:
            outcomes[number] = _take(session, row, programme, earlier)
    return [outcomes[number] for number in range(len(rows))]


def _take(session: Session, row: Row, programme: Programme, earlier: _Earlier) -> Outcome:
    try:
        with session.begin_nested():  # a refusal half-way undoes what was done for this row alone
            group, of_group = _set_up(session, row, programme)
            of_contact = _belongs(session, row, group)
    except StillRunning:
        raise
    except Problem as problem:
        return refused(str(problem))
    mine = earlier.set_up.setdefault(row.group, row.place) == row.place
    said = [*(of_group if mine else []), *of_contact]
    changes = ", ".join(name for name in said if name != NEW)
    return Outcome(What.POSTED, changes="" if NEW in said else changes) if said else Outcome(What.THERE)


def _set_up(session: Session, row: Row, programme: Programme) -> tuple[Group, list[str]]:
    """The group with this name and class, and which of them it had otherwise; NEW where it was none."""
    member = groups.present(session, programme.programme_id, row.group)
    there = session.get(Group, member.member_id, with_for_update=True, populate_existing=True)
    if there is not None and (there.name, there.group_class) == (row.name, row.group_class):
        return there, []
    changes = [NEW] if there is None else _otherwise(there, row)
    made = groups.set_up(
        session, programme.programme_id, row.group, row.name, row.group_class, clock.now(), ACTOR
    )
    return made, changes


def _otherwise(there: Group, row: Row) -> list[str]:
    found = {"name": there.name != row.name, "class": there.group_class != row.group_class}
    return [name for name, differs in found.items() if differs]


def _belongs(session: Session, row: Row, group: Group) -> list[str]:
    """The contact with this rank, cap and cost centre; which of them are others than before, NEW where it was none."""
    at, contact_id = clock.now(), groups.present(session, group.programme_id, row.contact).member_id
    there = groups.contact(session, group.member_id, contact_id)
    groups.set_contact(session, group, row.contact, row.rank, at, ACTOR)
    changed = [NEW] if there is None else ["rank"] if there.rank != row.rank else []
    if row.cap_points is None:
        return changed
    before = spending.present_spender(session, group.member_id, contact_id)
    made = spending.set_spender(session, group, row.contact, row.cap_points, at, ACTOR, row.cost_centre)
    same = before is not None and made.entry_id == before.entry_id
    return changed if same else [*changed, "cap_points"]


def _parse(cells: dict[str, str]) -> Row:
    centre = (
        csv_files.text(cells, "cost_centre", longest=MOST_COST_CENTRE) if cells.get("cost_centre") else None
    )
    cap = _cap(cells) if cells.get("cap_points") else None
    if centre is not None and cap is None:
        raise BadCell("cost_centre: is of one who may spend; cap_points is empty")
    return Row(
        csv_files.text(cells, "group"),
        csv_files.text(cells, "name", longest=LONGEST_NAME),
        _one_of(cells, "class", CLASSES, NAMES),
        csv_files.text(cells, "contact"),
        _one_of(cells, "rank", RANKS, RANK_NAMES),
        cap,
        centre,
    )


def _cap(cells: dict[str, str]) -> int:
    points = csv_files.whole_number(cells, "cap_points")
    if not 0 <= points <= MOST_POINTS:
        raise BadCell(f"cap_points: must lie between 0 and {MOST_POINTS}")
    return points


def _one_of(cells: dict[str, str], column: str, codes: Sequence[str], names: dict[str, str]) -> str:
    value = cells.get(column, "")
    found = names.get(value, value)
    if found not in codes:
        raise BadCell(f"{column}: must be one of {', '.join((*codes, *names))}")
    return found
