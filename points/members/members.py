"""Enrolment, look-up and leaving of members."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import clock, ids, seals, vault
from base.errors import Invalid
from points import ledger
from points.deeds import Request
from points.kinds import Kind, State
from points.members import facts
from points.members.models import Member, Phone
from points.models import Programme
from points.refusals import MemberUnknown as MemberUnknown

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


@dataclass(frozen=True)
class Enrolment:
    """What is needed to enrol a member; `history_from`: older records begin before the joining day.

    `tier` (held since `tier_from`, or today) and `birthday` (MM-DD) are kept by the list that told them.
    """

    customer_id: str
    joined_on: date
    phone: str | None = None
    left_on: date | None = None
    history_from: date | None = None
    tier: str | None = None
    tier_from: date | None = None
    birthday: str | None = None


def enrol_many(
    session: Session, programme: Programme, secrets: Secrets, rows: list[Enrolment]
) -> dict[str, int]:
    """Enrol those who are not there yet; returns customer id -> member id of every row. Safe to repeat.

    A wallet is opened with each member; the moment is the start of the joining day, so that history can be posted.
    """
    for row in rows:
        if not CUSTOMER_ID.fullmatch(row.customer_id):
            raise BadCustomerId(customer_id=row.customer_id[:64])
    known = find_many(session, programme.programme_id, [row.customer_id for row in rows])
    fresh = {row.customer_id: row for row in rows if row.customer_id not in known}
    made = {
        customer_id: Member(
            member_id=ids.new_id(),
            programme_id=programme.programme_id,
            customer_id=customer_id,
            joined_on=row.joined_on,
            left_on=row.left_on,
        )
        for customer_id, row in fresh.items()
    }
    session.add_all(made.values())
    session.flush()
    facts.open_many(session, [(m.member_id, programme.programme_id, m.joined_on) for m in made.values()])
    starts = {
        c: clock.start_of(row.history_from or row.joined_on, programme.zone) for c, row in fresh.items()
    }
    ledger.open_wallets(session, [(m.member_id, State.OPEN, starts[c]) for c, m in made.items()])
    add_phones(
        session,
        secrets,
        [(made[c].member_id, row.phone, starts[c]) for c, row in fresh.items() if row.phone],
    )
    return {**known, **{customer_id: member.member_id for customer_id, member in made.items()}}


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
    facts.open_many(session, [(made, programme.programme_id, row.joined_on)])
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
    found = session.get(Member, member_id)
    if found is None:
        raise MemberUnknown()
    return found


def add_phones(session: Session, secrets: Secrets, rows: list[tuple[int, str, datetime]]) -> None:
    """From a moment on members have these numbers: (member, number, since). BadPhone; nothing of the kind is logged."""
    if not all(PHONE.fullmatch(phone) for _, phone, _ in rows):
        raise BadPhone()
    keys = vault.keys_for(session, secrets.seal_key, [member_id for member_id, _, _ in rows])
    session.add_all(
        Phone(
            member_id=member_id,
            since=since,
            until=None,
            digest=seals.blind(secrets.index_key, "phone", phone),
            sealed=seals.seal(keys[member_id], phone, f"phone:{member_id}"),
            keyed=True,
        )
        for member_id, phone, since in rows
    )
    session.flush()


def by_phone(session: Session, secrets: Secrets, programme_id: int, phone: str) -> Member | None:
    """The present holder of a number in a programme; an earlier holder's wallet is never found by it."""
    return session.scalar(
        select(Member)
        .join(Phone, Phone.member_id == Member.member_id)
        .where(
            Phone.digest == seals.blind(secrets.index_key, "phone", phone),
            Phone.until.is_(None),
            Member.programme_id == programme_id,
            Member.left_on.is_(None),
        )
        .order_by(Phone.since.desc())
        .limit(1)
    )


def phone_of(session: Session, secrets: Secrets, member_id: int) -> str | None:
    """The member's present number, opened; None: there is none. PersonErased."""
    row = session.scalar(
        select(Phone)
        .where(Phone.member_id == member_id, Phone.until.is_(None))
        .order_by(Phone.since.desc())
        .limit(1)
    )
    if row is None:
        return None
    keys = vault.keys_of(session, secrets.seal_key, [member_id]) if row.keyed else {}
    return seals.opened(keys.get(member_id, secrets.seal_key), row.sealed, f"phone:{member_id}")


def masked(phone: str | None) -> str:
    """A number for display: 138****0000."""
    return f"{phone[:3]}****{phone[-4:]}" if phone and len(phone) >= 8 else "****"


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
