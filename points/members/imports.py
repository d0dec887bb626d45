"""A file of members: who is new is enrolled, who has left is closed, who is there already stays as they are.

A customer who is known with another joining day, leaving day or phone is refused: those are events of the
line, which a list cannot tell from a slip of the pen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from base import clock, csv_files, seals
from base.csv_files import BadCell
from points import imports
from points.imports import Format, Outcome, Report, What, refused
from points.kinds import State
from points.members import members
from points.members.members import CUSTOMER_ID, PHONE, BadCustomerId, BadPhone, Enrolment, Secrets
from points.models import Programme

REQUIRED = ("customer_id", "joined_on")
OPTIONAL = ("phone", "left_on")
EARLIEST = date(1950, 1, 1)
CHANGED = "changed: an earlier line says something else about this customer"


@dataclass(frozen=True, slots=True)
class _Known:
    """The customer as stored: the latest membership and the present phone's digest."""

    member_id: int
    joined_on: date
    left_on: date | None
    digest: bytes | None


def take_in(
    programme: Programme,
    secrets: Secrets,
    path: Path,
    *,
    errors: Path | None = None,
    dry_run: bool = False,
    quiet: bool = False,
) -> Report:
    """A file of members; opens its own transactions, see points/imports.py."""
    form = Format(
        kind="members",
        required=REQUIRED,
        optional=OPTIONAL,
        changed=CHANGED,
        parse=_parse,
        take=partial(enrol_rows, programme=programme, secrets=secrets),
        identity=lambda row: row.customer_id,
    )
    return imports.run(programme, path, form, errors=errors, dry_run=dry_run, quiet=quiet)


def enrol_rows(
    session: Session, rows: Sequence[Enrolment], *, programme: Programme, secrets: Secrets
) -> list[Outcome]:
    """Enrol and close, one outcome each in the same order; safe to repeat. Nothing is committed here."""
    today = clock.day(clock.now(), programme.zone)
    known = _known(session, programme.programme_id, {row.customer_id for row in rows})
    first: dict[str, Enrolment] = {}
    outcomes: list[Outcome] = []
    for row in rows:
        if fault := _fault(row, today):
            outcomes.append(refused(fault))
        elif row.customer_id in first:
            outcomes.append(Outcome(What.THERE) if first[row.customer_id] == row else refused(CHANGED))
        elif difference := _difference(row, known.get(row.customer_id), secrets):
            outcomes.append(refused(difference))
        else:
            first[row.customer_id] = row
            outcomes.append(Outcome(What.THERE if _same(row, known.get(row.customer_id)) else What.POSTED))
    ids = members.enrol_many(session, programme, secrets, list(first.values()))
    close_many(
        session,
        {
            ids[customer]: row.left_on
            for customer, row in first.items()
            if row.left_on and not _same(row, known.get(customer))
        },
    )
    return outcomes


def close_many(session: Session, left: Mapping[int, date]) -> None:
    """Lines that ended, member id -> day: their wallets take no more deeds, their history stays."""
    ordered = sorted(left.items())
    columns = [member for member, _ in ordered], [day for _, day in ordered]
    connection = session.connection()
    connection.exec_driver_sql(
        "update member m set left_on = t.day from unnest(%s::bigint[], %s::date[]) t(member_id, day) "
        "where m.member_id = t.member_id and m.left_on is null",
        columns,
    )
    connection.exec_driver_sql(
        "update wallet set state = %s where member_id = any(%s) and state <> %s",
        (int(State.CLOSED), columns[0], int(State.CLOSED)),
    )


def _fault(row: Enrolment, today: date) -> str:
    """Why no such member can be; empty when one can."""
    if not EARLIEST <= row.joined_on <= today:
        return f"joined_on: must lie between {EARLIEST} and today"
    if row.left_on is not None and not row.joined_on <= row.left_on <= today:
        return "left_on: must lie between joined_on and today"
    return ""


def _difference(row: Enrolment, known: _Known | None, secrets: Secrets) -> str:
    """What the row says otherwise than the store; empty for somebody new, the same, or leaving now."""
    if known is None:
        return ""
    if known.left_on is not None and row.joined_on > known.left_on:
        return f"joined_on: the customer left on {known.left_on}; coming back is not a matter of this file"
    if row.joined_on != known.joined_on:
        return f"joined_on: changed; the customer joined on {known.joined_on}"
    if known.left_on is not None and row.left_on != known.left_on:
        return f"left_on: changed; the customer left on {known.left_on}"
    if row.phone and seals.blind(secrets.index_key, "phone", row.phone) != known.digest:
        return "phone: changed; a new number is a change of the line, not of this file"
    return ""


def _same(row: Enrolment, known: _Known | None) -> bool:
    return known is not None and row.left_on == known.left_on


def _known(session: Session, programme_id: int, customers: Iterable[str]) -> dict[str, _Known]:
    rows = session.connection().exec_driver_sql(
        "select distinct on (m.customer_id) m.customer_id, m.member_id, m.joined_on, m.left_on, p.digest "
        "from member m left join phone p on p.member_id = m.member_id and p.until is null "
        "where m.programme_id = %s and m.customer_id = any(%s) "
        "order by m.customer_id, m.left_on desc nulls first, m.member_id desc, p.since desc",
        (programme_id, sorted(customers)),
    )
    return {customer_id: _Known(*rest) for customer_id, *rest in rows}


def _parse(cells: dict[str, str]) -> Enrolment:
    customer_id = csv_files.text(cells, "customer_id")
    if not CUSTOMER_ID.fullmatch(customer_id):
        raise BadCell(f"customer_id: {BadCustomerId.title('en')}")
    phone = cells.get("phone") or None
    if phone and not PHONE.fullmatch(phone):
        raise BadCell(f"phone: {BadPhone.title('en')}")
    left_on = csv_files.day(cells, "left_on") if cells.get("left_on") else None
    return Enrolment(customer_id, csv_files.day(cells, "joined_on"), phone, left_on)
