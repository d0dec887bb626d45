"""Gifts of points: what was given and what arrived, a form to give, and the way back while there is time."""

import uuid

from flask import make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.member import refusals
from app.member.frame import PAGE, _, back_to, blueprint, cursor, me, position, whole
from base import clock, database, idempotency, ids, seals
from base.auth.guard import needs
from base.errors import Problem
from base.http.problems import status_of
from base.http.settings import config
from points.gifts import gifts
from points.wallets import wallets


@blueprint.route("/gifts")
@needs("gifts:own")
def list_gifts() -> ResponseReturnValue:
    """Gifts, newest first, each with its state; those that still wait count down."""
    return _page()


@blueprint.route("/gifts", methods=["POST"])
@needs("gifts:own")
def give_points() -> ResponseReturnValue:
    """Give points, once; what is refused is said above the form, and nothing of who has a number."""
    key = idempotency.checked(request.form.get("key"))
    phone = request.form.get("to", "").replace(" ", "").strip()
    try:
        points = whole("points", least=1, most=gifts.MOST_POINTS_A_DAY)
        asked = {
            "page": "gift",
            "to": seals.blind(config().secret_key, "asked", phone).hex(),
            "points": points,
        }
        with gifts.counting_wrong_numbers(me().member_id), database.begin() as session:
            idempotency.once(
                session,
                me().member_id,
                me().actor,
                key,
                asked,
                lambda: (
                    303,
                    gifts.give(session, config(), me().member_id, phone, points, clock.now()).state,
                ),
            )
    except Problem as problem:
        answer = make_response(_page(problem), status_of(type(problem)))
        if problem.retry_after_s is not None:
            answer.headers["Retry-After"] = str(problem.retry_after_s)
        return answer
    return redirect("/gifts", 303)


@blueprint.route("/gifts/<gift>/undo", methods=["POST"])
@needs("gifts:own")
def undo_gift(gift: str) -> ResponseReturnValue:
    """Take a gift back while it waits: the points return to the lots they came from."""
    (gift_id,) = ids.parse("gft", gift, parts=1)
    key = idempotency.checked(request.form.get("key"))
    back_to("/gifts", _("Back to your gifts"))
    with database.begin() as session:
        idempotency.once(
            session,
            me().member_id,
            me().actor,
            key,
            {"page": "undo", "gift": gift},
            lambda: (303, gifts.undo(session, me().member_id, gift_id, clock.now()).state),
        )
    return redirect("/gifts", 303)


def _page(problem: Problem | None = None) -> str:
    at, place = clock.now(), position()
    with database.begin() as session:
        shown = wallets.show(session, me().member_id, at)
        rows = gifts.all_of(session, me().member_id, before=place[0] if place else None, limit=PAGE + 1)
    return render_template(
        "member/gifts.html",
        rows=[(row, row.member_id == me().member_id, gifts.undoable(row, at)) for row in rows[:PAGE]],
        reference=gifts.reference,
        shown=shown,
        most_points=min(shown.spendable, gifts.MOST_POINTS_A_DAY),
        most_gifts=gifts.MOST_GIFTS_A_DAY,
        problem=problem and (problem, refusals.detail(problem), refusals.next_step(problem)),
        typed=request.form,
        key=uuid.uuid4(),
        next_cursor=cursor(rows[PAGE - 1].gift_id) if len(rows) > PAGE else None,
    )
