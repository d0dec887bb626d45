"""A member's number changes: told by the operator with the moment from which it holds, dated, one holder at a time.

Whoever loses a number, the member itself or the former holder of a recycled one, is signed out everywhere in the same
transaction, cannot sign in again before a number is told for them, and has frozen points until a code was sent to that one.
Locks: the member, then the numbers, then wallets.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import audit, ids, seals, vault
from base.config import Config
from base.errors import Conflict, Invalid
from points import programmes
from points.freezes import beginning
from points.members import members, numbers, sign_in
from points.members.members import PHONE, BadPhone
from points.members.models import Member, Phone, PhoneHolder
from points.members.sign_in import secrets_of
from points.models import Programme
from points.notices import telling
from points.refusals import MemberClosed


class NumberInTheFuture(Invalid):
    """A number is told when it holds, not before."""

    zh = "号码变更不可提前上报。"


class LaterNumberKnown(Conflict):
    """A later change of this member's number is known."""

    zh = "该会员已有更晚的号码变更。"
    next_en, next_zh = "What is known stays; nothing is to be done.", "以较晚的变更为准，无需处理。"


def change(
    session: Session,
    config: Config,
    member_id: int,
    phone: str | None,
    since: datetime,
    at: datetime,
    by: str,
) -> bool:
    """From a moment on the member has this number, or none; whether a number is the member's now.

    A number that a later word has given to somebody else is kept as a number the member had. MemberUnknown,
    MemberClosed, BadPhone, NumberInTheFuture, LaterNumberKnown, PersonErased, ProgrammeClosed.
    """
    member = session.get(Member, member_id, with_for_update=True, populate_existing=True)
    if member is None:
        raise members.MemberUnknown()
    programme = programmes.open_one(session, member.programme_id)
    if member.left_on is not None:
        raise MemberClosed(since=str(member.left_on))
    if phone is not None and not PHONE.fullmatch(phone):
        raise BadPhone()
    if since > at:
        raise NumberInTheFuture()
    secrets = secrets_of(config)
    wanted = members.digest(secrets, phone) if phone else None
    before = _present(session, member_id)
    touched = [found for found in (wanted, before.digest if before else None) if found]
    numbers.locked(session, programme.programme_id, touched)
    before = _present(session, member_id)  # it may have gone to somebody else while we waited
    if before is not None and before.digest == wanted:
        return True
    known = _latest(session, member)
    if known is not None and since <= known:
        raise LaterNumberKnown(since=known.isoformat())
    if before is not None:
        sign_in.forget_codes(session, config, programme, member, _opened(session, config, before))
    numbers.leave(session, member_id, since)
    if phone is not None:
        _forget_codes_of_the_holder(session, config, programme, phone)
        members.add_phones(session, secrets, [(member_id, phone, since)])
    if known is not None:  # a first number changes nothing
        beginning.number_changed(session, [member_id], by, at)
        telling.tell(session, config, member_id, "number-changed", {})
    audit.write(session, by, "member.number", ids.public("mbr", member_id), has_number=phone is not None)
    return _present(session, member_id) is not None


def history(session: Session, member_id: int) -> list[tuple[datetime, datetime | None]]:
    """From when to when the member had numbers, the newest first; which ones is nobody's to see here."""
    rows = session.execute(
        select(Phone.since, Phone.until).where(Phone.member_id == member_id).order_by(Phone.since.desc())
    )
    return [(since, until) for since, until in rows]


def _present(session: Session, member_id: int) -> Phone | None:
    return session.scalar(
        select(Phone)
        .where(Phone.member_id == member_id, Phone.until.is_(None))
        .order_by(Phone.since.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def _latest(session: Session, member: Member) -> datetime | None:
    """The moment of the last word about this member's number, be it that there is none."""
    row = session.scalar(
        select(Phone).where(Phone.member_id == member.member_id).order_by(Phone.since.desc()).limit(1)
    )
    if row is None or row.until is None:
        return row.since if row else None
    holder = session.get(PhoneHolder, (member.programme_id, row.digest), populate_existing=True)
    return row.until if holder is not None and holder.member_id is None else row.since


def _opened(session: Session, config: Config, row: Phone) -> str:
    keys = vault.keys_of(session, config.seal_key, [row.member_id]) if row.keyed else {}
    return seals.opened(keys.get(row.member_id, config.seal_key), row.sealed, f"phone:{row.member_id}")


def _forget_codes_of_the_holder(session: Session, config: Config, programme: Programme, phone: str) -> None:
    holder = session.scalar(
        select(Member)
        .join(PhoneHolder, PhoneHolder.member_id == Member.member_id)
        .where(
            PhoneHolder.programme_id == programme.programme_id,
            PhoneHolder.digest == members.digest(secrets_of(config), phone),
        )
    )
    if holder is not None:
        sign_in.forget_codes(session, config, programme, holder, phone)
