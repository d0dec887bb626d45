"""A file of operations, for what no system sends: the same rules, a row each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from sqlalchemy.orm import Session

from base import csv_files
from base.csv_files import BadCell
from base.errors import Problem
from points import imports, policies
from points.imports import Format, How, Outcome, Report, What, refused
from points.members import members
from points.models import Programme
from points.operations import operations
from points.operations.operations import KINDS, Operation

ACTOR = "file"
REQUIRED = ("key", "customer_id", "operation", "points")
OPTIONAL = ("of", "on", "class", "ref")
CHANGED = "key: was used for another operation"
NOBODY = 0  # no member has this number


def take_in(programme: Programme, path: Path, **how: Unpack[How]) -> Report:
    """A file of operations (CSV); opens its own transactions, see points/imports.py."""
    return imports.run(programme, path, form(programme), **how)


def form(programme: Programme) -> Format[tuple[str, Operation]]:
    """How operations are taken in."""
    return Format(
        kind="operations",
        required=REQUIRED,
        optional=OPTIONAL,
        changed=CHANGED,
        parse=_parse,
        take=lambda session, rows: _take(session, programme, rows),
        identity=lambda row: (row[0], row[1].key),
    )


def _take(session: Session, programme: Programme, rows: Sequence[tuple[str, Operation]]) -> list[Outcome]:
    known = members.find_many(session, programme.programme_id, [customer_id for customer_id, _ in rows])
    asked = [operation._replace(member_id=known.get(customer_id, NOBODY)) for customer_id, operation in rows]
    outcomes = []
    for operation, answer in zip(asked, operations.do_many(session, programme, ACTOR, asked), strict=True):
        if operation.member_id == NOBODY:
            outcomes.append(refused("customer_id: no such customer in this programme"))
        elif isinstance(answer, Problem):
            outcomes.append(refused(f"{answer.type_name()}: {answer}"))
        elif answer.replayed:
            outcomes.append(Outcome(What.THERE))
        else:
            deed = answer.deed
            outcomes.append(Outcome(What.POSTED, deed.amount if deed else 0, operation.kind.name.lower()))
    return outcomes


def _parse(cells: dict[str, str]) -> tuple[str, Operation]:
    name = csv_files.text(cells, "operation")
    if name not in KINDS:
        raise BadCell(f"operation: must be one of {', '.join(KINDS)}")
    return csv_files.text(cells, "customer_id"), Operation(
        member_id=NOBODY,
        key=csv_files.text(cells, "key"),
        kind=KINDS[name],
        points=csv_files.whole_number(cells, "points"),
        of=cells.get("of") or None,
        on=csv_files.day(cells, "on") if cells.get("on") else None,
        lot_class=csv_files.whole_number(cells, "class", default=policies.PROMOTION_POINTS),
        ref=cells.get("ref") or None,
    )
