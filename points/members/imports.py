"""A file of members: who is new is enrolled, who has left is closed, who is there already stays as they are.

A customer who is known with another joining day, leaving day, phone, birthday or number of an identity card is refused:
those are events of the line, which a list cannot tell from a slip of the pen. Tier, area, middle bill and risk are what
they are from a day on, and name, second phone, email and address are what was told last, so another one is taken.

Lines of one customer are done together and in order, whoever works at the file; of the lines nothing is staged but where
they lie in it. No reason for a refusal repeats what a person's cell says.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Unpack

from sqlalchemy.orm import Session

from base import clock, csv_files, seals, vault
from base.csv_files import BadCell
from points import staged_imports
from points.imports import Format, Outcome, Report, What, refused
from points.kinds import State
from points.members import attributes, members
from points.members.attributes import AREA, ARPU, BIRTHDAY, NOTHING_KNOWN, RISK, TIER, Attributes
from points.members.members import CUSTOMER_ID, PHONE, BadCustomerId, BadPhone, Enrolment, Secrets
from points.models import Programme
from points.staged_imports import How

REQUIRED = ("customer_id", "joined_on")
ATTRIBUTES = ("tier", "tier_from", "birthday", "area", "arpu_fen", "risk")
OPTIONAL = ("phone", "left_on", *ATTRIBUTES, *vault.ITEMS)
EARLIEST = date(1950, 1, 1)
CHANGED = "changed: an earlier line says something else about this customer"
ERASED = "customer_id: the personal data of this customer were erased"
SOURCE = "import"
LATEST = (AREA, ARPU, RISK)  # a list of today says what holds from today on
LONGEST = {"name": 100, "email": 254, "address": 300, "id_number": 32}
_NUMBER, _EMAIL = re.compile(r"[0-9]{1,18}", re.ASCII), re.compile(r"[^@\s]+@[^@\s]+")
_DAY_LIKE = re.compile(r"[0-9-]{1,10}", re.ASCII)
_OTHERS = 1 << 62


@dataclass(frozen=True, slots=True)
class _Known:
    """The customer as stored: the latest membership, the present phone's digest, and what the vault holds (None: erased)."""

    member_id: int
    joined_on: date
    left_on: date | None
    digest: bytes | None
    attributes: Attributes = NOTHING_KNOWN
    latest: Mapping[str, tuple[date, str]] = field(default_factory=dict)
    personal: Mapping[str, str] | None = field(default_factory=dict, repr=False)


def take_in(programme: Programme, secrets: Secrets, path: Path, **how: Unpack[How]) -> Report:
    """A file of members; opens its own transactions, see points/staged_imports.py."""
    return staged_imports.run(programme, path, partial(form, secrets), **how)


def form(secrets: Secrets, session: Session, programme: Programme) -> Format[Enrolment]:
    """How members are taken in."""
    return Format(
        kind="members",
        required=REQUIRED,
        optional=OPTIONAL,
        changed=CHANGED,
        parse=_parse,
        take=partial(enrol_rows, programme=programme, secrets=secrets),
        identity=lambda row: row.customer_id,
        together=together,
        private=True,
        by_day=True,
        earns=False,
    )


def together(customers: Iterable[str]) -> dict[str, int]:
    """A number above 0 for each customer, always the same: near ones for account numbers that are near each other."""
    return {
        customer: int(customer) + 1
        if _NUMBER.fullmatch(customer)
        else _OTHERS | int.from_bytes(blake2b(customer.encode(), digest_size=8).digest()) >> 2
        for customer in customers
    }


def enrol_rows(
    session: Session, rows: Sequence[Enrolment], *, programme: Programme, secrets: Secrets
) -> list[Outcome]:
    """Enrol and close, one outcome each in the same order; safe to repeat. Nothing is committed here."""
    now = clock.now()
    today = clock.day(now, programme.zone)
    known = _known(session, programme.programme_id, secrets, rows)
    first: dict[str, Enrolment] = {}
    outcomes: list[Outcome] = []
    for row in rows:
        there = known.get(row.customer_id)
        if fault := _fault(row, today):
            outcomes.append(refused(fault))
        elif row.customer_id in first:
            outcomes.append(Outcome(What.THERE) if first[row.customer_id] == row else refused(CHANGED))
        elif there and (difference := _difference(row, there, secrets, today)):
            outcomes.append(refused(difference))
        else:
            first[row.customer_id] = row
            changes = _changes(row, there, today) if there else ""
            outcomes.append(Outcome(What.THERE if there and not changes else What.POSTED, changes=changes))
    members.enrol_new(
        session, programme, secrets, [row for c, row in first.items() if c not in known], close=True
    )
    later = [(row, known[c]) for c, row in first.items() if c in known]
    if later:
        close_many(
            session,
            {k.member_id: row.left_on for row, k in later if row.left_on and row.left_on != k.left_on},
        )
        attributes.add_many(
            session,
            {(k.member_id, n, from_day): v for row, k in later for n, from_day, v in _told(row, k, today)},
        )
        personal = {k.member_id: changed for row, k in later if (changed := _changed(row, k))}
        vault.put_many(session, secrets.seal_key, personal, now, SOURCE)
    return outcomes


def _changes(row: Enrolment, known: _Known, today: date) -> str:
    """The columns in which the row says more or otherwise than what is known; never what stands there."""
    found = ["left_on"] if row.left_on != known.left_on else []
    found += sorted({name for name, _, _ in _told(row, known, today)})
    return ", ".join([*found, *_changed(row, known)])


def _told(row: Enrolment, known: _Known, today: date) -> list[tuple[str, date, str]]:
    """What the row says that is not known yet: name, from which day on, value."""
    before = known.attributes
    return [
        (name, from_day, value)
        for name, from_day, value in row.said(today)
        if (name == TIER and before.tier_on(from_day) != value)
        or (name == BIRTHDAY and before.birthday is None)
        or (name in LATEST and known.latest.get(name, (today, None))[1] != value)
    ]


def _changed(row: Enrolment, known: _Known) -> dict[str, str]:
    """What the vault does not hold yet, or holds otherwise."""
    before = known.personal or {}
    return {name: text for name, text in row.personal().items() if before.get(name) != text}


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


def _difference(row: Enrolment, known: _Known, secrets: Secrets, today: date) -> str:
    """What the row says otherwise than the store; empty for the same, or somebody leaving now."""
    if known.left_on is not None and row.joined_on > known.left_on:
        return f"joined_on: the customer left on {known.left_on}; coming back is not a matter of this file"
    if row.joined_on != known.joined_on:
        return f"joined_on: changed; the customer joined on {known.joined_on}"
    if known.left_on is not None and row.left_on != known.left_on:
        return f"left_on: changed; the customer left on {known.left_on}"
    if known.personal is None and (row.phone or row.personal()):
        return ERASED
    if row.phone and seals.blind(secrets.index_key, "phone", row.phone) != known.digest:
        return "phone: changed; a new number is a change of the line, not of this file"
    if row.birthday and known.attributes.birthday not in (None, row.birthday):
        return "birthday: changed; nobody is born twice"
    if row.id_number and (known.personal or {}).get("id_number", row.id_number) != row.id_number:
        return "id_number: changed; another person is not a matter of this file"
    begun = dict(known.attributes.tiers).get(row.tier_from or today)
    if row.tier and begun not in (None, row.tier):
        return f"tier: changed; from {row.tier_from or today} on it is {begun}"
    for name, _, value in row.said(today):
        from_day, before = known.latest.get(name, (None, value)) if name in LATEST else (None, value)
        if from_day == today and before != value:
            return f"{name}: changed; from {today} on it is {before}"
    return ""


def _known(
    session: Session, programme_id: int, secrets: Secrets, rows: Sequence[Enrolment]
) -> dict[str, _Known]:
    stored = session.connection().exec_driver_sql(
        "select distinct on (m.customer_id) m.customer_id, m.member_id, m.joined_on, m.left_on, p.digest "
        "from member m left join phone p on p.member_id = m.member_id and p.until is null "
        "where m.programme_id = %s and m.customer_id = any(%s) "
        "order by m.customer_id, m.left_on desc nulls first, m.member_id desc, p.since desc",
        (programme_id, sorted({row.customer_id for row in rows})),
    )
    found = {customer_id: _Known(*rest) for customer_id, *rest in stored}
    if not found:
        return found
    everyone = [one.member_id for one in found.values()]
    told = attributes.of_many(session, everyone)
    latest = attributes.latest_of_many(session, everyone, LATEST)
    asked = {
        found[r.customer_id].member_id for r in rows if r.customer_id in found and (r.phone or r.personal())
    }
    personal = vault.opened_many(session, secrets.seal_key, asked)
    return {
        customer_id: replace(
            one,
            attributes=told.get(one.member_id, NOTHING_KNOWN),
            latest=latest.get(one.member_id, {}),
            personal=personal.get(one.member_id, {}),
        )
        for customer_id, one in found.items()
    }


def _parse(cells: dict[str, str]) -> Enrolment:
    """Reasons name the column and never what stands there, for in a slipped row a name may stand anywhere."""
    customer_id = cells.get("customer_id", "")
    if not customer_id:
        raise BadCell("customer_id: is empty")
    if not CUSTOMER_ID.fullmatch(customer_id):
        raise BadCell(f"customer_id: {BadCustomerId.title('en')}")
    found = {name: value for name in (*ATTRIBUTES, "phone", *vault.ITEMS) if (value := cells.get(name))}
    for name in ("phone", "second_phone"):
        if name in found and not PHONE.fullmatch(found[name]):
            raise BadCell(f"{name}: {BadPhone.title('en')}")
    for name in attributes.CHECKS:
        if name in found and not attributes.CHECKS[name](found[name]):
            raise BadCell(f"{name}: {attributes.WORDS[name]}")
    for name, longest in LONGEST.items():
        if name in found and not _plain(found[name], longest):
            raise BadCell(
                f"{name}: is not 1 to {longest} characters that can be printed, without spaces around them"
            )
    if "email" in found and not _EMAIL.fullmatch(found["email"]):
        raise BadCell("email: is not an address with one @")
    return Enrolment(
        customer_id,
        _day(cells, "joined_on"),
        found.get("phone"),
        _day(cells, "left_on") if cells.get("left_on") else None,
        tier=found.get("tier"),
        tier_from=_day(cells, "tier_from") if "tier_from" in found else None,
        birthday=found.get("birthday"),
        area=found.get("area"),
        arpu_fen=int(found["arpu_fen"]) if "arpu_fen" in found else None,
        risk=int(found["risk"]) if "risk" in found else None,
        name=found.get("name"),
        second_phone=found.get("second_phone"),
        email=found.get("email"),
        address=found.get("address"),
        id_number=found.get("id_number"),
    )


def _plain(text: str, longest: int) -> bool:
    return len(text) <= longest and text.isprintable() and text == text.strip()


def _day(cells: dict[str, str], column: str) -> date:
    value = cells.get(column, "")
    if value and not _DAY_LIKE.fullmatch(value):
        raise BadCell(f"{column}: is not a day (YYYY-MM-DD)")
    return csv_files.day(cells, column)
