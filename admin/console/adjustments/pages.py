"""The form on a member's page that proposes an adjustment; what was typed stays when it is refused."""

import uuid
from datetime import date
from typing import Any

from flask import Blueprint, Response, make_response, redirect, request
from flask.typing import ResponseReturnValue

from admin.console import words
from admin.console.approvals.pages import url_of
from admin.console.http import page
from base import clock, database, idempotency
from base.auth.guard import current, needs
from base.errors import Invalid, OverLimit, Problem, field_errors
from base.http.problems import body_of, status_of
from points.adjustments import adjustments
from points.adjustments.adjustments import DOWN, MOST_TEXT, MOST_TICKET, REASONS, UP, Wanted
from points.members import scope
from points.wallets import wallets

blueprint = Blueprint("adjustments", __name__)


@blueprint.route("/members/<member>/adjust")
@needs(adjustments.PROPOSES)
def form(member: str) -> ResponseReturnValue:
    """Points to add or take, and why."""
    return _form(member)


@blueprint.route("/members/<member>/adjust", methods=["POST"])
@needs(adjustments.PROPOSES)
def propose(member: str) -> ResponseReturnValue:
    """Propose it, once; another person decides."""
    key = idempotency.checked(request.form.get("key"))
    with database.begin() as session:
        member_id = scope.find(session, current(), member).member_id
        wanted = _wanted()

        def effect() -> tuple[int, Any]:
            case = adjustments.propose(session, current(), member_id, wanted, clock.now())
            return 303, url_of(adjustments.KIND, case.proposal.proposal_id)

        asked = {"page": "adjust", "wanted": vars(wanted)}
        answer = idempotency.once(session, member_id, current().actor, key, asked, effect)
    return redirect(answer.body, 303)


@blueprint.errorhandler(Invalid)
@blueprint.errorhandler(OverLimit)
def again(problem: Problem) -> Response:
    """The form with what was typed, and what is wrong with it."""
    status = status_of(type(problem))
    assert request.view_args is not None
    return make_response(_form(request.view_args["member"], body_of(problem, status)), status)


def _form(member: str, problem: dict[str, Any] | None = None) -> str:
    with database.begin() as session:
        row = scope.find(session, current(), member)
        shown = wallets.show(session, row.member_id, clock.now())
    return page(
        "console/adjust.html",
        member=row,
        member_ref=member,
        shown=shown,
        problem=problem,
        wrong={error["pointer"].removeprefix("/") for error in (problem or {}).get("errors", ())},
        directions=[(UP, words.DIRECTIONS[UP]), (DOWN, words.DIRECTIONS[DOWN])],
        classes=[("", "—"), *words.LOT_CLASSES.items()],
        reasons=[(reason, words.ADJUSTMENT_REASONS[reason]) for reason in REASONS],
        most=adjustments.MOST_POINTS_A_MAKER_PROPOSES_A_DAY,
        most_text=MOST_TEXT,
        most_ticket=MOST_TICKET,
        key=uuid.uuid4(),
    )


def _wanted() -> Wanted:
    """What was typed; a field that cannot be read is named."""
    typed = {name: value.strip() for name, value in request.form.items()}
    wrong: dict[str, str] = {}
    points, lot_class = _number(typed, "points", wrong), None
    if typed.get("lot_class"):
        lot_class = _number(typed, "lot_class", wrong)
    last_day = None
    if typed.get("last_day"):
        try:
            last_day = date.fromisoformat(typed["last_day"])
        except ValueError:
            wrong["last_day"] = "must be a date"
    if wrong:
        raise field_errors(wrong)
    return Wanted(
        direction=typed.get("direction", ""),
        points=points,
        reason=typed.get("reason", ""),
        text=typed.get("text", ""),
        ticket=typed.get("ticket", ""),
        lot_class=lot_class,
        last_day=last_day,
    )


def _number(typed: dict[str, str], name: str, wrong: dict[str, str]) -> int:
    text = typed.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        wrong[name] = "must be a whole number"
        return 0
    return int(text)
