"""Tickets: the inbox with its filters in the address, one ticket with what its stage allows, taking one down for a member."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.console.bulk import http as bulk
from admin.console.http import PAGE, cut, page, position
from admin.console.sheets import http as sheets
from admin.console.tickets import words
from admin.contacts import contacts
from admin.staff.models import StaffRow
from admin.tickets import course, entries, listing, numbers, subjects, tickets
from admin.tickets.listing import Wanted
from admin.tickets.matters import MOST
from admin.tickets.models import Ticket
from admin.tickets.schemas import about_names
from base import audit, channels, clock, database, idempotency, ids, seals
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.http.settings import config
from points.care import care
from points.members import scope
from points.people import looking

COLUMNS = ("number", "subject", "department", "stage", "level", "received_at", "due_at", "taken_by")
blueprint = Blueprint("tickets", __name__)
Deed = Callable[[Session, Staff, tuple[int, int]], Ticket]


@blueprint.route("/tickets")
@needs(tickets.READS)
def ticket_list() -> ResponseReturnValue:
    """Tickets of a view, the oldest first; a number that somebody says leads to its ticket."""
    person, at, asked = _person(), clock.now(), request.args.get("number", "").strip()
    wanted = _wanted(person)
    with database.begin() as session:
        found = numbers.number_said(asked)
        hits = listing.by_number(session, person, found) if found is not None else ()
        if len(hits) == 1:
            return redirect(url_for(".one_ticket", ticket=numbers.reference(hits[0])), 303)
        name = f"tickets {wanted}"
        place = position(name)
        if sheets.is_asked():
            return _file(session, listing.inbox(session, person, wanted, at, limit=sheets.MOST))
        more = listing.inbox(session, person, wanted, at, place=place[0] if place else None, limit=PAGE + 1)
        rows, after = cut(name, hits or more, lambda row: [row.ticket_id])
        database.bring(session, StaffRow, (row.owner_id for row in rows))
        return page(
            "console/tickets.html",
            rows=[(numbers.reference(row), row, _owner(session, row)) for row in rows],
            wanted=wanted,
            counts=listing.counts(session, person, at),
            departments=subjects.departments(session),
            subjects=subjects.SUBJECTS,
            number=numbers.number,
            asked=asked,
            unknown=bool(asked) and not hits,
            is_overdue=lambda row: listing.is_overdue(row, at),
            words=words,
            may_handle=tickets.HANDLES in person.permissions,
            may_lead=tickets.LEADS in person.permissions,
            most_reason=MOST,
            key=str(uuid4()),
            after=after,
            as_file=bool(rows),
        )


@blueprint.route("/tickets/<ticket>")
@needs(tickets.READS)
def one_ticket(ticket: str) -> ResponseReturnValue:
    """What was asked, what was done, what can be done; that it was read goes into the audit."""
    person, at = _person(), clock.now()
    with database.begin() as session:
        row = tickets.find(session, person, *_key(ticket))
        member_ref = ids.public("mbr", row.member_id)
        seen = looking.view(session, config(), person, member_ref)
        audit.write(session, person.actor, "ticket.read", ticket)
        said = [(step, entries.said_at(session, config(), step)) for step in entries.steps(session, row)]
        made = contacts.of_member(session, row.member_id, limit=PAGE, ticket_id=row.ticket_id)
        return page(
            "console/ticket.html",
            id=ticket,
            row=row,
            number=numbers.number(row.ticket_id),
            member_ref=member_ref,
            seen=seen,
            about=about_names(session, row),
            about_href=_href(row),
            subject=subjects.SUBJECTS[row.subject],
            steps=said,
            names={step.actor: name_of(session, step.actor) for step, _ in said},
            contacts=[(one, *contacts.said(session, config(), one)) for one in made],
            owner=_owner(session, row),
            is_mine=row.owner_id == person.staff_id,
            is_overdue=listing.is_overdue(row, at),
            may_handle=tickets.HANDLES in person.permissions,
            may_lead=tickets.LEADS in person.permissions and row.stage != course.CLOSED,
            not_before=row.tried_at + course.TRIES_APART
            if row.tried_at and at < row.tried_at + course.TRIES_APART
            else None,
            most_tries=course.MOST_TRIES,
            channels=channels.CHANNELS,
            call_by={way: channels.CHANNELS[way] for way in words.CALL_BY},
            words=words,
            key=str(uuid4()),
        )


@blueprint.route("/members/<member>/tickets", methods=["POST"])
@needs(tickets.HANDLES)
def take_down(member: str) -> ResponseReturnValue:
    """Write down what a member asks on the phone or at the counter."""
    person, form = _person(), request.form
    with database.begin() as session:
        row = scope.find(session, person, member)

        def effect() -> tuple[int, str]:
            made = tickets.open_one(
                session,
                config(),
                row,
                form.get("subject", ""),
                form.get("words", ""),
                by=person,
                about=form.get("about", "").strip()[:MOST] or None,
                channel=form.get("channel", ""),
                at=clock.now(),
            )
            return 303, numbers.reference(made)

        answer = once(session, row.member_id, effect)
    return redirect(url_for(".one_ticket", ticket=answer.body), 303)


@blueprint.route("/tickets/<ticket>/take", methods=["POST"])
@needs(tickets.HANDLES)
def take(ticket: str) -> ResponseReturnValue:
    """Have it from now on."""
    return _done(
        ticket, lambda session, person, key: tickets.take(session, config(), person, key, clock.now())
    )


@blueprint.route("/tickets/take-many", methods=["POST"])
@needs(tickets.HANDLES)
def take_many() -> ResponseReturnValue:
    """Have those that were chosen from now on."""
    return _each(lambda session, person, key: tickets.take(session, config(), person, key, clock.now()))


@blueprint.route("/tickets/hand-over-many", methods=["POST"])
@needs(tickets.LEADS)
def hand_over_many() -> ResponseReturnValue:
    """As a lead, give those that were chosen to another person."""
    to, reason = request.form.get("to", ""), request.form.get("reason", "")
    return _each(
        lambda session, person, key: tickets.hand_over(
            session, config(), person, key, to, reason, clock.now()
        )
    )


@blueprint.route("/tickets/<ticket>/start", methods=["POST"])
@needs(tickets.HANDLES)
def start(ticket: str) -> ResponseReturnValue:
    """Begin to work on it."""
    return _done(
        ticket, lambda session, person, key: tickets.start(session, config(), person, key, clock.now())
    )


@blueprint.route("/tickets/<ticket>/answer", methods=["POST"])
@needs(tickets.HANDLES)
def answer(ticket: str) -> ResponseReturnValue:
    """What the member reads."""
    said = request.form.get("words", "")
    return _done(
        ticket, lambda session, person, key: tickets.answer(session, config(), person, key, said, clock.now())
    )


@blueprint.route("/tickets/<ticket>/call-backs", methods=["POST"])
@needs(tickets.HANDLES)
def call_back(ticket: str) -> ResponseReturnValue:
    """A try to call the member."""
    form = request.form

    def deed(session: Session, person: Staff, key: tuple[int, int]) -> Ticket:
        return tickets.call_back(
            session,
            config(),
            person,
            key,
            reached=form.get("reached") == "1",
            said=form.get("words", ""),
            channel=form.get("channel", ""),
            at=clock.now(),
        )

    return _done(ticket, deed)


@blueprint.route("/tickets/<ticket>/close", methods=["POST"])
@needs(tickets.HANDLES)
def close(ticket: str) -> ResponseReturnValue:
    """Nothing is left to do."""
    said = request.form.get("words", "")
    return _done(
        ticket, lambda session, person, key: tickets.close(session, config(), person, key, said, clock.now())
    )


@blueprint.route("/tickets/<ticket>/shelve", methods=["POST"])
@needs(tickets.HANDLES)
def shelve(ticket: str) -> ResponseReturnValue:
    """Close one of an erased person."""
    return _done(
        ticket, lambda session, person, key: tickets.shelve(session, config(), person, key, clock.now())
    )


@blueprint.route("/tickets/<ticket>/hand-over", methods=["POST"])
@needs(tickets.LEADS)
def hand_over(ticket: str) -> ResponseReturnValue:
    """As a lead, give it to another person."""
    to, reason = request.form.get("to", ""), request.form.get("reason", "")
    return _done(
        ticket,
        lambda session, person, key: tickets.hand_over(
            session, config(), person, key, to, reason, clock.now()
        ),
    )


def once(session: Session, member_id: int, effect: Callable[[], tuple[int, Any]]) -> idempotency.Answer:
    """Do a form's deed once for its key; of what was written only a keyed digest is kept with it."""
    key = idempotency.checked(request.form.get("key"))
    said = {name: text for name, text in sorted(request.form.items()) if name != "csrf_token"}
    blind = seals.blind(config().secret_key, "words", str(said)).hex()
    asked = {"page": request.path, "form": blind}
    return idempotency.once(session, member_id, current().actor, key, asked, effect)


def name_of(session: Session, actor: str) -> str | None:
    """The name of a person of the staff behind an actor; None for the member and for jobs."""
    kind, _, number = actor.partition(":")
    return care.name_of(session, int(number)) if kind == "staff" else None


def _done(ticket: str, deed: Deed) -> ResponseReturnValue:
    person, key = _person(), _key(ticket)
    with database.begin() as session:
        once(session, key[0], lambda: (303, deed(session, person, key).stage))
    return redirect(url_for(".one_ticket", ticket=ticket), 303)


def _file(session: Session, rows: Sequence[Ticket]) -> Response:
    """The tickets that the filter shows as a file: nothing of what was said, and not whose they are."""
    database.bring(session, StaffRow, (row.owner_id for row in rows))
    lines = (
        (
            numbers.number(row.ticket_id), row.subject, row.department, row.stage, row.level, row.opened_at.isoformat(),
            row.due_at.isoformat() if row.due_at else None, _owner(session, row),
        )
        for row in rows
    )  # fmt: skip
    return sheets.of_list(session, "tickets", COLUMNS, lines)


def _each(deed: Deed) -> str:
    """A deed for several tickets, and what came of each."""
    person = _person()
    outcomes = bulk.each(
        lambda ticket: _key(ticket)[0], lambda session, ticket: deed(session, person, _key(ticket))
    )
    return page(
        "console/bulk.html",
        outcomes=[(_called(one.id), url_for(".one_ticket", ticket=one.id), one.problem) for one in outcomes],
        done=sum(one.problem is None for one in outcomes),
        back=url_for(".ticket_list"),
    )


def _called(ticket: str) -> str:
    """The number by which people name a ticket; what is none, as it came."""
    try:
        return numbers.number(_key(ticket)[1])
    except tickets.TicketUnknown:
        return ticket[:64]


def _wanted(person: Staff) -> Wanted:
    """What the address asks for; whoever handles tickets begins with what nobody has."""
    usual = listing.FREE if tickets.HANDLES in person.permissions else listing.OPEN
    view, stage = request.args.get("view", usual), request.args.get("stage")
    subject = request.args.get("subject")
    return Wanted(
        view if view in listing.VIEWS else usual,
        request.args.get("department") or None,
        subject if subject in subjects.SUBJECTS else None,
        stage if stage in course.STAGES else None,
    )


def _href(row: Ticket) -> str | None:
    """Where the console shows what a ticket is about."""
    if row.about and row.about.startswith("dsp_"):
        return f"/staff/disputes/{row.about}"
    return None


def _owner(session: Session, row: Ticket) -> str | None:
    return care.name_of(session, row.owner_id) if row.owner_id else None


def _key(ticket: str) -> tuple[int, int]:
    member_id, ticket_id = ids.parse("tkt", ticket, unknown=tickets.TicketUnknown)
    return member_id, ticket_id


def _person() -> Staff:
    person = current()
    assert isinstance(person, Staff)
    return person
