"""A customer becomes a member over HTTP; found again by customer id or number. What is told of a person goes to the vault."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base import audit, clock, ids, vault
from base.config import Config
from base.errors import Invalid
from base.halts import halts
from points import programmes
from points.members import attributes, members
from points.members.attributes import AREA, BIRTHDAY
from points.members.imports import EARLIEST
from points.members.members import CUSTOMER_ID, PHONE, BadCustomerId, BadPhone, Enrolment
from points.members.models import Member
from points.members.sign_in import secrets_of


class BadJoiningDay(Invalid):
    """No customer can have joined on that day."""

    zh = "入网日期不正确。"


@dataclass(frozen=True)
class Wanted:
    """Who is to be a member; `personal`: what the vault keeps, by its names."""

    customer_id: str
    joined_on: date | None = None
    phone: str | None = None
    area: str | None = None
    birthday: str | None = None
    personal: Mapping[str, str] = field(default_factory=dict)


def enrol(
    session: Session, config: Config, programme_id: int, wanted: Wanted, channel: str, at: datetime, by: str
) -> tuple[Member, bool]:
    """The member who is this customer, and True when made by this call; one who is there already stays as it is.

    BadCustomerId, BadPhone, BadJoiningDay, BadAttribute, ProgrammeClosed, EnrolmentStopped. Of two at once one is made, both get it.
    """
    programme = programmes.open_one(session, programme_id)
    halts.check(session, halts.ENROL, programme_id)
    today = clock.day(at, programme.zone)
    joined_on = wanted.joined_on or today
    _check(session, programme_id, wanted, joined_on, today)
    secrets = secrets_of(config)
    enrolment = Enrolment(wanted.customer_id, joined_on)
    member_id, fresh = members.join_again(session, programme, secrets, enrolment)
    if fresh:
        if wanted.phone:
            members.add_phones(session, secrets, [(member_id, wanted.phone, at)])
        told = {AREA: wanted.area, BIRTHDAY: wanted.birthday}
        attributes.add_many(
            session,
            {(member_id, name, joined_on): value for name, value in told.items() if value},
            source=channel,
        )
        vault.put(session, config.seal_key, member_id, wanted.personal, at, channel)
        audit.write(session, by, "member.enrolled", ids.public("mbr", member_id))
    return members.by_id(session, member_id), fresh


def _check(session: Session, programme_id: int, wanted: Wanted, joined_on: date, today: date) -> None:
    if not CUSTOMER_ID.fullmatch(wanted.customer_id):
        raise BadCustomerId()
    for number in (wanted.phone, wanted.personal.get(vault.SECOND_PHONE)):
        if number is not None and not PHONE.fullmatch(number):
            raise BadPhone()
    for name, value in ((AREA, wanted.area), (BIRTHDAY, wanted.birthday)):
        if value is not None:
            attributes.check(name, value)
    left = session.scalar(
        select(func.max(Member.left_on)).where(
            Member.programme_id == programme_id, Member.customer_id == wanted.customer_id
        )
    )
    least = max(left, EARLIEST) if left else EARLIEST
    if not least <= joined_on <= today:
        raise BadJoiningDay(least=str(least), most=str(today))
