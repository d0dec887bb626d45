"""Enrolment, look-up and leaving of members."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import psycopg
from sqlalchemy import false, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import clock, database, ids, seals, vault
from base.database import StillRunning
from base.errors import Invalid
from base.halts import halts
from points import ledger
from points.deeds import Request
from points.kinds import Kind, State
from points.members import facts, numbers
from points.members.attributes import AREA, ARPU, BIRTHDAY, RISK, TIER
from points.members.models import Member, MemberFacts, Phone, PhoneHolder
from points.models import Programme
from points.refusals import MemberUnknown as MemberUnknown
from points.tiers import ladders, present

CUSTOMER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
PHONE = re.compile(r"\+?[0-9]{5,15}")


class BadCustomerId(Invalid):
    """A customer id is 1 to 64 letters, digits, dots, dashes or underscores (ASCII)."""

    zh = "客户编号应为 1 到 64 位字母、数字、点、横线或下划线（半角）。"


class BadPhone(Invalid):
    """A phone number is 5 to 15 ASCII digits, with + before it or not."""

    zh = "手机号应为 5 到 15 位半角数字。"


@dataclass(frozen=True)
class Secrets:
    """The keys that personal data is sealed and found with."""

    seal_key: str
    index_key: str


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What is needed to enrol a member, and what else is known; `history_from`: older records begin before the joining day.

    `tier` holds from `tier_from` or today on, `area`, `arpu_fen` and `risk` from today on; `birthday` is MM-DD. What stands
    last, from `name` on, is for the vault alone.
    """

    customer_id: str
    joined_on: date
    phone: str | None = field(default=None, repr=False)
    left_on: date | None = None
    history_from: date | None = None
    tier: str | None = None
    tier_from: date | None = None
    birthday: str | None = field(default=None, repr=False)
    area: str | None = None
    arpu_fen: int | None = None
    risk: int | None = None
    name: str | None = field(default=None, repr=False)
    second_phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)
    id_number: str | None = field(default=None, repr=False)

    def said(self, today: date) -> list[tuple[str, date, str]]:
        """What it says of the member: name of the attribute, from which day on, value."""
        found = []
        if self.tier:
            found.append((TIER, self.tier_from or today, self.tier))
        if self.birthday:
            found.append((BIRTHDAY, self.joined_on, self.birthday))
        if self.area:
            found.append((AREA, today, self.area))
        if self.arpu_fen is not None:
            found.append((ARPU, today, str(self.arpu_fen)))
        if self.risk is not None:
            found.append((RISK, today, str(self.risk)))
        return found

    def personal(self) -> dict[str, str]:
        """What goes to the vault, by its name there."""
        items = (self.name, self.second_phone, self.email, self.address, self.id_number)
        return {name: text for name, text in zip(vault.ITEMS, items, strict=True) if text}


def enrol_many(
    session: Session, programme: Programme, secrets: Secrets, rows: list[Enrolment]
) -> dict[str, int]:
    """Enrol those who are not there yet; returns customer id -> member id of every row. Safe to repeat. StillRunning.

    A wallet is opened with each member; the moment is the start of the joining day, so that history can be posted.
    """
    for row in rows:
        if not CUSTOMER_ID.fullmatch(row.customer_id):
            raise BadCustomerId(customer_id=row.customer_id[:64])
    known = find_many(session, programme.programme_id, [row.customer_id for row in rows])
    fresh = {row.customer_id: row for row in rows if row.customer_id not in known}
    return known | enrol_new(session, programme, secrets, list(fresh.values()))


def enrol_new(
    session: Session,
    programme: Programme,
    secrets: Secrets,
    rows: Sequence[Enrolment],
    *,
    close: bool = False,
) -> dict[str, int]:
    """Enrol those of whom there is nobody yet, with all that is said of them; customer id -> member id.

    One statement for each table (COPY knows no row-level security). With `close` whoever has left gets a closed wallet, else one that history can be posted to.
    BadPhone; StillRunning where somebody else enrolled one of them at this very moment.
    """
    if not all(PHONE.fullmatch(row.phone) for row in rows if row.phone):
        raise BadPhone()
    made = {row.customer_id: ids.new_id() for row in rows}
    starts = [clock.start_of(row.history_from or row.joined_on, programme.zone) for row in rows]
    states = [State.CLOSED if close and row.left_on else State.OPEN for row in rows]
    connection = database.driver(session)
    try:
        for table, of_table in _rows_of(programme, secrets, rows, made, starts).items():
            if of_table:
                columns = [database.array(column) for column in zip(*of_table, strict=True)]
                connection.execute(_INSERT[table], columns)
    except psycopg.errors.UniqueViolation as error:
        raise StillRunning(retry_after_s=1) from error
    ledger.open_wallets(session, zip(made.values(), states, starts, strict=True))
    numbers.claim(
        session,
        [
            (made[row.customer_id], digest(secrets, row.phone), start)
            for row, start in zip(rows, starts, strict=True)
            if row.phone
        ],
    )
    with_tier = [made[row.customer_id] for row in rows if row.tier]
    if with_tier and ladders.load(session, programme.programme_id).versions:
        present.refresh(session, with_tier, clock.now())  # a ladder may have a tier of that code
    return made


def _rows_of(
    programme: Programme,
    secrets: Secrets,
    rows: Sequence[Enrolment],
    made: Mapping[str, int],
    starts: Sequence[datetime],
) -> dict[str, list[tuple[object, ...]]]:
    """The rows of new members by table, their values in the order of `_COLUMNS`."""
    now = clock.now()
    today, of = clock.day(now, programme.zone), programme.programme_id
    found: dict[str, list[tuple[object, ...]]] = {table: [] for table in _COLUMNS}
    persons = (made[row.customer_id] for row in rows if row.phone or row.personal())
    own_keys = vault.fresh_keys(secrets.seal_key, persons)
    for row, start in zip(rows, starts, strict=True):
        member_id = made[row.customer_id]
        found["member"].append((member_id, of, row.joined_on, row.left_on, row.customer_id))
        found["member_facts"].append(
            (member_id, of, row.arpu_fen, row.joined_on, row.risk, row.area or "", row.birthday, row.tier)
        )
        for name, from_day, value in row.said(today):
            if name != BIRTHDAY:  # which stands in the facts alone
                found["member_attribute"].append((member_id, name, from_day, value))
        if member_id not in own_keys:
            continue
        key, wrapped = own_keys[member_id]
        found["vault_key"].append((member_id, now, wrapped.hex()))
        if row.phone:
            sealed = seals.seal(key, row.phone, f"phone:{member_id}").hex()
            found["phone"].append((member_id, start, digest(secrets, row.phone).hex(), sealed, True))
        for name, text in row.personal().items():
            sealed = seals.seal(key, text, vault.item_bound(name, member_id)).hex()
            found["vault_item"].append((member_id, name, now, sealed, "import"))
    return found


# Column -> type; bytes travel as hex, and a tier is the only one of its list.
_COLUMNS = {
    "member": {
        "member_id": "bigint",
        "programme_id": "bigint",
        "joined_on": "date",
        "left_on": "date",
        "customer_id": "text",
    },
    "member_facts": {
        "member_id": "bigint",
        "programme_id": "bigint",
        "arpu_fen": "bigint",
        "joined_on": "date",
        "risk": "smallint",
        "area": "text",
        "birthday": "text",
        "tiers": "text[]",
    },
    "vault_key": {"member_id": "bigint", "made_at": "timestamptz", "wrapped": "bytea"},
    "phone": {
        "member_id": "bigint",
        "since": "timestamptz",
        "digest": "bytea",
        "sealed": "bytea",
        "keyed": "boolean",
    },
    "vault_item": {
        "member_id": "bigint",
        "name": "text",
        "since": "timestamptz",
        "sealed": "bytea",
        "source": "text",
    },
    "member_attribute": {"member_id": "bigint", "name": "text", "from_day": "date", "value": "text"},
}
_PLAIN = {"bytea": "text", "text[]": "text"}
_READ = {"bytea": "decode({}, 'hex')", "text[]": "array_remove(array[{}], null)"}


def _insert(table: str) -> str:
    """The statement that writes many rows of a table, given column by column."""
    types = _COLUMNS[table]
    arrays = ", ".join(f"%s::text::{_PLAIN.get(kind, kind)}[]" for kind in types.values())
    values = ", ".join(_READ.get(kind, "{}").format(name) for name, kind in types.items())
    names = ", ".join(types)
    return f"insert into {table} ({names}) select {values} from unnest({arrays}) as given ({names})"


_INSERT = {table: _insert(table) for table in _COLUMNS}


def join_again(session: Session, programme: Programme, secrets: Secrets, row: Enrolment) -> tuple[int, bool]:
    """A fresh membership beside those that ended, with a wallet of its own, and True; the open one and False if there is one."""
    made: int | None = session.scalar(
        insert(Member)
        .values(
            member_id=ids.new_id(),
            programme_id=programme.programme_id,
            customer_id=row.customer_id,
            joined_on=row.joined_on,
        )
        .on_conflict_do_nothing(
            index_elements=["programme_id", "customer_id"], index_where=Member.left_on.is_(None)
        )
        .returning(Member.member_id)
    )
    if made is None:  # somebody enrolled the customer at this very moment
        return find_many(session, programme.programme_id, [row.customer_id])[row.customer_id], False
    start = clock.start_of(row.joined_on, programme.zone)
    facts.open_one(session, made, programme.programme_id, row.joined_on)
    ledger.open_wallet(session, made, State.OPEN, start)
    if row.phone:
        add_phones(session, secrets, [(made, row.phone, start)])
    return made, True


def open_member(session: Session, programme_id: int, customer_id: str) -> int | None:
    """The member who is this customer today; None when there is none, or only one who left."""
    return session.scalar(
        select(Member.member_id).where(
            Member.programme_id == programme_id,
            Member.customer_id == customer_id,
            Member.left_on.is_(None),
        )
    )


def find_many(session: Session, programme_id: int, customer_ids: list[str]) -> dict[str, int]:
    """Customer id -> member id; of several members of one customer the one who has not left, else the latest."""
    rows = session.execute(
        select(Member.customer_id, Member.member_id)
        .where(Member.programme_id == programme_id, Member.customer_id.in_(customer_ids))
        .order_by(Member.left_on.asc().nulls_last(), Member.member_id)
    )
    return {row.customer_id: row.member_id for row in rows}


def by_id(session: Session, member_id: int) -> Member:
    """A member; MemberUnknown."""
    found = database.own(session, Member, member_id)
    if found is None:
        raise MemberUnknown()
    return found


def with_programme(session: Session, member_id: int, *, doing: str | None = None) -> tuple[Member, Programme]:
    """A member with the programme, in one statement; MemberUnknown. `doing`: an action that must not be stopped there."""
    stopped = halts.is_on(doing, Programme.programme_id) if doing else false()
    asked = select(Member, Programme, stopped).join(Programme, Programme.programme_id == Member.programme_id)
    found = session.execute(asked.where(Member.member_id == member_id)).one_or_none()
    if found is None:
        raise MemberUnknown()
    if doing and found[2]:
        raise halts.refusal(doing)
    return found[0], found[1]


def add_phones(session: Session, secrets: Secrets, rows: list[tuple[int, str, datetime]]) -> None:
    """From a moment on members have these numbers: (member, number, since); whoever had one of them has it no longer.

    BadPhone; nothing of the kind is logged.
    """
    if not all(PHONE.fullmatch(phone) for _, phone, _ in rows):
        raise BadPhone()
    keys = vault.keys_for(session, secrets.seal_key, [member_id for member_id, _, _ in rows])
    made = [
        Phone(
            member_id=member_id,
            since=since,
            until=None,
            digest=digest(secrets, phone),
            sealed=seals.seal(keys[member_id], phone, f"phone:{member_id}"),
            keyed=True,
        )
        for member_id, phone, since in rows
    ]
    session.add_all(made)
    session.flush()
    numbers.claim(session, [(row.member_id, row.digest, row.since) for row in made])
    for row in made:
        session.expire(row)  # of two who say the same number one has it


def by_phone(session: Session, secrets: Secrets, programme_id: int, phone: str) -> Member | None:
    """The present holder of a number in a programme; an earlier holder's wallet is never found by it."""
    return session.scalar(
        select(Member)
        .join(PhoneHolder, PhoneHolder.member_id == Member.member_id)
        .where(
            PhoneHolder.programme_id == programme_id,
            PhoneHolder.digest == digest(secrets, phone),
            Member.left_on.is_(None),
        )
    )


def digest(secrets: Secrets, phone: str) -> bytes:
    """By what a number is found."""
    return seals.blind(secrets.index_key, "phone", phone)


def phone_of(session: Session, secrets: Secrets, member_id: int) -> str | None:
    """The member's present number, opened; None: there is none. PersonErased."""
    for row in database.rows(session, _PHONE, (member_id,)):
        key = vault.key_in(secrets.seal_key, member_id, row.wrapped) if row.has_key else secrets.seal_key
        return seals.opened(key, row.sealed, f"phone:{member_id}")
    return None


# Asked with every check at a till, so in words that need no compiling.
_PHONE = (
    "select p.sealed, p.keyed and k.member_id is not null has_key, k.wrapped from phone p left join vault_key k using (member_id) "
    "where p.member_id = %s and p.until is null order by p.since desc limit 1"
)


def birthday_of(session: Session, member_id: int) -> str | None:
    """MM-DD, where it is known."""
    found = session.get(MemberFacts, member_id)
    return found.birthday if found else None


def suspend(session: Session, member_id: int) -> None:
    """The line is suspended: nothing is spent, and lots past their last day are kept."""
    ledger.set_state(session, member_id, State.FROZEN)


def resume(
    session: Session, programme: Programme, member_id: int, at: datetime, *, keep: bool = True
) -> None:
    """The line is back: what lapsed meanwhile gets the stated grace, in the same transaction; harmless to repeat.

    `keep` False: the programme lets it lapse instead.
    """
    wallet = ledger.read(session, member_id)
    if wallet.state is not State.FROZEN:
        return
    if keep:
        key = ledger.key("line", f"resume:{wallet.seq}")
        ledger.post(session, Request(member_id, key, Kind.REDATE_OUT, 0, at, programme.zone))
    ledger.set_state(session, member_id, State.OPEN)


def leave(session: Session, member_id: int, on: date, *, involuntary: bool = False) -> None:
    """The line ended on a day; the wallet takes no more deeds, its history stays."""
    member = by_id(session, member_id)
    member.left_on, member.involuntary = on, involuntary
    ledger.set_state(session, member_id, State.CLOSED)
