"""The log of contacts: each touch is a row of its own and stays as it was written; words are sealed with the member's own key."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.contacts import sayings
from admin.contacts.models import Contact
from admin.tickets import matters
from base import audit, channels, ids
from base.auth.principals import Staff
from base.config import Config
from base.errors import Invalid

READS, WRITES = "contacts:read", "contacts:write"
IN, OUT = DIRECTIONS = ("in", "out")
PURPOSES: dict[str, dict[str, str]] = {
    "question": {"zh-CN": "咨询", "en": "Question"},
    "complaint": {"zh-CN": "投诉受理", "en": "Complaint"},
    "call-back": {"zh-CN": "工单回访", "en": "Call-back"},
    "care": {"zh-CN": "关怀", "en": "Care"},
    "birthday": {"zh-CN": "生日祝福", "en": "Birthday"},
    "expiry": {"zh-CN": "积分到期提醒", "en": "Points lapsing"},
    "offer": {"zh-CN": "活动推荐", "en": "Offer"},
    "visit": {"zh-CN": "走访", "en": "Visit"},
    "other": {"zh-CN": "其他", "en": "Something else"},
}
QUESTION, COMPLAINT, CALL_BACK = "question", "complaint", "call-back"
REACHED, NOT_REACHED, LATER, DECLINED = RESULTS = ("reached", "not-reached", "call-again", "declined")


class BadContact(Invalid):
    """A contact has a purpose and a result of the lists, and a next step where it has a day for one."""

    zh = "接触记录须选择列表中的目的和结果；填写日期时须写明下一步。"


@dataclass(frozen=True, slots=True)
class Told:
    """What is written down of a touch. `words`: what was said; `next_step` and `next_on`: what follows and when."""

    channel: str
    direction: str
    purpose: str
    result: str
    words: str = ""
    next_step: str = ""
    next_on: date | None = None
    about: str | None = None
    ticket_id: int | None = None


def record(
    session: Session, config: Config, person: Staff, member_id: int, told: Told, at: datetime
) -> Contact:
    """Write a touch down. BadContact, AboutUnknown, ChannelUnknown; PersonErased where words are said of an erased person."""
    if told.purpose == CALL_BACK or told.ticket_id is not None:
        raise BadContact("purpose: what belongs to a ticket is written down there")
    about = matters.find(session, member_id, told.about).reference if told.about else None
    return put(session, config, person, member_id, replace(told, about=about), at)


def put(session: Session, config: Config, person: Staff, member_id: int, told: Told, at: datetime) -> Contact:
    """The same of a ticket's own, about what the ticket is about. BadContact, ChannelUnknown, PersonErased."""
    channels.checked(told.channel)
    _check(told)
    contact_id = ids.new_id()
    row = Contact(
        member_id=member_id,
        contact_id=contact_id,
        ticket_id=told.ticket_id,
        at=at,
        next_on=told.next_on,
        channel=told.channel,
        direction=told.direction,
        purpose=told.purpose,
        result=told.result,
        actor=person.actor,
        about=told.about,
        words=sayings.sealed(session, config, member_id, told.words, f"contact:{contact_id}"),
        next_step=sayings.sealed(session, config, member_id, told.next_step, f"next:{contact_id}"),
    )
    session.add(row)
    session.flush()
    audit.write(
        session, person.actor, "contact.recorded", ids.public("mbr", member_id), contact=reference(row)
    )
    return row


def of_member(
    session: Session, member_id: int, *, before: int | None = None, limit: int, ticket_id: int | None = None
) -> list[Contact]:
    """A member's contacts, newest first, from before an id on; maybe those of one ticket."""
    asked = select(Contact).where(Contact.member_id == member_id)
    if ticket_id is not None:
        asked = asked.where(Contact.ticket_id == ticket_id)
    if before is not None:
        asked = asked.where(Contact.contact_id < before)
    return list(session.scalars(asked.order_by(Contact.contact_id.desc()).limit(limit)))


def said(session: Session, config: Config, row: Contact) -> tuple[str | None, str | None]:
    """What was said and what is next; None where there is nothing, or the person was erased."""
    return (
        sayings.opened(session, config, row.member_id, row.words, f"contact:{row.contact_id}"),
        sayings.opened(session, config, row.member_id, row.next_step, f"next:{row.contact_id}"),
    )


def reference(row: Contact) -> str:
    """Its public id."""
    return ids.public("ctc", row.member_id, row.contact_id)


def _check(told: Told) -> None:
    wrong = {}
    if told.direction not in DIRECTIONS:
        wrong["direction"] = f"is one of {', '.join(DIRECTIONS)}"
    if told.purpose not in PURPOSES:
        wrong["purpose"] = f"is one of {', '.join(PURPOSES)}"
    if told.result not in RESULTS:
        wrong["result"] = f"is one of {', '.join(RESULTS)}"
    if told.next_on is not None and not told.next_step.strip():
        wrong["next_step"] = "says what is to be done on that day"
    if wrong:
        raise BadContact(
            "; ".join(f"{name}: {text}" for name, text in wrong.items()),
            errors=[{"pointer": f"/{name}", "detail": text} for name, text in wrong.items()],
        )
