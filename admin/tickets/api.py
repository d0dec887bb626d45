"""HTTP: members open tickets and read the answer; the staff takes them, answers, calls back, closes, hands over.

Words go in and are read again, but stand in no answer to a write: such an answer is kept with its key, and words end with the
person.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from admin.staff.models import StaffRow
from admin.tickets import listing, numbers, subjects, tickets
from admin.tickets.listing import Wanted
from admin.tickets.models import Ticket
from admin.tickets.schemas import (
    AnswerRequest,
    CallBackRequest,
    CloseTicketRequest,
    HandOverTicketRequest,
    OneTicketView,
    OpenTicketRequest,
    SubjectsQuery,
    SubjectsView,
    SubjectView,
    TicketRuleRequest,
    TicketsQuery,
    TicketsView,
    TicketView,
    own_view,
    own_whole,
    staff_view,
    staff_whole,
    subject_view,
)
from admin.tickets.subjects import Rule
from base import audit, channels, clock, database, ids, pages, seals
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.auth.principals import Member, Staff
from base.errors import field_errors
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from points import programmes
from points.members import members, scope

blueprint = Blueprint("tickets", __name__, description="What members ask and complain of")


@blueprint.route("/tickets", methods=["POST"])
@blueprint.arguments(OpenTicketRequest)
@blueprint.response(201, TicketView)
@blueprint.doc(**IDEMPOTENT)
@needs(tickets.OPENS)
def open_ticket(asked: dict[str, Any]) -> Response:
    """Ask for help or complain, about a thing or about nothing in particular. Needs Idempotency-Key."""
    person = current()
    with database.begin() as session:
        if isinstance(person, Member):
            if asked["member"] is not None or asked["channel"] is not None:
                raise field_errors({"member": "for the staff alone, and so is channel"})
            member, channel = members.by_id(session, person.member_id), channels.MEMBER_WEB
        else:
            member = scope.find(session, person, asked["member"] or "")
            channel = asked["channel"] or channels.CONSOLE

        def effect() -> tuple[int, dict[str, Any]]:
            row = tickets.open_one(
                session,
                config(),
                member,
                asked["subject"],
                asked["words"],
                by=person,
                about=asked["about"],
                channel=channel,
                at=clock.now(),
            )
            return 201, _shown(session, row)

        return answer_once(session, member.member_id, blinded(asked), effect)


@blueprint.route("/tickets")
@blueprint.arguments(TicketsQuery, location="query")
@blueprint.response(200, TicketsView)
@needs(tickets.READS)
def list_tickets(query: dict[str, Any]) -> dict[str, Any]:
    """The own tickets, newest first; for the staff those of one's own scope by view, department, subject and stage."""
    person, at, limit = current(), clock.now(), query["limit"]
    key = f"tickets:{person.actor}:{query['view']}:{config().secret_key}"
    place = pages.position(key, query["cursor"])
    from_id = place[0] if place else None
    with database.begin() as session:
        if isinstance(person, Member):
            rows = listing.of_member(session, person.member_id, before=from_id, limit=limit + 1)
        else:
            assert isinstance(person, Staff)
            wanted = Wanted(query["view"], query["department"], query["subject"], query["stage"])
            rows = listing.inbox(session, person, wanted, at, place=from_id, limit=limit + 1)
            database.bring(session, StaffRow, (row.owner_id for row in rows))
        return pages.page(key, rows, limit, lambda row: [row.ticket_id], lambda row: _shown(session, row))


@blueprint.route("/tickets/<ticket>")
@blueprint.response(200, OneTicketView)
@needs(tickets.READS)
def one_ticket(ticket: str) -> dict[str, Any]:
    """One ticket with its steps and words. That one of the staff read it goes into the audit."""
    member_id, ticket_id = _key(ticket)
    person, at = current(), clock.now()
    with database.begin() as session:
        if isinstance(person, Member):
            return own_whole(session, config(), _own(session, person, member_id, ticket_id), at)
        row = tickets.find(session, person, member_id, ticket_id)
        audit.write(session, person.actor, "ticket.read", numbers.reference(row))
        return staff_whole(session, config(), row, at)


@blueprint.route("/tickets/<ticket>/reopen", methods=["POST"])
@blueprint.arguments(AnswerRequest)
@blueprint.response(200, TicketView)
@blueprint.doc(**IDEMPOTENT)
@needs(tickets.REOPENS)
def reopen(asked: dict[str, Any], ticket: str) -> Response:
    """Take an answered one up again, once, within seven days of the answer. Needs Idempotency-Key."""
    member_id, ticket_id = _key(ticket)
    me = current()
    assert isinstance(me, Member)
    with database.begin() as session:
        _own(session, me, member_id, ticket_id)
        member = members.by_id(session, member_id)

        def effect() -> tuple[int, dict[str, Any]]:
            row = tickets.reopen(session, config(), member, ticket_id, asked["words"], clock.now())
            return 200, own_view(row, clock.now())

        return answer_once(session, member_id, blinded(asked), effect)


@blueprint.route("/tickets/<ticket>/take", methods=["POST"])
@blueprint.response(200, TicketView)
@blueprint.doc(**IDEMPOTENT)
@needs(tickets.HANDLES)
def take(ticket: str) -> Response:
    """Have it from now on, to the end; the first one does. Needs Idempotency-Key."""
    return _done(
        ticket, {}, lambda session, person, key, at: tickets.take(session, config(), person, key, at)
    )


@blueprint.route("/tickets/<ticket>/start", methods=["POST"])
@blueprint.response(200, TicketView)
@blueprint.doc(**IDEMPOTENT)
@needs(tickets.HANDLES)
def start(ticket: str) -> Response:
    """Begin to work on one's own. Needs Idempotency-Key."""
    return _done(
        ticket, {}, lambda session, person, key, at: tickets.start(session, config(), person, key, at)
    )


@blueprint.route("/tickets/<ticket>/answer", methods=["POST"])
@blueprint.arguments(AnswerRequest)
@blueprint.response(200, TicketView)
@blueprint.doc(**IDEMPOTENT)
@needs(tickets.HANDLES)
def answer(asked: dict[str, Any], ticket: str) -> Response:
    """Answer it; the member is told and reads the words. Needs Idempotency-Key."""
    return _done(
        ticket,
        asked,
        lambda session, person, key, at: tickets.answer(session, config(), person, key, asked["words"], at),
    )


@blueprint.route("/tickets/<ticket>/call-backs", methods=["POST"])
@blueprint.arguments(CallBackRequest)
@blueprint.response(200, TicketView)
@blueprint.doc(**IDEMPOTENT)
@needs(tickets.HANDLES)
def call_back(asked: dict[str, Any], ticket: str) -> Response:
    """Say that the member was called after the answer: three tries at most, an hour apart. Needs Idempotency-Key."""

    def deed(session: Session, person: Staff, key: tuple[int, int], at: datetime) -> Ticket:
        return tickets.call_back(
            session,
            config(),
            person,
            key,
            reached=asked["reached"],
            said=asked["words"],
            channel=asked["channel"],
            at=at,
        )

    return _done(ticket, asked, deed)


@blueprint.route("/tickets/<ticket>/close", methods=["POST"])
@blueprint.arguments(CloseTicketRequest)
@blueprint.response(200, TicketView)
@blueprint.doc(**IDEMPOTENT)
@needs(tickets.HANDLES)
def close(asked: dict[str, Any], ticket: str) -> Response:
    """Close one whose member was reached. Needs Idempotency-Key."""
    return _done(
        ticket,
        asked,
        lambda session, person, key, at: tickets.close(session, config(), person, key, asked["words"], at),
    )


@blueprint.route("/tickets/<ticket>/shelve", methods=["POST"])
@blueprint.response(200, TicketView)
@blueprint.doc(**IDEMPOTENT)
@needs(tickets.HANDLES)
def shelve(ticket: str) -> Response:
    """Close one of an erased person, whom nobody can answer. Needs Idempotency-Key."""
    return _done(
        ticket, {}, lambda session, person, key, at: tickets.shelve(session, config(), person, key, at)
    )


@blueprint.route("/tickets/<ticket>/hand-over", methods=["POST"])
@blueprint.arguments(HandOverTicketRequest)
@blueprint.response(200, TicketView)
@blueprint.doc(**IDEMPOTENT)
@needs(tickets.LEADS)
def hand_over(asked: dict[str, Any], ticket: str) -> Response:
    """As a lead, give it to another person, with the reason. Needs Idempotency-Key."""
    return _done(
        ticket,
        asked,
        lambda session, person, key, at: tickets.hand_over(
            session, config(), person, key, asked["to"], asked["reason"], at
        ),
    )


@blueprint.route("/ticket-subjects")
@blueprint.arguments(SubjectsQuery, location="query")
@blueprint.response(200, SubjectsView)
@needs(tickets.READS)
def list_subjects(query: dict[str, Any]) -> dict[str, Any]:
    """The subjects with leading department and hours, as they are today in a programme."""
    me = current()
    with database.begin() as session:
        if isinstance(me, Member):
            programme = programmes.by_id(session, me.programme_id)
        elif query["programme"] is None:
            raise field_errors({"programme": "needed"})
        else:
            programme = programmes.by_code(session, query["programme"])
        on = clock.day(clock.now(), programme.zone)
        rules = subjects.in_force(session, programme.programme_id, on)
    return {"data": [subject_view(subject, rule) for subject, rule in rules.items()]}


@blueprint.route("/ticket-subjects", methods=["POST"])
@blueprint.arguments(TicketRuleRequest)
@blueprint.response(201, SubjectView)
@blueprint.doc(**IDEMPOTENT)
@needs(subjects.RULES)
def add_rule(asked: dict[str, Any]) -> Response:
    """From a day on, a subject's tickets go by another rule. Needs Idempotency-Key."""
    rule = Rule(
        asked["department"],
        {"zh-CN": asked["name_zh"], "en": asked["name_en"]},
        asked["by_card"],
        asked["hours"],
        asked["in_working_hours"],
    )
    with database.begin() as session:

        def effect() -> tuple[int, dict[str, Any]]:
            programme = programmes.by_code(session, asked["programme"])
            subjects.add_rule(session, programme, asked["subject"], asked["from_day"], rule, current().actor)
            return 201, subject_view(asked["subject"], rule)

        return answer_once(session, NO_MEMBER, asked, effect)


def blinded(asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked, as it is kept with its key: of words only a keyed digest."""
    return asked | {
        name: seals.blind(config().secret_key, "words", asked[name]).hex()
        for name in ("words", "reason")
        if asked.get(name)
    }


def _done(
    ticket: str,
    asked: dict[str, Any],
    deed: Callable[[Session, Staff, tuple[int, int], datetime], Ticket],
) -> Response:
    person, at, key = current(), clock.now(), _key(ticket)
    assert isinstance(person, Staff)
    with database.begin() as session:

        def effect() -> tuple[int, dict[str, Any]]:
            return 200, staff_view(session, deed(session, person, key, at), at)

        return answer_once(session, key[0], blinded(asked), effect)


def _key(ticket: str) -> tuple[int, int]:
    member_id, ticket_id = ids.parse("tkt", ticket, unknown=tickets.TicketUnknown)
    return member_id, ticket_id


def _own(session: Session, me: Member, member_id: int, ticket_id: int) -> Ticket:
    if member_id != me.member_id:
        raise tickets.TicketUnknown()
    return tickets.of_member(session, member_id, ticket_id)


def _shown(session: Session, row: Ticket) -> dict[str, Any]:
    at = clock.now()
    return own_view(row, at) if isinstance(current(), Member) else staff_view(session, row, at)
