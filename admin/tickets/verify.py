"""Proof of tickets: each stands where its steps lead by the very course that wrote them, and each call-back is a contact."""

from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.contacts.models import Contact
from admin.tickets import course, entries, numbers
from admin.tickets.course import Deed, Standing
from admin.tickets.models import Ticket, TicketStep
from base.errors import Problem
from base.findings import Finding

MOST = 100
_TRIES = {course.REACHED: "reached", course.MISSED: "not-reached"}
_ORPHANS = (
    (
        "it has no ticket",
        "select s.member_id, s.ticket_id from ticket_step s left join ticket t using (member_id, ticket_id) "
        "where t.ticket_id is null",
    ),
    (
        "its member is unknown",
        "select t.member_id, t.ticket_id from ticket t left join member m using (member_id) where m.member_id is null",
    ),
    (
        "it was shelved and its person was not erased",
        "select s.member_id, s.ticket_id from ticket_step s left join vault_key k using (member_id) "
        "where s.did = 'shelved' and k.shredded_at is null",
    ),
    (
        "a contact says that it called back and no step of a ticket names it",
        "select c.member_id, c.contact_id from contact c left join ticket_step s "
        "on s.member_id = c.member_id and s.ticket_id = c.ticket_id and s.contact_id = c.contact_id "
        "where (c.purpose = 'call-back' or c.ticket_id is not null) and s.no is null",
    ),
)


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with tickets, at most MOST of a kind. Read-only."""
    for text, statement in _ORPHANS:
        for first, second in session.connection().exec_driver_sql(f"{statement} order by 1, 2 limit {MOST}"):
            yield Finding("ticket", f"{first} {second}", text)
    rows = session.execute(
        select(Ticket, TicketStep, Contact)
        .outerjoin(
            TicketStep,
            (TicketStep.member_id == Ticket.member_id) & (TicketStep.ticket_id == Ticket.ticket_id),
        )
        .outerjoin(
            Contact,
            (Contact.member_id == TicketStep.member_id) & (Contact.contact_id == TicketStep.contact_id),
        )
        .order_by(Ticket.member_id, Ticket.ticket_id, TicketStep.no)
        .execution_options(yield_per=1000)
    )
    for ticket, taken in groupby(rows, lambda row: row[0]):
        for fault in _faults(ticket, [(step, contact) for _, step, contact in taken]):
            yield Finding("ticket", numbers.reference(ticket), fault)


def _faults(ticket: Ticket, taken: list[tuple[TicketStep | None, Contact | None]]) -> Iterator[str]:
    now: Standing | None = None
    for no, (step, contact) in enumerate(taken, 1):
        if step is None or step.no != no or (step.did == course.OPENED) != (no == 1):
            yield "its steps have a gap"
            return
        if step.did in _TRIES and (contact is None or contact.result != _TRIES[step.did]):
            yield f"step {no}: no contact says so"
        try:
            now = _after(now, step)
        except Problem as refusal:
            yield f"step {no}: {refusal.type_name()}"
            return
        if (now.stage, now.owner_id, now.due_at, now.level) != (
            step.stage, step.owner_id, step.due_at, step.level,
        ):  # fmt: skip
            yield f"step {no}: it leads elsewhere"
            return
    if ticket.steps != len(taken) or entries.standing(ticket) != now:
        yield "it does not stand where its steps lead"


def _after(now: Standing | None, step: TicketStep) -> Standing:
    if now is None:
        assert step.due_at is not None
        return course.opened(step.due_at)
    deed = Deed(step.did, step.at, step.person_id, owner_id=step.owner_id, due_at=step.due_at)
    return course.after(now, deed)
