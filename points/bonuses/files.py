"""A file of bonuses, for what no system sends: the same rules, a row each. Each counts once by its reference, for good."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Unpack

from sqlalchemy.orm import Session

from base import clock, csv_files
from base.errors import Problem
from points import imports
from points.bonuses import granting
from points.bonuses.deciding import MOST_REF, Wanted
from points.imports import Format, How, Outcome, Report, What, refused
from points.members import members
from points.models import Programme

REQUIRED = ("rule", "customer_id", "on", "ref")
CHANGED = "changed: a bonus is known by its reference"
NOBODY = 0  # no member has this number


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file; the same thing told again on another day is still the same thing."""

    rule: str
    customer_id: str
    ref: str
    on: date = field(compare=False)


def take_in(programme: Programme, path: Path, **how: Unpack[How]) -> Report:
    """A file of bonuses (CSV); opens its own transactions, see points/imports.py."""
    return imports.run(programme, path, form(programme), **how)


def form(programme: Programme) -> Format[Row]:
    """How bonuses are taken in."""
    return Format(
        kind="bonuses",
        required=REQUIRED,
        optional=(),
        changed=CHANGED,
        parse=_parse,
        take=partial(take_rows, programme=programme),
        identity=lambda row: row,
    )


def take_rows(session: Session, rows: Sequence[Row], *, programme: Programme) -> list[Outcome]:
    """Give what rows ask for, one outcome each in the same order."""
    known = members.find_many(session, programme.programme_id, [row.customer_id for row in rows])
    wanted = [Wanted(known.get(row.customer_id, NOBODY), row.rule, row.on, row.ref) for row in rows]
    answers = granting.grant_many(session, programme, wanted, clock.now())
    outcomes = []
    for one, row, answer in zip(wanted, rows, answers, strict=True):
        if one.member_id == NOBODY:
            outcomes.append(refused("customer_id: no such customer in this programme"))
        elif isinstance(answer, Problem):
            outcomes.append(refused(f"{answer.type_name()}: {answer}"))
        elif answer.repeated:
            outcomes.append(Outcome(What.THERE))
        else:
            outcomes.append(Outcome(What.POSTED, answer.points, row.rule))
    return outcomes


def _parse(cells: dict[str, str]) -> Row:
    return Row(
        rule=csv_files.text(cells, "rule"),
        customer_id=csv_files.text(cells, "customer_id"),
        ref=csv_files.text(cells, "ref", longest=MOST_REF),
        on=csv_files.day(cells, "on"),
    )
