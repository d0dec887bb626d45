"""Help: what the member asked or complained of, with stage and deadline; asking from any line; taking an answer up again."""

import uuid

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.contacts import sayings
from admin.contacts.sayings import BadWords
from admin.tickets import entries, listing, matters, numbers, subjects, tickets
from admin.tickets.matters import ACCEPTANCE, DISPUTE, MESSAGE, POSTING, Matter
from admin.tickets.models import Ticket
from app.member.frame import PAGE, _, back_to, blueprint, cursor, me, position
from base import clock, database, idempotency, ids, seals
from base.auth.guard import needs
from base.http.settings import config
from base.web.i18n import both
from points.members import members


@blueprint.route("/help")
@needs(tickets.READS)
def list_requests() -> ResponseReturnValue:
    """The member's requests, newest first."""
    place, at = position(), clock.now()
    with database.begin() as session:
        before = place[0] if place else None
        rows = listing.of_member(session, me().member_id, before=before, limit=PAGE + 1)
    return render_template(
        "member/help.html",
        rows=[(numbers.reference(row), numbers.number(row.ticket_id), row) for row in rows[:PAGE]],
        is_overdue=lambda row: listing.is_overdue(row, at),
        subjects=subjects.SUBJECTS,
        next_cursor=cursor(rows[PAGE - 1].ticket_id) if len(rows) > PAGE else None,
    )


@blueprint.route("/help/new")
@needs(tickets.OPENS)
def new_request() -> ResponseReturnValue:
    """The form, filled in from the line that it is about. Of a use of a voucher the way of "this was not me" comes first."""
    about = request.args.get("about", "")[: matters.MOST]
    with database.begin() as session:
        matter = _matter(session, about)
        if matter and matter.kind == ACCEPTANCE and not request.args.get("other"):
            return redirect(url_for("member_pages.one_acceptance", acceptance=about), 303)
        known = listing.about(session, me().member_id, matter.reference) if matter else None
    if known is not None:
        return redirect(url_for("member_pages.one_request", ticket=numbers.reference(known)), 303)
    return _form(matter, matter.subject if matter else "", "", str(uuid.uuid4()))


@blueprint.route("/help", methods=["POST"])
@needs(tickets.OPENS)
def send_request() -> ResponseReturnValue:
    """Send it, once; what cannot be kept comes back with the reason, and nothing that was typed is lost."""
    back_to("/help", _("Your requests"))
    form = request.form
    key, about = idempotency.checked(form.get("key")), form.get("about", "")[: matters.MOST]
    subject, said = form.get("subject", ""), form.get("words", "")
    fault = _fault(said)
    with database.begin() as session:
        matter = _matter(session, about)
        if fault or subject not in subjects.SUBJECTS:
            return _form(matter, subject, said, key, fault, pick=subject not in subjects.SUBJECTS), 422

        def effect() -> tuple[int, str]:
            member = members.by_id(session, me().member_id)
            row = tickets.open_one(
                session,
                config(),
                member,
                subject,
                said,
                by=me(),
                about=about or None,
                at=clock.now(),
            )
            return 303, numbers.reference(row)

        asked = {"page": "help", "what": _blind(f"{subject}\n{about}\n{said}")}
        answer = idempotency.once(session, me().member_id, me().actor, key, asked, effect)
    return redirect(url_for("member_pages.one_request", ticket=answer.body), 303)


@blueprint.route("/help/<ticket>")
@needs(tickets.READS)
def one_request(ticket: str) -> ResponseReturnValue:
    """Its number, stage, department and deadline, what happens to the points meanwhile, what was said."""
    with database.begin() as session:
        return _shown(session, _mine(session, ticket))


@blueprint.route("/help/<ticket>/reopen", methods=["POST"])
@needs(tickets.REOPENS)
def reopen_request(ticket: str) -> ResponseReturnValue:
    """Say why the answer does not settle it; once."""
    key, said = idempotency.checked(request.form.get("key")), request.form.get("words", "")
    back_to(url_for("member_pages.one_request", ticket=ticket), _("Back to the request"))
    with database.begin() as session:
        row = _mine(session, ticket)
        if fault := _fault(said):
            return _shown(session, row, said, fault), 422

        def effect() -> tuple[int, str]:
            member = members.by_id(session, row.member_id)
            return 303, tickets.reopen(session, config(), member, row.ticket_id, said, clock.now()).stage

        asked = {"page": "reopen", "ticket": ticket, "what": _blind(said)}
        idempotency.once(session, row.member_id, me().actor, key, asked, effect)
    return redirect(url_for("member_pages.one_request", ticket=ticket), 303)


def _form(
    matter: Matter | None, subject: str, said: str, key: str, fault: str = "", *, pick: bool = False
) -> str:
    faults = {"words": fault} if fault else {}
    if pick:
        faults = {"subject": _("Choose what it is about.")} | faults
    return render_template(
        "member/help_new.html",
        matter=matter,
        subject=subject,
        said=said,
        key=key,
        faults=faults,
        choices=[("", _("Choose one"))] + [(code, both(names)) for code, names in subjects.SUBJECTS.items()],
    )


def _shown(session: Session, row: Ticket, said: str = "", fault: str = "") -> str:
    at = clock.now()
    matter = matters.maybe(session, row.member_id, row.about)
    return render_template(
        "member/help_one.html",
        row=row,
        id=numbers.reference(row),
        number=numbers.number(row.ticket_id),
        subject=subjects.SUBJECTS[row.subject],
        matter=matter,
        matter_href=_href(matter),
        steps=entries.told(session, config(), row),
        reopen_until=tickets.reopen_until(row, at),
        is_overdue=listing.is_overdue(row, at),
        key=str(uuid.uuid4()),
        said=said,
        fault=fault,
    )


def _href(matter: Matter | None) -> str:
    """Where the member sees what it is about."""
    if matter is None or matter.kind == DISPUTE:
        return ""
    if matter.kind == MESSAGE:
        return "/messages"
    if matter.kind == POSTING:
        return "/points"
    places = {"red": "redemptions", "vch": "vouchers", "acc": "acceptances"}
    place = places.get(matter.reference[:3])
    return f"/{place}/{matter.reference}" if place else "/points"


def _fault(said: str) -> str:
    """Why these words cannot be kept; empty when they can."""
    try:
        return "" if sayings.plain(said) else _("Tell us what happened.")
    except BadWords:
        return _("That is too long: 2,000 characters at most.")


def _matter(session: Session, about: str) -> Matter | None:
    return matters.find(session, me().member_id, about) if about else None


def _mine(session: Session, ticket: str) -> Ticket:
    """The member's own ticket; TicketUnknown for anybody else's."""
    member_id, ticket_id = ids.parse("tkt", ticket, unknown=tickets.TicketUnknown)
    if member_id != me().member_id:
        raise tickets.TicketUnknown()
    return tickets.of_member(session, member_id, ticket_id)


def _blind(said: str) -> str:
    return seals.blind(config().secret_key, "words", said).hex()
