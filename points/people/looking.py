"""Who looks at members, and at what of them: masked views, searches, reveals. Each look leaves a row, never a value.

A reveal shows clear values once, to a person with a reason and a case; its row is written in the same transaction, so
that there is none without one. Of one person MOST_REVEALS an hour are allowed: who asks for more is refused, and told on.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base import audit, clock, database, ids, locks, vault
from base.auth import guesses
from base.auth.guesses import Limit
from base.auth.principals import Principal, Service, Staff
from base.config import Config
from base.errors import Invalid, NotAllowed, TooMany
from base.models import AuditRow
from base.notices import notices
from base.notices.texts import CODES
from points import programmes
from points.members import masks, members, scope
from points.members.members import PHONE, BadPhone
from points.members.models import Member
from points.members.sign_in import secrets_of

VIEWED, REVEALED, FOUND, MISSED, ALARM = (
    "member.viewed",
    "member.revealed",
    "member.found",
    "member.not-found",
    "reveals.alarm",
)
LOOKS = (VIEWED, REVEALED, FOUND)
REASONS = ("identity-check", "complaint", "delivery", "fraud", "authority", "correction")
PHONE_FIELD, MESSAGES = "phone", "messages"
FIELDS = (PHONE_FIELD, *vault.ITEMS, MESSAGES)
MOST_MESSAGES = 20
CASE = re.compile(r"[A-Za-z][A-Za-z0-9._/-]{0,63}", re.ASCII)
MOST_REVEALS, WINDOW = 50, timedelta(hours=1)
MISSES = Limit(tries=100, window=timedelta(hours=1))


class TooManyReveals(TooMany):
    """This person has looked at too many members within the hour."""

    zh = "一小时内查看明文次数过多。"
    next_en, next_zh = "Wait; the security officer was told.", "请稍后再试；已通知安全员。"


class BadReveal(Invalid):
    """A reveal names fields, a reason of the list, and the case it belongs to."""

    zh = "查看明文须选择字段、原因并填写工单号。"


@dataclass(frozen=True)
class Masked:
    """A member as anybody who may see it sees it."""

    member: Member
    area: str
    phone: str | None
    personal: dict[str, str | None]
    erased: bool


@dataclass(frozen=True)
class Wanted:
    """What a person wants to see in clear, and why."""

    fields: tuple[str, ...]
    reason: str
    case: str


def masked(session: Session, config: Config, member: Member) -> Masked:
    """What may be seen without a reason."""
    area = scope.area_of(session, member.member_id)
    if vault.is_erased(session, member.member_id):
        return Masked(member, area, None, dict.fromkeys(vault.ITEMS), erased=True)
    known = vault.opened(session, config.seal_key, member.member_id)
    phone = members.phone_of(session, secrets_of(config), member.member_id)
    hide = {
        vault.NAME: masks.name,
        vault.SECOND_PHONE: lambda text: masks.phone(text) if text else None,
        vault.EMAIL: masks.mail,
        vault.ADDRESS: masks.address,
        vault.ID_NUMBER: masks.id_number,
    }
    shown = {name: hide[name](known.get(name)) for name in vault.ITEMS}
    return Masked(member, area, masks.phone(phone) if phone else None, shown, erased=False)


def view(session: Session, config: Config, principal: Principal, reference: str) -> Masked:
    """One of the principal's own members; the look is written down. MemberUnknown."""
    member = scope.find(session, principal, reference)
    audit.write(session, principal.actor, VIEWED, ids.public("mbr", member.member_id))
    return masked(session, config, member)


def search(
    config: Config, principal: Principal, *, customer_id: str | None, phone: str | None
) -> list[Masked]:
    """Members of the principal's own by customer id or number; empty for a miss, which is counted. Opens a transaction.

    BadPhone, TooManyGuesses.
    """
    at, counted = clock.now(), f"search:{principal.actor}"
    if phone is not None and not PHONE.fullmatch(phone):
        raise BadPhone()
    by = "phone" if phone is not None else "customer_id"
    with database.begin() as session:
        guesses.check(session, counted, MISSES, at)
        found = [
            member
            for member in _found(session, config, principal, customer_id, phone)
            if scope.sees(session, principal, member.member_id)
        ]
        for member in found:
            audit.write(session, principal.actor, FOUND, ids.public("mbr", member.member_id), by=by)
        if not found:
            audit.write(session, principal.actor, MISSED, "member", by=by)
            guesses.wrong(session, counted, at)
        return [masked(session, config, member) for member in found]


def reveal(
    session: Session, config: Config, principal: Principal, reference: str, wanted: Wanted, at: datetime
) -> dict[str, str | None]:
    """Clear values, None where nothing is known. NotAllowed, MemberUnknown, BadReveal, TooManyReveals, PersonErased.

    Around the transaction belongs `telling_of_too_many`.
    """
    if not isinstance(principal, Staff):
        raise NotAllowed()
    _check(wanted)
    member_id = scope.find(session, principal, reference).member_id
    # One after the other for each person, else two at the border would both count the same.
    locks.in_turn(session, f"reveals:{principal.staff_id}")
    within = (AuditRow.actor == principal.actor, AuditRow.action == REVEALED, AuditRow.at > at - WINDOW)
    count, first = session.execute(select(func.count(), func.min(AuditRow.at)).where(*within)).one()
    if count >= MOST_REVEALS:
        raise TooManyReveals(retry_after_s=max(1, int((first + WINDOW - at).total_seconds())))
    if vault.is_erased(session, member_id):
        raise vault.PersonErased()
    known: dict[str, str | None] = dict(vault.opened(session, config.seal_key, member_id))
    known[PHONE_FIELD] = members.phone_of(session, secrets_of(config), member_id)
    if MESSAGES in wanted.fields:
        known[MESSAGES] = _messages(session, config, member_id)
    audit.write(
        session, principal.actor, REVEALED, ids.public("mbr", member_id),
        fields=sorted(wanted.fields), reason=wanted.reason, case=wanted.case,
    )  # fmt: skip
    return {field: known.get(field) for field in wanted.fields}


@contextmanager
def telling_of_too_many(principal: Principal) -> Iterator[None]:
    """Around the transaction of a reveal: a refused one leaves its alarm in a transaction of its own."""
    try:
        yield
    except TooManyReveals:
        with database.begin() as session:
            audit.write(session, principal.actor, ALARM, "reveals", most=MOST_REVEALS)
        raise


def log(
    session: Session,
    *,
    member_id: int | None = None,
    person: str | None = None,
    since: datetime | None = None,
    before: int | None = None,
    limit: int,
) -> Sequence[AuditRow]:
    """Who looked at whom, the newest first: of one member, by one actor, since a moment."""
    asked = select(AuditRow).where(AuditRow.action.in_((*LOOKS, ALARM)))
    if member_id is not None:
        asked = asked.where(AuditRow.subject == ids.public("mbr", member_id))
    if person is not None:
        asked = asked.where(AuditRow.actor == person)
    if since is not None:
        asked = asked.where(AuditRow.at >= since)
    if before is not None:
        asked = asked.where(AuditRow.audit_id < before)
    return session.scalars(asked.order_by(AuditRow.audit_id.desc()).limit(limit)).all()


def _found(
    session: Session, config: Config, principal: Principal, customer_id: str | None, phone: str | None
) -> Iterator[Member]:
    mine = [principal.programme_id] if isinstance(principal, Service) else []
    for programme_id in mine or [programme.programme_id for programme in programmes.every(session)]:
        if phone is not None:
            holder = members.by_phone(session, secrets_of(config), programme_id, phone)
            if holder is not None:
                yield holder
        elif customer_id is not None:
            found = members.find_many(session, programme_id, [customer_id]).get(customer_id)
            if found is not None:
                yield members.by_id(session, found)


def _messages(session: Session, config: Config, member_id: int) -> str | None:
    """What was written to a member last, a message a line with its moment in the programme's zone; no codes."""
    rows = notices.of_member(session, member_id, before=None, limit=MOST_MESSAGES, but=CODES, held_back=True)
    zone = clock.zone(programmes.by_id(session, members.by_id(session, member_id).programme_id).zone)
    opened = notices.opened(session, rows, config.seal_key)
    return "\n".join(f"{one.at.astimezone(zone):%Y-%m-%d %H:%M} {one.text}" for one in opened) or None


def _check(wanted: Wanted) -> None:
    wrong: dict[str, str] = {}
    if not wanted.fields or not set(wanted.fields) <= set(FIELDS):
        wrong["fields"] = f"at least one of {', '.join(FIELDS)}"
    if wanted.reason not in REASONS:
        wrong["reason"] = f"is one of {', '.join(REASONS)}"
    if not CASE.fullmatch(wanted.case):
        wrong["case"] = "is the number of a case: a letter, then letters, digits, dots, dashes"
    if wrong:
        raise BadReveal(
            "; ".join(f"{name}: {text}" for name, text in wrong.items()),
            errors=[{"pointer": f"/{name}", "detail": text} for name, text in wrong.items()],
        )
