"""Freeze a member's points: for one who called, or for suspected misuse; and thaw them, which security alone may."""

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from admin.console import words
from admin.console.http import page
from base import clock, database
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.errors import Problem
from base.http.problems import body_of, status_of
from base.http.settings import config
from points.freezes import freezes
from points.members import scope

blueprint = Blueprint("freezes", __name__)


@blueprint.route("/members/<member>/freeze")
@needs("points:freeze")
def form(member: str) -> ResponseReturnValue:
    """What stands, and what can be done."""
    return _form(member)


@blueprint.route("/members/<member>/freeze", methods=["POST"])
@needs("points:freeze")
def freeze(member: str) -> ResponseReturnValue:
    """Freeze, at once; the member is told."""
    with database.begin() as session:
        freezes.freeze_for(
            session,
            config(),
            _person(),
            member,
            request.form.get("reason", ""),
            request.form.get("case", "").strip(),
            clock.now(),
        )
    return redirect(request.path, 303)


@blueprint.route("/members/<member>/thaw", methods=["POST"])
@needs("points:thaw")
def thaw(member: str) -> ResponseReturnValue:
    """End every freeze of the member, once it is known who asked."""
    with database.begin() as session:
        freezes.thaw_for(
            session, config(), _person(), member, request.form.get("thaw_case", "").strip(), clock.now()
        )
    return redirect(f"/staff/members/{member}/freeze", 303)


@blueprint.errorhandler(freezes.BadFreeze)
@blueprint.errorhandler(freezes.NotFrozen)
def again(problem: Problem) -> ResponseReturnValue:
    """The form with what is wrong."""
    assert request.view_args is not None
    status = status_of(type(problem))
    return _form(request.view_args["member"], body_of(problem, status)), status


def _form(member: str, problem: dict[str, object] | None = None) -> str:
    with database.begin() as session:
        row = scope.find(session, current(), member)
        standing = freezes.standing(session, row.member_id)
    return page(
        "console/freeze.html",
        member=row,
        member_ref=member,
        standing=standing,
        reasons=[(reason, words.FREEZE_REASONS[reason]) for reason in freezes.STAFF_REASONS],
        problem=problem,
        words=words,
    )


def _person() -> Staff:
    person = current()
    assert isinstance(person, Staff)
    return person
