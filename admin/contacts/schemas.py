"""JSON of contacts."""

from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from admin.contacts import contacts
from admin.contacts.models import Contact
from base import ids
from base.channels import CHANNELS
from base.config import Config
from base.http.api import Request, Text, View

MOST_TYPED = 4_000


class ContactLogRequest(Request):
    """A touch with a member, to be written down."""

    channel = Text(required=True, most=40)
    direction = ma.fields.String(load_default=contacts.OUT, validate=ma.validate.OneOf(contacts.DIRECTIONS))
    purpose = ma.fields.String(required=True, validate=ma.validate.OneOf(list(contacts.PURPOSES)))
    result = ma.fields.String(required=True, validate=ma.validate.OneOf(contacts.RESULTS))
    words = ma.fields.String(load_default="", validate=ma.validate.Length(max=MOST_TYPED))
    next_step = ma.fields.String(load_default="", validate=ma.validate.Length(max=MOST_TYPED))
    next_on = ma.fields.Date(load_default=None, allow_none=True)
    about = Text(load_default=None, allow_none=True, most=120)


class ContactLogEntryView(View):
    """A touch with a member; words null: none, or the person was erased. In the answer to a write they are left out."""

    id = ma.fields.String()
    member = ma.fields.String()
    at = ma.fields.String()
    channel = ma.fields.String(metadata={"enum": list(CHANNELS)})
    direction = ma.fields.String(metadata={"enum": list(contacts.DIRECTIONS)})
    by = ma.fields.String()
    purpose = ma.fields.String(metadata={"enum": list(contacts.PURPOSES)})
    result = ma.fields.String(metadata={"enum": list(contacts.RESULTS)})
    about = ma.fields.String(allow_none=True)
    ticket = ma.fields.String(allow_none=True)
    next_on = ma.fields.String(allow_none=True)
    words = ma.fields.String(allow_none=True)
    next_step = ma.fields.String(allow_none=True)


class ContactLogView(View):
    """A page of contacts."""

    data = ma.fields.List(ma.fields.Nested(ContactLogEntryView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def contact_view(row: Contact) -> dict[str, Any]:
    """ContactLogEntryView without words."""
    return {
        "id": contacts.reference(row),
        "member": ids.public("mbr", row.member_id),
        "at": row.at.isoformat(),
        "channel": row.channel,
        "direction": row.direction,
        "by": row.actor,
        "purpose": row.purpose,
        "result": row.result,
        "about": row.about,
        "ticket": ids.public("tkt", row.member_id, row.ticket_id) if row.ticket_id else None,
        "next_on": row.next_on and row.next_on.isoformat(),
    }


def whole_view(session: Session, config: Config, row: Contact) -> dict[str, Any]:
    """ContactLogEntryView with words."""
    words, next_step = contacts.said(session, config, row)
    return contact_view(row) | {"words": words, "next_step": next_step}
