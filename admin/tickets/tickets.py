"""Tickets: opened by the member or for the member, and each deed of the staff, one step after another.

`course.py` says what a deed leads to; here it is written: the ticket by one conditional UPDATE that only the step it was
decided on lets through, the step beside it, the member told. What is said is sealed with the member's own key.
"""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from admin.contacts import contacts, sayings
from admin.contacts.contacts import Told
from admin.staff.models import StaffRow
from admin.staff.staff import principal
from admin.tickets import course, entries, matters, numbers, subjects
from admin.tickets.course import CLOSED, Deed
from admin.tickets.models import Ticket
from base import audit, channels, clock, vault
from base.auth.principals import Principal, Staff
from base.config import Config
from base.errors import Conflict, NotFound, OverLimit, field_errors
from base.notices import templates
from base.notices.templates import Facts
from points import programmes
from points.care import care
from points.members import members, scope
from points.members.models import Member
from points.notices import telling

READS, OPENS, REOPENS = "tickets:read", "tickets:open", "tickets:reopen"
HANDLES, LEADS = "tickets:handle", "tickets:lead"
MOST_OPEN = 20


class TicketUnknown(NotFound):
    """There is no such ticket."""

    zh = "没有该工单。"


class TooManyTickets(OverLimit):
    """There are twenty open requests of this member already."""

    zh = "未办结的请求已达二十个。"
    next_en, next_zh = (
        "Wait for the answer to one of them, or call customer service.",
        "请等待其中一项答复，或致电客服。",
    )


class CannotTakeIt(Conflict):
    """This person does not work on tickets of this member."""

    zh = "该员工不能处理此会员的工单。"
    next_en, next_zh = (
        "Name somebody of the same area who handles tickets.",
        "请指定同一地区可处理工单的员工。",
    )


class NotErased(Conflict):
    """Only what an erased person asked for is closed without an answer."""

    zh = "仅已删除个人信息的会员的工单可不经答复关闭。"


def open_one(
    session: Session,
    config: Config,
    member: Member,
    subject: str,
    said: str,
    *,
    by: Principal,
    about: str | None = None,
    channel: str = channels.MEMBER_WEB,
    at: datetime,
) -> Ticket:
    """A fresh ticket of a member; tells the member its number and deadline. What a person of the staff takes down is a contact too.

    SubjectUnknown, AboutUnknown, ChannelUnknown, Invalid, TicketThere, TooManyTickets, PersonErased.
    """
    channels.checked(channel)
    _said(said)
    matter = matters.find(session, member.member_id, about) if about else None
    due_at = subjects.due_at(session, member, subjects.checked(subject), at)
    count = select(func.count()).where(Ticket.member_id == member.member_id, Ticket.stage != CLOSED)
    if (session.scalar(count) or 0) >= MOST_OPEN:
        raise TooManyTickets(most=MOST_OPEN)
    row = entries.opened(
        session, member, subject, matter.reference if matter else None, channel, by, due_at, at
    )
    contact_id = None
    if isinstance(by, Staff):
        told = Told(
            channel,
            contacts.IN,
            contacts.COMPLAINT,
            contacts.REACHED,
            about=row.about,
            ticket_id=row.ticket_id,
        )
        contact_id = contacts.put(session, config, by, member.member_id, told, at).contact_id
        audit.write(session, by.actor, "ticket.opened", numbers.reference(row), topic=subject)
    deed = Deed(course.OPENED, at, by.staff_id if isinstance(by, Staff) else None, due_at=due_at)
    entries.step(session, config, row, deed, by.actor, channel, said, contact_id)
    zone = programmes.by_id(session, member.programme_id).zone
    until = templates.by_language(clock.day(due_at, zone))
    _tell(session, config, row, "ticket-received", subject=subjects.SUBJECTS[subject], until=until)
    return row


def take(session: Session, config: Config, person: Staff, key: tuple[int, int], at: datetime) -> Ticket:
    """The person has it from now on, to the end. TicketUnknown, TicketTaken, TicketElsewhere."""
    return _by_staff(session, config, person, key, Deed(course.TAKEN, at, person.staff_id))


def start(session: Session, config: Config, person: Staff, key: tuple[int, int], at: datetime) -> Ticket:
    """Work on it has begun. TicketUnknown, NotYourTicket, TicketElsewhere."""
    return _by_staff(session, config, person, key, Deed(course.STARTED, at, person.staff_id))


def answer(
    session: Session, config: Config, person: Staff, key: tuple[int, int], said: str, at: datetime
) -> Ticket:
    """What the member reads as the answer; tells the member that it is there. TicketUnknown, NotYourTicket, TicketElsewhere, Invalid."""
    _said(said)
    row = _by_staff(session, config, person, key, Deed(course.ANSWER, at, person.staff_id), said)
    _tell(session, config, row, "ticket-answered")
    return row


def call_back(
    session: Session,
    config: Config,
    person: Staff,
    key: tuple[int, int],
    *,
    reached: bool,
    said: str = "",
    channel: str = "hotline",
    at: datetime,
) -> Ticket:
    """A try to call the member after the answer, which is a contact; the third one that reaches nobody files the ticket.

    TicketUnknown, NotYourTicket, TicketElsewhere, CallBackTooSoon, CallBacksUsedUp, ChannelUnknown, Invalid.
    """
    row = find(session, person, *key)
    deed = Deed(course.REACHED if reached else course.MISSED, at, person.staff_id)
    course.after(entries.standing(row), deed)  # what is refused leaves no contact behind
    result = contacts.REACHED if reached else contacts.NOT_REACHED
    told = Told(
        channel, contacts.OUT, contacts.CALL_BACK, result, said, about=row.about, ticket_id=row.ticket_id
    )
    contact = contacts.put(session, config, person, row.member_id, told, at)
    row = _by_staff(session, config, person, key, deed, "", contact.contact_id, channel)
    if row.stage == CLOSED:
        _tell(session, config, row, "ticket-not-reached")
    return row


def close(
    session: Session, config: Config, person: Staff, key: tuple[int, int], said: str, at: datetime
) -> Ticket:
    """Nothing is left to do. TicketUnknown, NotYourTicket, TicketElsewhere, Invalid."""
    return _by_staff(session, config, person, key, Deed(course.DONE, at, person.staff_id), said)


def shelve(session: Session, config: Config, person: Staff, key: tuple[int, int], at: datetime) -> Ticket:
    """Close what nobody can answer any more, for the person was erased. TicketUnknown, NotErased, TicketElsewhere."""
    row = find(session, person, *key)
    if not vault.is_erased(session, row.member_id):
        raise NotErased()
    return _by_staff(session, config, person, key, Deed(course.SHELVED, at, person.staff_id))


def hand_over(
    session: Session, config: Config, lead: Staff, key: tuple[int, int], to: str, reason: str, at: datetime
) -> Ticket:
    """A lead gives it to another person (mail address), with the reason. TicketUnknown, CannotTakeIt, PersonUnknown, TicketElsewhere."""
    _said(reason, "reason")
    row = find(session, lead, *key)
    person = session.get(StaffRow, care.person(session, to.strip()).staff_id)
    if person is None or person.ended_at is not None or HANDLES not in principal(person).permissions:
        raise CannotTakeIt()
    if not scope.sees(session, principal(person), row.member_id):
        raise CannotTakeIt()
    deed = Deed(course.HANDED, at, lead.staff_id, owner_id=person.staff_id)
    return _by_staff(session, config, lead, key, deed, reason)


def reopen(
    session: Session, config: Config, member: Member, ticket_id: int, said: str, at: datetime
) -> Ticket:
    """The member is not content with the answer: its owner has it again, with a deadline of its own.

    TicketUnknown, ReopenedBefore, TooLateToReopen, TicketElsewhere, TicketThere, Invalid.
    """
    _said(said)
    row = of_member(session, member.member_id, ticket_id)
    due_at = subjects.due_at(session, member, row.subject, at)
    try:
        with session.begin_nested():  # another one about the same thing may have been opened meanwhile
            return entries.add(
                session,
                config,
                row,
                Deed(course.REOPENED, at, due_at=due_at),
                f"member:{member.member_id}",
                said,
            )
    except IntegrityError:
        raise entries.TicketThere() from None


def climb(session: Session, row: Ticket, at: datetime) -> Ticket:
    """Tell it one level higher: nobody has dealt with it in time. NotDue, TicketChanged."""
    return entries.add(session, None, row, Deed(course.CLIMBED, at), "job:tickets", "", channel=channels.JOB)


def find(session: Session, person: Principal, member_id: int, ticket_id: int) -> Ticket:
    """A ticket of a member whom the person may see; TicketUnknown."""
    found = session.get(Ticket, (member_id, ticket_id), populate_existing=True)
    if found is None or not scope.sees(session, person, member_id):
        raise TicketUnknown()
    return found


def of_member(session: Session, member_id: int, ticket_id: int) -> Ticket:
    """A member's own ticket; TicketUnknown."""
    found = session.get(Ticket, (member_id, ticket_id), populate_existing=True)
    if found is None:
        raise TicketUnknown()
    return found


def reopen_until(row: Ticket, at: datetime) -> datetime | None:
    """Until when its member may take it up again; None: not now, or not any more."""
    if row.reopened or row.answered_at is None or at > row.answered_at + course.REOPEN_WITHIN:
        return None
    return row.answered_at + course.REOPEN_WITHIN


def _by_staff(
    session: Session,
    config: Config,
    person: Staff,
    key: tuple[int, int],
    deed: Deed,
    said: str = "",
    contact_id: int | None = None,
    channel: str = channels.CONSOLE,
) -> Ticket:
    row = entries.add(
        session, config, find(session, person, *key), deed, person.actor, said, contact_id, channel
    )
    audit.write(session, person.actor, f"ticket.{deed.did}", numbers.reference(row), stage=row.stage)
    return row


def _said(text: str, field: str = "words") -> None:
    if not sayings.plain(text):
        raise field_errors({field: "needed"})


def _tell(session: Session, config: Config, row: Ticket, template: str, **more: templates.Fact) -> None:
    facts: Facts = {"number": numbers.number(row.ticket_id), **more}
    telling.tell(session, config, row.member_id, template, facts, subject=numbers.reference(row))


def member_of(session: Session, row: Ticket) -> Member:
    """Whose ticket it is."""
    return members.by_id(session, row.member_id)
