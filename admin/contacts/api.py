"""HTTP: the log of contacts with a member, and writing one down."""

from typing import Any

from flask import Response

from admin.contacts import contacts
from admin.contacts.contacts import Told
from admin.contacts.schemas import (
    ContactLogEntryView,
    ContactLogRequest,
    ContactLogView,
    contact_view,
    whole_view,
)
from base import audit, clock, database, ids, pages, seals
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from points.members import scope
from points.wallets.schemas import PageQuery

blueprint = Blueprint("contacts", __name__, description="Every touch with a member")


@blueprint.route("/members/<member>/contacts")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, ContactLogView)
@needs(contacts.READS)
def list_contacts(query: dict[str, Any], member: str) -> dict[str, Any]:
    """A member's contacts, newest first. That they were read goes into the audit."""
    key, limit = f"contacts:{member}:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        member_id = scope.find(session, current(), member).member_id
        audit.write(session, current().actor, "contacts.read", ids.public("mbr", member_id))
        before = place[0] if place else None
        rows = contacts.of_member(session, member_id, before=before, limit=limit + 1)
        return pages.page(
            key,
            rows,
            limit,
            lambda row: [row.contact_id],
            lambda row: whole_view(session, config(), row),
        )


@blueprint.route("/members/<member>/contacts", methods=["POST"])
@blueprint.arguments(ContactLogRequest)
@blueprint.response(201, ContactLogEntryView)
@blueprint.doc(**IDEMPOTENT)
@needs(contacts.WRITES)
def record(asked: dict[str, Any], member: str) -> Response:
    """Write a touch down; it stays as it was written. Needs Idempotency-Key."""
    person = current()
    assert isinstance(person, Staff)
    with database.begin() as session:
        member_id = scope.find(session, person, member).member_id

        def effect() -> tuple[int, dict[str, Any]]:
            row = contacts.record(session, config(), person, member_id, Told(**asked), clock.now())
            return 201, contact_view(row)

        blind = {
            name: seals.blind(config().secret_key, "words", asked[name]).hex()
            for name in ("words", "next_step")
        }
        return answer_once(session, member_id, asked | blind, effect)
