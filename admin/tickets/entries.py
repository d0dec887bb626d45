"""The rows of a ticket: the ticket by one conditional UPDATE that only the step it was decided on lets through, the step beside it.

What is said is sealed with the member's own key.
"""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from admin.contacts import sayings
from admin.tickets import course, subjects
from admin.tickets.course import Deed, Standing
from admin.tickets.models import Ticket, TicketStep
from base import channels, clock, ids
from base.auth.principals import Principal
from base.config import Config
from base.errors import Conflict
from points import programmes
from points.members.models import Member

# What a member does not read: these steps at all, and the words of those.
UNTOLD = frozenset({course.HANDED, course.CLIMBED, course.SHELVED})
INTERNAL = frozenset({course.DONE})


class TicketThere(Conflict):
    """We are looking into this already."""

    zh = "此事已在处理中。"
    next_en, next_zh = (
        "Look at the request that is open about it; it says until when you hear from us.",
        "请查看已有的请求，其中注明了答复时限。",
    )


class TicketChanged(Conflict):
    """Somebody else has just worked on this ticket."""

    zh = "该工单刚被他人处理过。"
    next_en, next_zh = "Look at the ticket again, then decide.", "请刷新工单后再操作。"


def opened(
    session: Session,
    member: Member,
    subject: str,
    about: str | None,
    channel: str,
    by: Principal,
    due_at: datetime,
    at: datetime,
) -> Ticket:
    """The row, unless there is an open one about the same thing: TicketThere."""
    zone = programmes.by_id(session, member.programme_id).zone
    department, names = subjects.lead(session, member, subject, clock.day(at, zone))
    written: Ticket | None = session.scalar(
        insert(Ticket)
        .values(
            member_id=member.member_id,
            ticket_id=ids.new_id(),
            opened_at=at,
            changed_at=at,
            steps=1,
            subject=subject,
            department=department,
            department_names=names,
            channel=channel,
            opened_by=by.actor,
            about=about,
            **asdict(course.opened(due_at)),
        )
        .on_conflict_do_nothing()
        .returning(Ticket)
    )
    if written is None:
        raise TicketThere()
    return written


def add(
    session: Session,
    config: Config | None,
    row: Ticket,
    deed: Deed,
    actor: str,
    said: str,
    contact_id: int | None = None,
    channel: str = channels.MEMBER_WEB,
) -> Ticket:
    """One conditional UPDATE: of two deeds at once the one that was decided on the last step is let through."""
    then = course.after(standing(row), deed)
    changed = session.scalar(
        update(Ticket)
        .where(
            Ticket.member_id == row.member_id, Ticket.ticket_id == row.ticket_id, Ticket.steps == row.steps
        )
        .values(**asdict(then), steps=row.steps + 1, changed_at=deed.at)
        .returning(Ticket)
        .execution_options(populate_existing=True)
    )
    if changed is None:
        session.refresh(row)
        course.after(standing(row), deed)  # what the first one led to says why not, if anything does
        raise TicketChanged()
    step(session, config, changed, deed, actor, channel, said, contact_id)
    return changed


def step(
    session: Session,
    config: Config | None,
    row: Ticket,
    deed: Deed,
    actor: str,
    channel: str,
    said: str,
    contact_id: int | None,
) -> None:
    words = None
    if config is not None:
        words = sayings.sealed(session, config, row.member_id, said, _bound(row.ticket_id, row.steps))
    session.add(
        TicketStep(
            member_id=row.member_id,
            ticket_id=row.ticket_id,
            no=row.steps,
            person_id=deed.person_id,
            owner_id=row.owner_id,
            contact_id=contact_id,
            at=deed.at,
            due_at=row.due_at,
            level=row.level,
            did=deed.did,
            stage=row.stage,
            actor=actor,
            channel=channel,
            words=words,
        )
    )
    session.flush()


def _bound(ticket_id: int, no: int) -> str:
    return f"ticket:{ticket_id}:{no}"


def steps(session: Session, row: Ticket) -> list[TicketStep]:
    """All that was done, in order."""
    asked = select(TicketStep).where(
        TicketStep.member_id == row.member_id, TicketStep.ticket_id == row.ticket_id
    )
    return list(session.scalars(asked.order_by(TicketStep.no)))


def said_at(session: Session, config: Config, step: TicketStep) -> str | None:
    """The words of a step; None where there are none, or the person was erased."""
    return sayings.opened(session, config, step.member_id, step.words, _bound(step.ticket_id, step.no))


def told(session: Session, config: Config, row: Ticket) -> list[tuple[TicketStep, str | None]]:
    """What its member reads of the steps, with words; what is between persons of the staff is left out."""
    return [
        (step, None if step.did in INTERNAL else said_at(session, config, step))
        for step in steps(session, row)
        if step.did not in UNTOLD
    ]


def standing(row: Ticket) -> Standing:
    """Where it stands, as the course sees it."""
    return Standing(
        stage=row.stage,
        owner_id=row.owner_id,
        due_at=row.due_at,
        climbs_at=row.climbs_at,
        level=row.level,
        tries=row.tries,
        tried_at=row.tried_at,
        answered_at=row.answered_at,
        reopened=row.reopened,
    )
