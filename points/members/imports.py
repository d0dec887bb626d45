"""A file of members: who is new is enrolled, who has left is closed, who is there already stays as they are.

A customer who is known with another joining day, leaving day, phone or birthday is refused: those are events of the
line, which a list cannot tell from a slip of the pen. A tier is what it is from a day on, so another one is taken.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from base import clock, csv_files, seals
from base.csv_files import BadCell
from points import imports
from points.factors import TIER_CODE
from points.imports import Format, Outcome, Report, What, refused
from points.kinds import State
from points.members import attributes, members
from points.members.attributes import BIRTHDAY, NOTHING_KNOWN, TIER, Attributes
from points.members.members import CUSTOMER_ID, PHONE, BadCustomerId, BadPhone, Enrolment, Secrets
from points.models import Programme

REQUIRED = ("customer_id", "joined_on")
OPTIONAL = ("phone", "left_on", "tier", "tier_from", "birthday")
EARLIEST = date(1950, 1, 1)
CHANGED = "changed: an earlier line says something else about this customer"


@dataclass(frozen=True, slots=True)
class _Known:
    """The customer as stored: the latest membership and the present phone's digest."""

    member_id: int
    joined_on: date
    left_on: date | None
    digest: bytes | None
    attributes: Attributes = NOTHING_KNOWN


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
        elif difference := _difference(row, known.get(row.customer_id), secrets, today):
            outcomes.append(refused(difference))
        else:
            first[row.customer_id] = row
            there = _same(row, known.get(row.customer_id)) and not _told(row, known[row.customer_id], today)
            outcomes.append(Outcome(What.THERE if there else What.POSTED))
    ids = members.enrol_many(session, programme, secrets, list(first.values()))
    close_many(
        session,
        {
            ids[customer]: row.left_on
            for customer, row in first.items()
            if row.left_on and not _same(row, known.get(customer))
        },
    )
    attributes.add_many(
        session,
        {
            (ids[customer], name, from_day): value
            for customer, row in first.items()
            for name, from_day, value in _told(row, known.get(customer), today)
        },
    )
    return outcomes


def _told(row: Enrolment, known: _Known | None, today: date) -> list[tuple[str, date, str]]:
    """What the row says that is not known yet: name, from which day on, value."""
    before = known.attributes if known else NOTHING_KNOWN
    told = []
    if row.tier and before.tier_on(row.tier_from or today) != row.tier:
        told.append((TIER, row.tier_from or today, row.tier))
    if row.birthday and before.birthday is None:
        told.append((BIRTHDAY, row.joined_on, row.birthday))
    return told


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
    if row.tier_from is not None and row.tier is None:
        return "tier_from: names a day and no tier"
    if row.tier_from is not None and not EARLIEST <= row.tier_from <= today:
        return f"tier_from: must lie between {EARLIEST} and today"
    return ""


def _difference(row: Enrolment, known: _Known | None, secrets: Secrets, today: date) -> str:
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
    if row.birthday and known.attributes.birthday not in (None, row.birthday):
        return "birthday: changed; nobody is born twice"
    begun = dict(known.attributes.tiers).get(row.tier_from or today)
    if row.tier and begun not in (None, row.tier):
        return f"tier: changed; from {row.tier_from or today} on it is {begun}"
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
    found = {customer_id: _Known(*rest) for customer_id, *rest in rows}
    told = attributes.of_many(session, [one.member_id for one in found.values()])
    return {
        customer_id: replace(one, attributes=told.get(one.member_id, NOTHING_KNOWN))
        for customer_id, one in found.items()
    }


def _parse(cells: dict[str, str]) -> Enrolment:
    customer_id = csv_files.text(cells, "customer_id")
    if not CUSTOMER_ID.fullmatch(customer_id):
        raise BadCell(f"customer_id: {BadCustomerId.title('en')}")
    phone = cells.get("phone") or None
    if phone and not PHONE.fullmatch(phone):
        raise BadCell(f"phone: {BadPhone.title('en')}")
    birthday = cells.get("birthday") or None
    if birthday and not attributes.is_birthday(birthday):
        raise BadCell("birthday: is not a day of the year (MM-DD, without the year)")
    tier = cells.get("tier") or None
    if tier and not TIER_CODE.fullmatch(tier):
        raise BadCell("tier: is not 1 to 32 letters, digits, dots, dashes or underscores (ASCII)")
    return Enrolment(
        customer_id,
        csv_files.day(cells, "joined_on"),
        phone,
        csv_files.day(cells, "left_on") if cells.get("left_on") else None,
        tier=tier,
        tier_from=csv_files.day(cells, "tier_from") if cells.get("tier_from") else None,
        birthday=birthday,
    )
