"""A member's contacts: the log, writing one down; and what the member's own page shows of tickets and contacts."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.console.http import PAGE, cut, page, position
from admin.console.sheets import http as sheets
from admin.console.tickets import words
from admin.console.tickets.pages import name_of, once
from admin.contacts import contacts
from admin.contacts.contacts import Told
from admin.contacts.models import Contact
from admin.tickets import listing, numbers, subjects, tickets
from admin.tickets.matters import MOST
from base import audit, channels, clock, database, ids
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.errors import field_errors
from base.http.settings import config
from points.members import scope

LAST = 5  # on the member's page
COLUMNS = ("at", "channel", "direction", "by", "purpose", "ticket", "about", "result", "next_on")

blueprint = Blueprint("contacts", __name__)


@blueprint.route("/members/<member>/contacts")
@needs(contacts.READS)
def contact_list(member: str) -> ResponseReturnValue:
    """All contacts of a member, newest first; that they were read goes into the audit."""
    name = f"contacts {member}"
    place = position(name)
    with database.begin() as session:
        member_id = scope.find(session, current(), member).member_id
        audit.write(session, current().actor, "contacts.read", ids.public("mbr", member_id))
        if sheets.is_asked():
            return _file(session, contacts.of_member(session, member_id, limit=sheets.MOST))
        before = place[0] if place else None
        found = contacts.of_member(session, member_id, before=before, limit=PAGE + 1)
        rows, after = cut(name, found, lambda row: [row.contact_id])
        return page(
            "console/contacts.html",
            member_ref=member,
            rows=_shown(session, list(rows)),
            after=after,
            as_file=bool(rows),
            **_choices(),
        )


def _file(session: Session, rows: Sequence[Contact]) -> Response:
    """The contacts as a file: nothing of what was said, and not whose they are."""
    lines = (
        (
            row.at.isoformat(), row.channel, row.direction, name_of(session, row.actor), row.purpose,
            ids.public("tkt", row.member_id, row.ticket_id) if row.ticket_id else None, row.about, row.result, row.next_on,
        )
        for row in rows
    )  # fmt: skip
    return sheets.of_list(session, "contacts", COLUMNS, lines)


@blueprint.route("/members/<member>/contacts", methods=["POST"])
@needs(contacts.WRITES)
def write_down(member: str) -> ResponseReturnValue:
    """One more; it stays as it was written."""
    person = current()
    assert isinstance(person, Staff)
    told = _told()
    with database.begin() as session:
        member_id = scope.find(session, person, member).member_id
        once(
            session,
            member_id,
            lambda: (
                303,
                contacts.reference(contacts.record(session, config(), person, member_id, told, clock.now())),
            ),
        )
    return redirect(url_for(".contact_list", member=member), 303)


def beside(session: Session, member_id: int) -> dict[str, Any]:
    """Open tickets and last contacts for a member's page, as far as the person may see them."""
    allowed, at = current().permissions, clock.now()
    reads = tickets.READS in allowed
    rows = listing.of_member(session, member_id, limit=PAGE, open_only=True) if reads else ()
    last = contacts.of_member(session, member_id, limit=LAST) if contacts.READS in allowed else []
    return {
        "tickets": [(numbers.reference(row), numbers.number(row.ticket_id), row) for row in rows],
        "is_overdue": lambda row: listing.is_overdue(row, at),
        "contacts": _shown(session, last),
        "reads": reads,
        "reads_contacts": contacts.READS in allowed,
        **_choices(),
    }


def _choices() -> dict[str, Any]:
    allowed = current().permissions
    return {
        "subjects": subjects.SUBJECTS,
        "ways": {code: channels.CHANNELS[code] for code in words.TAKEN_BY},
        "channels": channels.CHANNELS,
        "purposes": contacts.PURPOSES,
        "purposes_to_choose": {k: v for k, v in contacts.PURPOSES.items() if k != contacts.CALL_BACK},
        "ticket_words": words,
        "may_open": tickets.HANDLES in allowed,
        "may_write": contacts.WRITES in allowed,
        "service_key": str(uuid4()),
    }


def _shown(session: Session, rows: list[Contact]) -> list[dict[str, Any]]:
    shown = []
    for row in rows:
        said, then = contacts.said(session, config(), row)
        ticket = ids.public("tkt", row.member_id, row.ticket_id) if row.ticket_id else None
        shown.append(
            {"row": row, "said": said, "next": then, "by": name_of(session, row.actor), "ticket": ticket}
        )
    return shown


def _told() -> Told:
    form = request.form
    on = form.get("next_on", "").strip()
    try:
        next_on = date.fromisoformat(on) if on else None
    except ValueError:
        raise field_errors({"next_on": "a day: YYYY-MM-DD"}) from None
    return Told(
        channel=form.get("channel", ""),
        direction=form.get("direction", ""),
        purpose=form.get("purpose", ""),
        result=form.get("result", ""),
        words=form.get("words", ""),
        next_step=form.get("next_step", ""),
        next_on=next_on,
        about=form.get("about", "").strip()[:MOST] or None,
    )
