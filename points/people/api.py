"""HTTP: members are enrolled, found, seen masked, and with a reason in clear; the operator tells their numbers.

Answers that are kept with an idempotency key hold no personal data, and what was asked is kept as a keyed digest of it.
"""

import json
from typing import Any

from flask import Response, jsonify
from sqlalchemy.orm import Session

from base import channels, clock, database, idempotency, ids, pages, seals
from base.auth.guard import current, needs
from base.auth.principals import Service, Staff
from base.errors import NotAllowed, field_errors
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from points.members import phones, scope
from points.members.members import MemberUnknown
from points.people import enrolment, looking
from points.people.schemas import (
    EnrolledView,
    EnrolRequest,
    FoundView,
    LogQuery,
    LogView,
    NumberRequest,
    NumberView,
    PersonView,
    RevealRequest,
    RevealView,
    SearchRequest,
    look_view,
    person_view,
    personal_of,
)

blueprint = Blueprint("members", __name__, description="Members: enrolled, found, seen, revealed")
NUMBERS = "numbers"  # an event of a number counts once, whoever tells it


@blueprint.route("/members", methods=["POST"])
@blueprint.arguments(EnrolRequest)
@blueprint.response(201, EnrolledView)
@blueprint.alt_response(200, schema=EnrolledView, description="the customer is a member already")
@blueprint.doc(**IDEMPOTENT)
@needs("members:write")
def enrol(asked: dict[str, Any]) -> Response:
    """Make a customer a member; who is one already stays as it is and answers 200. Needs Idempotency-Key."""
    channels.checked(asked["channel"])
    with database.begin() as session:
        return answer_once(session, 0, _blind(asked), lambda: _enrol(session, asked))


@blueprint.route("/members/<member>")
@blueprint.response(200, PersonView)
@needs("members:read")
def one_member(member: str) -> dict[str, Any]:
    """A member, masked; that it was looked at is written down."""
    with database.begin() as session:
        return person_view(looking.view(session, config(), current(), member))


@blueprint.route("/members/search", methods=["POST"])
@blueprint.arguments(SearchRequest)
@blueprint.response(200, FoundView)
@needs("members:read")
def search(asked: dict[str, Any]) -> dict[str, Any]:
    """Find members by customer id or phone number, masked. A miss says no more than that, and is counted."""
    found = looking.search(config(), current(), customer_id=asked["customer_id"], phone=asked["phone"])
    if not found:
        raise MemberUnknown()
    return {"data": [person_view(one) for one in found]}


@blueprint.route("/members/<member>/phones", methods=["POST"])
@blueprint.arguments(NumberRequest)
@blueprint.response(200, NumberView)
@needs("members:write")
def tell_number(asked: dict[str, Any], member: str) -> dict[str, Any]:
    """Tell a change of number: the former one ends, its sign-ins too. Counts once by its event id."""
    with database.begin() as session:
        member_id = scope.find(session, current(), member).member_id
        return _tell_once(session, member, member_id, asked)


@blueprint.route("/members/<member>/reveals", methods=["POST"])
@blueprint.arguments(RevealRequest)
@blueprint.response(200, RevealView)
@needs("members:reveal")
def reveal(asked: dict[str, Any], member: str) -> Response:
    """Personal data in clear, once, for a reason and a case; each time is a look of its own, and is written down."""
    wanted = looking.Wanted(tuple(asked["fields_"]), asked["reason"], asked["case"])
    with looking.telling_of_too_many(current()), database.begin() as session:
        values = looking.reveal(session, config(), current(), member, wanted, clock.now())
    answer = jsonify({"member": member, "values": values})
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.route("/view-log")
@blueprint.arguments(LogQuery, location="query")
@blueprint.response(200, LogView)
@needs("audit:read")
def view_log(query: dict[str, Any]) -> dict[str, Any]:
    """Who looked at whom, the newest first. Who works for an area asks about one member of it at a time."""
    key, limit, principal = f"view-log:{config().secret_key}", query["limit"], current()
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        if query["member"] is None and isinstance(principal, Staff) and principal.area:
            raise field_errors({"member": "is needed: whose looks"})
        rows = looking.log(
            session,
            member_id=scope.find(session, principal, query["member"]).member_id if query["member"] else None,
            person=query["person"],
            since=query["since"],
            before=place[0] if place else None,
            limit=limit + 1,
        )
    more = len(rows) > limit
    return {
        "data": [look_view(row) for row in rows[:limit]],
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1].audit_id) if more else None,
    }


def _tell_once(session: Session, member: str, member_id: int, asked: dict[str, Any]) -> dict[str, Any]:
    def effect() -> tuple[int, dict[str, Any]]:
        has = phones.change(
            session, config(), member_id, asked["phone"], asked["since"], clock.now(), current().actor
        )
        return 200, {"member": member, "has_number": has}

    key = idempotency.checked(asked["event_id"])
    body: dict[str, Any] = idempotency.once(session, member_id, NUMBERS, key, _blind(asked), effect).body
    return body


def _enrol(session: Session, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    service = current()
    if not isinstance(service, Service):
        raise NotAllowed()
    wanted = enrolment.Wanted(
        asked["customer_id"],
        asked["joined_on"],
        asked["phone"],
        asked["area"],
        asked["birthday"],
        personal_of(asked),
    )
    member, fresh = enrolment.enrol(
        session, config(), service.programme_id, wanted, asked["channel"], clock.now(), service.actor
    )
    return (201 if fresh else 200), {
        "id": ids.public("mbr", member.member_id),
        "joined_on": str(member.joined_on),
        "fresh": fresh,
    }


def _blind(asked: dict[str, Any]) -> str:
    """What was asked, as a keyed digest: a plain one of a phone number could be found by trying all numbers."""
    text = json.dumps(asked, sort_keys=True, default=str)
    return seals.blind(config().secret_key, "asked", text).hex()
