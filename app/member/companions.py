"""Companions: who is linked with the member, invitations to answer, and one to make."""

import uuid
from collections.abc import Callable
from typing import Any

from flask import make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.member.frame import back_to, blueprint, me
from base import clock, database, idempotency, seals
from base.auth.guard import needs
from base.errors import Problem
from base.http.problems import status_of
from base.http.settings import config
from base.web.i18n import gettext as _
from points.companions import companions


@blueprint.route("/companions")
@needs("companions:own")
def companion_list() -> ResponseReturnValue:
    """The member's links, and a form to invite by number while there is a place."""
    return _page()


@blueprint.route("/companions", methods=["POST"])
@needs("companions:own")
def invite_companion() -> ResponseReturnValue:
    """Invite the holder of a number; what is refused is said above the form, and nothing more of who that is."""
    phone = request.form.get("phone", "").replace(" ", "").strip()
    whom = seals.blind(config().secret_key, "asked", phone).hex()
    try:
        with companions.counting_wrong(me().member_id):
            return _once(
                whom,
                lambda session: companions.invite(
                    session, config(), me().member_id, customer_id=None, phone=phone, at=clock.now()
                ),
            )
    except Problem as problem:
        answer = make_response(_page(problem), status_of(type(problem)))
        if problem.retry_after_s is not None:
            answer.headers["Retry-After"] = str(problem.retry_after_s)
        return answer


@blueprint.route("/companions/<link>/confirm", methods=["POST"])
@needs("companions:own")
def confirm_companion(link: str) -> ResponseReturnValue:
    """Say yes to an invitation."""
    back_to("/companions", _("Back to your companions"))
    return _once(
        link, lambda session: companions.confirm(session, config(), me().member_id, link, clock.now())
    )


@blueprint.route("/companions/<link>/end", methods=["POST"])
@needs("companions:own")
def end_companion(link: str) -> ResponseReturnValue:
    """Decline, withdraw or leave."""
    back_to("/companions", _("Back to your companions"))
    return _once(link, lambda session: companions.end(session, me().member_id, link, clock.now()))


def _page(problem: Problem | None = None) -> str:
    at = clock.now()
    with database.begin() as session:
        links = companions.links(session, me().member_id, at)
    taken = sum(link.state(at) == companions.CONFIRMED for link in links)
    return render_template(
        "member/companions.html",
        links=links,
        reference=companions.reference,
        free=companions.MOST_COMPANIONS - taken,
        problem=problem,
        key=uuid.uuid4(),
        at=at,
    )


def _once(what: str, deed: Callable[[Session], Any]) -> ResponseReturnValue:
    key = idempotency.checked(request.form.get("key"))
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            deed(session)
            return 303, None

        asked = {"page": request.path, "what": what}
        idempotency.once(session, me().member_id, me().actor, key, asked, effect)
    return redirect("/companions", 303)
