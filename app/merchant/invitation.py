"""Taking up an invitation: the token comes behind the link's # into a form, and the person chooses PIN or password."""

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.merchant.frame import errors_on, page, text
from base import clock, database
from base.auth.guard import open_to_all
from base.errors import Problem
from base.http.problems import body_of, status_of
from merchants.people import choosing, invitations
from merchants.people.choosing import MOST_PASSWORD, NotTheSame, ShortPassword

MOST_TOKEN = 100

blueprint = Blueprint(
    "merchant_invitation", __name__, template_folder="templates", url_prefix="/merchant/invitation"
)
errors_on(blueprint)


@blueprint.route("")
@open_to_all
def form() -> ResponseReturnValue:
    """The field for the token; a small script puts it there from the link."""
    return page("merchant/invitation.html")


@blueprint.route("/look")
@open_to_all
def look_again() -> ResponseReturnValue:
    """A reload or a change of language: back to the field."""
    return redirect(url_for(".form"), 303)


@blueprint.route("/look", methods=["POST"])
@open_to_all
def look() -> ResponseReturnValue:
    """What the token invites to, and the fields to choose in."""
    return _choosing(text("token", MOST_TOKEN))


@blueprint.route("/take-up")
@open_to_all
def take_up_again() -> ResponseReturnValue:
    """A reload or a change of language: back to the field."""
    return redirect(url_for(".form"), 303)


@blueprint.route("/take-up", methods=["POST"])
@open_to_all
def take_up() -> ResponseReturnValue:
    """Choose, and be there from now on."""
    token, secret = text("token", MOST_TOKEN), request.form.get("secret", "")
    try:
        if len(secret) > MOST_PASSWORD:
            raise ShortPassword()
        if secret != request.form.get("again", ""):
            raise NotTheSame()
        with database.begin() as session:
            person = invitations.take_up(session, token, secret, clock.now())
    except (choosing.BadPin, choosing.ObviousPin, ShortPassword, NotTheSame) as wrong:
        return _choosing(token, wrong), status_of(type(wrong))
    return page("merchant/taken_up.html", person=person)


def _choosing(token: str, wrong: Problem | None = None) -> str:
    with database.begin() as session:
        invitation, merchant = invitations.look(session, token, clock.now())
    return page(
        "merchant/choosing.html",
        invitation=invitation,
        merchant=merchant,
        token=token,
        by_password=choosing.takes_password(invitation.role),
        problem=body_of(wrong, status_of(type(wrong))) if wrong else None,
    )
