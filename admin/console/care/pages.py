"""The form on a member's page that names the person who looks after the member."""

from typing import Any

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from admin.care import opening
from base import clock, database, idempotency
from base.auth.guard import current, needs
from points import programmes
from points.care import care
from points.members import scope

blueprint = Blueprint("care", __name__)


@blueprint.route("/members/<member>/care", methods=["POST"])
@needs(care.ASSIGNS)
def assign(member: str) -> ResponseReturnValue:
    """From today on this person looks after the member, and has the open tasks; an empty field: nobody any more."""
    key = idempotency.checked(request.form.get("key"))
    typed, reason = request.form.get("person", "").strip(), request.form.get("reason", "").strip()
    with database.begin() as session:
        row = scope.find(session, current(), member)

        def effect() -> tuple[int, Any]:
            at = clock.now()
            staff_id = care.person(session, typed).staff_id if typed else None
            care.assign(session, row, staff_id, reason, current().actor, at)
            today = clock.day(at, programmes.by_id(session, row.programme_id).zone)
            opening.follow(session, row.member_id, today, at, current().actor)
            return 303, None

        asked = {"page": "care", "person": typed, "reason": reason}
        idempotency.once(session, row.member_id, current().actor, key, asked, effect)
    return redirect(f"/staff/members/{member}", 303)
